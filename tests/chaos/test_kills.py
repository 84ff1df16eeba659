"""``kill -9`` of managers and distributors, again and again, while one task is computed: nothing is lost or doubled.

Kills are paced by progress, so that all of them happen while work is left; where a busy machine is slower at kills than
volunteers are at work, the task is computed once more with longer units. ``make chaos`` runs the long version.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.chaos.evidence import proved, watched
from tests.chaos.sizes import is_long, size
from tests.chaos.trio import Restart, Stores, Trio, manner, seed, spread, trio
from tests.integration.env import Env

KILLS = size("kills", 5, 100)
"""Of the manager, and as many of distributors."""
PAYLOADS = size("payloads", 2_000, 20_000)
CYCLES_S = (5.0, 20.0)
"""Work for so long lies between two kills of one kind, when nothing stands still; the next if that was too little."""
VOLUNTEERS = 6
"""At each of two distributors."""
LAST_KILL = 0.9
"""No kill when more than this part of the task is done."""
AWAY_S = (0.2, 2.0)
LEASE_S = 3.0
"""From the start of a process to its first lease, at most; asserted in the long version.

On a machine that others load, so many times longer as there are processes for each core."""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240 + 45 * KILLS)]


async def test_kills_lose_nothing_on_sqlite(tmp_path: Path) -> None:
    await survive_kills(tmp_path, Stores)


async def test_kills_lose_nothing_on_mongodb_and_redis(tmp_path: Path, mongodb_uri: str, redis_url: str) -> None:
    def fresh() -> Stores:
        name = f"kills_{uuid4().hex}"
        database = urlsplit(mongodb_uri)._replace(path=f"/{name}").geturl()
        caches = [("--cache", f"{redis_url}?name={name}{number}") for number in range(2)]
        return Stores(("--db", database), tuple(caches))

    await survive_kills(tmp_path, fresh)


async def survive_kills(folder: Path, fresh: Callable[[], Stores]) -> None:
    """Compute tasks through kills, each with longer units, until work was left at all of one's kills."""
    seen = []
    for cycle_s in CYCLES_S:
        env = Env(folder / f"cycle{cycle_s:g}")
        env.folder.mkdir()
        try:
            managers, distributors = await survive_some(env, fresh(), cycle_s)
        finally:
            env.stop()
        seen.append((len(managers), len(distributors)))
        if seen[-1] == (KILLS, KILLS):
            break
    else:
        pytest.fail(f"tasks were over before {KILLS} kills of each kind: {seen}; kills are slower than work")
    report("manager", managers)
    report("distributor", distributors)
    if is_long():
        late = [restart for restart in (*managers, *distributors) if restart.lease_s > LEASE_S * max(1.0, restart.load)]
        assert not late, f"{len(late)} of {2 * KILLS} restarts took over {LEASE_S} s to the first lease: {late[:10]}"


async def survive_some(env: Env, stores: Stores, cycle_s: float) -> tuple[list[Restart], list[Restart]]:
    """Compute a task, prove from outside that nothing was lost; return what was killed while work was left."""
    chance = random.Random(seed())
    unit_s = 2 * VOLUNTEERS * KILLS * cycle_s / PAYLOADS
    print(f"seed {seed()}: {KILLS} kills each, {PAYLOADS} payloads of {unit_s:.3f} s, {2 * VOLUNTEERS} volunteers")
    async with trio(env, stores, manner(unit_s)) as running:
        # One nobody here can run, for the probe; one that comes last, for whoever has nothing of the first any more:
        # so that a manager always has something to lease, and a distributor something to hand out.
        spare = await running.submit(100_000, requires={"kinds": ["web"]})
        filler = await running.submit(1_000_000, priority=-10)
        task_id = await running.submit(PAYLOADS)
        running.staff(VOLUNTEERS)
        async with watched(running.rest, running.outside, task_id):
            managers, distributors = await kill_all(running, task_id, chance)
            await running.ended(task_id)
        for each in (spare, filler):
            await running.rest.verb(each, "cancel")
            running.outside.cancelled(each)
        await proved(running.rest, running.outside, [task_id, spare, filler], env.folder / "evidence")
        single_process = [n * n + 7 for n in range(PAYLOADS)]
        assert [row["result"][0] async for row in running.rest.results(task_id)] == single_process
    outside = running.outside
    print(f"0 of {outside.acknowledged[task_id]} acknowledged results lost, {outside.handed_out[task_id]} handed out")
    return managers, distributors


async def kill_all(running: Trio, task_id: str, chance: random.Random) -> tuple[list[Restart], list[Restart]]:
    """Kill the manager and distributors side by side, each time some more of the task is done, until all of it is."""

    def a_distributor(away_s: float) -> Awaitable[Restart]:
        return running.restart_distributor(chance.randrange(2), away_s)

    async def taken_in(least: int) -> None:
        # Each manager lives at least until it has taken results in: a distributor's way to it was open again.
        await running.committed(task_id, min(PAYLOADS, max(least, running.done(task_id) + 1)))

    async def acknowledged(least: int) -> None:
        await running.progress(task_id, least)

    async with asyncio.TaskGroup() as group:
        managers = group.create_task(_kill(running, task_id, chance, running.restart_manager, taken_in))
        distributors = group.create_task(_kill(running, task_id, chance, a_distributor, acknowledged))
    return managers.result(), distributors.result()


async def _kill(
    running: Trio,
    task_id: str,
    chance: random.Random,
    restart: Callable[[float], Awaitable[Restart]],
    reached: Callable[[int], Awaitable[None]],
) -> list[Restart]:
    restarts = []
    for number in range(KILLS):
        await reached(int(PAYLOADS * LAST_KILL * (number + 1) / (KILLS + 1)))
        if running.outside.acknowledged[task_id] == PAYLOADS:
            break
        restarts.append(await restart(chance.uniform(*AWAY_S)))
    return restarts


def report(name: str, restarts: list[Restart]) -> None:
    """Print how long restarts took."""
    ready = spread("ready", [restart.ready_s for restart in restarts])
    lease = spread("first lease", [restart.lease_s for restart in restarts])
    over = sum(restart.lease_s > LEASE_S for restart in restarts)
    load = max(restart.load for restart in restarts)
    print(
        f"{len(restarts)} kills of the {name}: {ready}, {lease}, {over} over {LEASE_S} s; load up to {load:.1f} a core"
    )
