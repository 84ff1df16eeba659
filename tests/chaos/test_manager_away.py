"""A manager that is away under load: volunteers work on, and everything they did is brought home when it is back."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.chaos.promises import kept, told_apart
from tests.chaos.sizes import is_long, limit, size
from tests.chaos.stage import Stage, staged
from tests.chaos.volunteer import Manner
from tests.integration.env import Env
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, limit(240)]

VOLUNTEERS = 60
UNIT_S = 0.02
WAIT_S = 900.0
LEAST_DRAINED_PER_S = 2_000
MOST_LESS_BUSY = 0.05
"""How much smaller a part of their time volunteers may be busy while the manager is away, or takes what waited."""


@dataclass
class Share:
    """The part of their time that volunteers computed, from 0 to 1."""

    busy: float = 0.0


@contextlib.contextmanager
def measured(stage: Stage) -> Iterator[Share]:
    """Measure how busy those volunteers are who are online now, until the end of the block."""
    volunteers, idle, began = stage.crowd.online, stage.outside.idle_s, time.monotonic()
    share = Share()
    yield share
    share.busy = 1 - (stage.outside.idle_s - idle) / (volunteers * (time.monotonic() - began))


async def holds(stage: Stage, least: int) -> None:
    """Wait until the distributor has work for so many results."""
    most = 0

    async def look() -> bool:
        nonlocal most
        most = max(most, await stage.metric("held_payloads"))
        return most >= least

    await wait_until(look, 60.0, on_timeout=lambda: f"it held {most} open payloads at most, not {least}")


async def cached(stage: Stage, count: int, away_s: float) -> int:
    """Wait until so many results wait for the manager and it has been away for so long; return how many wait."""
    back_at = time.monotonic() + away_s

    async def look() -> bool:
        return await stage.outbox() >= count and time.monotonic() >= back_at

    await wait_until(look, WAIT_S, on_timeout=stage.env.dump)
    return await stage.outbox()


async def drained(stage: Stage, waiting: int) -> float:
    """Wait until no more waits than volunteers return in a second; return the results brought home per second.

    What they return meanwhile is not counted, though it is brought home as well.
    """
    began = time.monotonic()
    left = waiting

    async def look() -> bool:
        nonlocal left
        left = await stage.outbox()
        return left <= stage.crowd.online / UNIT_S

    await wait_until(look, WAIT_S, on_timeout=stage.env.dump)
    return (waiting - left) / (time.monotonic() - began)


async def slowed_down(stage: Stage, per_s: float) -> None:
    """Let so many volunteers leave that the others compute about ``per_s`` results a second."""
    staying = max(2, round(per_s * UNIT_S))
    for volunteer in stage.crowd.volunteers[staying:]:
        volunteer.leave()
    await wait_until(lambda: stage.crowd.online <= staying, 30.0)


async def joined_by(stage: Stage, volunteers: int) -> None:
    """Let so many volunteers take part."""
    stage.crowd.add(volunteers - stage.crowd.online, stage.distributor.url)
    await wait_until(lambda: stage.crowd.online >= volunteers, 30.0)


async def test_a_manager_that_is_away_costs_nobody_time_and_loses_nothing(env: Env) -> None:
    target, away_s = size("away_cached", 10_000, 100_000), size("away_s", 0, 300)
    async with staged(env, VOLUNTEERS, Manner(unit_s=UNIT_S, gather_s=0.5, compute=told_apart())) as stage:
        total = 2 * target + 20_000
        task_id = await stage.submit(total)
        await stage.done(task_id, 2_000, WAIT_S)
        with measured(stage) as before:
            await stage.done(task_id, 8_000, WAIT_S)
            await holds(stage, round(target * 1.05))
        stage.manager.kill()
        killed_at = time.monotonic()
        if away_s:
            await slowed_down(stage, target / away_s)
        with measured(stage) as away:
            waiting = await cached(stage, target, away_s)
        print(f"{waiting} results cached after {time.monotonic() - killed_at:.0f} s without a manager")
        print(f"volunteers were busy for {before.busy:.1%} of their time before, {away.busy:.1%} while it was away")
        await joined_by(stage, VOLUNTEERS)
        stage.manager = env.manager_again(stage.manager)
        waiting = await stage.outbox()
        with measured(stage) as back:
            per_s = await drained(stage, waiting)
        print(f"drained {waiting} results beside {VOLUNTEERS} volunteers at work: {per_s:.0f} a second less theirs")
        print(f"volunteers were busy for {back.busy:.1%} of their time meanwhile")
        seen = await stage.ended(task_id, WAIT_S)
        assert (seen["done"], seen["failed"]) == (total, 0)
        await kept(stage.rest, stage.outside, task_id, total)
        assert away.busy >= before.busy - MOST_LESS_BUSY
        assert back.busy >= before.busy - MOST_LESS_BUSY
        if is_long():
            assert per_s >= LEAST_DRAINED_PER_S
