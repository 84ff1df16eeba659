"""Clients that vanish in the middle of a unit: every payload is decided, and little is computed twice."""

import time

import pytest

from tests.chaos.promises import kept, told_apart
from tests.chaos.sizes import is_long, limit, size
from tests.chaos.stage import Stage, staged
from tests.chaos.volunteer import Manner
from tests.integration.env import Env
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, limit(240)]

UNITS_EACH = 12
"""Payloads of the task for each client that vanishes."""
HEALTHY = 40
WAIT_S = 600.0
MOST_WORK = 1.5


def manner(vanish: float) -> Manner:
    """Return how the clients work here; some of those that vanish keep their connection open, in the long run."""
    mute = 0.1 if is_long() else 0.0
    return Manner(unit_s=0.1, gather_s=0.5, compute=told_apart(), vanish=vanish, mute=mute, returns_s=0.3)


async def vanishing(stage: Stage, task_id: str, clients: int) -> None:
    """Let clients come, work and vanish, each replaced by another, until so many have."""
    outside = stage.outside
    print(f"{outside.vanished} clients vanished", end="", flush=True)
    await wait_until(lambda: outside.vanished >= clients, WAIT_S, on_timeout=lambda: stage.told(task_id))
    print(f" .. {outside.vanished}, {outside.acknowledged[task_id]} results acknowledged")
    for volunteer in stage.crowd.volunteers:
        volunteer.leave()


async def test_clients_that_vanish_mid_unit_cost_time_and_nothing_else(env: Env) -> None:
    clients = size("vanishing", 200, 2_000)
    total, at_once = clients * UNITS_EACH, min(200, clients // 4)
    async with staged(env, at_once, manner(vanish=0.5)) as stage:
        outside = stage.outside
        began = time.monotonic()
        task_id = await stage.submit(total)
        await vanishing(stage, task_id, clients)
        gone_at, left = time.monotonic(), total - outside.acknowledged[task_id]
        assert left > 0, "the task was over before so many clients had vanished"
        stage.crowd.add(HEALTHY, stage.distributor.url, manner=manner(vanish=0.0))
        seen = await stage.ended(task_id, WAIT_S)
        begun = outside.computed[task_id] + outside.wasted[task_id]
        print(
            f"{outside.vanished} clients vanished in {gone_at - began:.0f} s; the {left} payloads of {total} that were "
            f"left took {time.monotonic() - gone_at:.0f} s more; {begun} units begun, "
            f"{begun / total:.3f} times what was needed; {outside.handed_out[task_id]} handed out"
        )
        assert (seen["done"], seen["failed"]) == (total, 0)
        assert begun < MOST_WORK * total
        await kept(stage.rest, outside, task_id, total)
