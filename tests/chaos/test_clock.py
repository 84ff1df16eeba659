"""Wall clocks that jump: leases live on the steady clock and do not notice, task deadlines follow the wall clock."""

import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.chaos.promises import kept, told_apart
from tests.chaos.sizes import limit
from tests.chaos.stage import Stage, staged
from tests.chaos.volunteer import Manner
from tests.chaos.wall_clock import DAY_S, HOUR_S, WallClock
from tests.integration.env import Env, Started
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, limit(240)]

WAIT_S = 90.0
LEASE_S = 8
JUMPS = {"an hour on": HOUR_S, "an hour back": -HOUR_S, "400 days on": 400 * DAY_S}


@contextlib.contextmanager
def worn_by(env: Env, service: str, clock: WallClock) -> Iterator[None]:
    """Give a clock to the one service of this name."""
    launch = env.launch

    def launch_with(name: str, module: str, *options: str) -> Started:
        with pytest.MonkeyPatch.context() as environment:
            if name == service:
                clock.worn(environment)
            return launch(name, module, *options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(env, "launch", launch_with)
        yield


@contextlib.asynccontextmanager
async def jumping(env: Env, tmp_path: Path, service: str, manner: Manner) -> AsyncIterator[tuple[Stage, WallClock]]:
    """Start everybody, with leases of blocks that are short, and one service on a clock of its own."""
    (tmp_path / "disio.toml").write_text(f"[manager]\nlease_s = {LEASE_S}.0\nstatus_s = 1.0\n")
    clock = WallClock(tmp_path / "clock")
    with pytest.MonkeyPatch.context() as place, worn_by(env, service, clock):
        place.chdir(tmp_path)
        async with staged(env, 20, manner) as stage:
            yield stage, clock


async def jumped(stage: Stage, clock: WallClock, offset_s: int) -> None:
    """Let the manager's clock jump; return when it has handled something, and so whatever was due, at the new time."""
    clock.jump_to(offset_s)

    async def sees_it() -> bool:
        other = await stage.waiting_task()
        seen = await stage.rest.verb(other, "cancel")
        return bool(abs(seen["created_at"] - clock.now()) < HOUR_S / 4)

    await wait_until(sees_it, WAIT_S, on_timeout=stage.env.dump)


async def leased(stage: Stage, task_id: str) -> int:
    """Return how many payloads of a task are leased to distributors."""
    return int((await stage.rest.task(task_id))["leased"])


@contextlib.contextmanager
def stopped(service: Started) -> Iterator[None]:
    """Let a process stand still: it neither speaks nor ends."""
    service.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.process.send_signal(signal.SIGCONT)


async def test_leases_of_blocks_neither_end_nor_revive_when_the_managers_clock_jumps(env: Env, tmp_path: Path) -> None:
    total = 4_000
    manner = Manner(unit_s=0.05, gather_s=0.2, compute=told_apart())
    async with jumping(env, tmp_path, "manager", manner) as (stage, clock):
        task_id = await stage.submit(total)
        await stage.done(task_id, 100, WAIT_S)
        for name, offset_s in JUMPS.items():
            with stopped(stage.distributor):
                assert await leased(stage, task_id) > 0
                await jumped(stage, clock, offset_s)
                assert await leased(stage, task_id) > 0, name
            await stage.done(task_id, (await stage.rest.task(task_id))["done"] + 50, WAIT_S)
        with stopped(stage.distributor):

            async def is_over() -> bool:
                return await leased(stage, task_id) == 0

            await wait_until(is_over, WAIT_S, on_timeout=env.dump)
            for name, offset_s in {**JUMPS, "a year back": -365 * DAY_S}.items():
                await jumped(stage, clock, offset_s)
                assert await leased(stage, task_id) == 0, name
        await stage.ended(task_id, WAIT_S)
        await kept(stage.rest, stage.outside, task_id, total)


async def test_a_tasks_deadline_follows_the_managers_wall_clock(env: Env, tmp_path: Path) -> None:
    async with jumping(env, tmp_path, "manager", Manner(compute=told_apart())) as (stage, clock):
        soon = await stage.waiting_task(deadline=clock.now() + HOUR_S / 2)
        later = await stage.waiting_task(deadline=clock.now() + 500 * DAY_S)

        async def state(task_id: str) -> str:
            return str((await stage.rest.task(task_id))["state"])

        for back in (HOUR_S, DAY_S):
            await jumped(stage, clock, -back)
            assert (await state(soon), await state(later)) == ("queued", "queued")
        for on, ending in ((HOUR_S, soon), (501 * DAY_S, later)):
            clock.jump_to(on)

            async def is_expired(task_id: str = ending) -> bool:
                return await state(task_id) == "expired"

            # Nobody pokes: a distributor's signs of life are enough for the manager to see the time.
            await wait_until(is_expired, WAIT_S, on_timeout=env.dump)


async def test_leases_of_assignments_neither_end_nor_revive_when_the_distributors_clock_jumps(
    env: Env, tmp_path: Path
) -> None:
    manner = Manner(unit_s=0.5, gather_s=0.5, compute=told_apart())
    total = 800
    async with jumping(env, tmp_path, "distributor", manner) as (stage, clock):
        outside = stage.outside
        task_id = await stage.submit(total)
        for number, offset_s in enumerate(JUMPS.values(), 1):
            await stage.acknowledged(task_id, number * total // 6, WAIT_S)
            clock.jump_to(offset_s)
        await stage.acknowledged(task_id, 4 * total // 6, WAIT_S)
        assert all(volunteer.is_online for volunteer in stage.crowd.volunteers)
        gone = stage.crowd.add(1, stage.distributor.url, manner=Manner(unit_s=0.5, vanish=1.0, returns_s=-1))[0]
        await wait_until(lambda: outside.vanished == 1, WAIT_S, on_timeout=lambda: stage.told(task_id))
        clock.jump_to(-HOUR_S)
        seen = await stage.ended(task_id, WAIT_S)
        assert (seen["done"], seen["failed"]) == (total, 0)
        held = {at for fact in outside.facts if fact.get("volunteer") == gone.name for at in fact["indexes"]}
        lost, assigned = len(held), [fact for fact in outside.facts if fact["event"] == "assigned"]
        again = [fact["at"] for fact in assigned if held & {*fact["indexes"]}]
        again_s = max(again) - min(again)
        connects = stage.crowd.connects - len(stage.crowd.volunteers)
        print(f"{lost} payloads went with a volunteer, handed out again {again_s:.1f} s later; {connects} reconnects")
        assert total <= outside.handed_out[task_id] <= total + lost
        await kept(stage.rest, outside, task_id, total)
