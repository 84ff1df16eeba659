"""A cancel that was acknowledged holds: nobody is handed anything of the task any more, whatever is killed after it."""

import asyncio
from collections import Counter

import pytest

from tests.chaos.checker import IN_FLIGHT_S
from tests.chaos.evidence import proved, watched
from tests.chaos.trio import Stores, manner, trio
from tests.integration.env import Env
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
VOLUNTEERS = 3
UNIT_S = 0.1


async def test_nothing_is_handed_out_after_a_cancel_through_kills_of_everybody(env: Env) -> None:
    async with trio(env, Stores(), manner(UNIT_S)) as running:
        outside = running.outside
        unwanted, wanted = await running.submit(50_000), await running.submit(800)
        running.staff(VOLUNTEERS)
        await running.progress(unwanted, 50)
        await running.progress(wanted, 50)
        assert (await running.rest.verb(unwanted, "cancel"))["state"] == "cancelled"
        cancelled = len(outside.facts)

        def is_known(group: set[str]) -> bool:
            """A distributor knows when it called somebody off; if nobody had units of it, by what it hands out."""
            since = [fact for fact in outside.facts[cancelled:] if fact["event"] == "assigned"]
            served = Counter(fact["volunteer"] for fact in since if fact["task"] == wanted)
            last = {fact["volunteer"]: fact["task"] for fact in since}
            serves_wanted_alone = all(served[name] > 1 and last[name] == wanted for name in group)
            return bool(group & outside.called_off.get(unwanted, set())) or serves_wanted_alone

        await wait_until(lambda: all(map(is_known, running.groups)), 30.0, on_timeout=env.dump)
        outside.cancelled(unwanted)
        computed = outside.computed[unwanted]
        async with asyncio.TaskGroup() as group:
            group.create_task(running.restart_distributor(0, IN_FLIGHT_S))
            group.create_task(running.restart_distributor(1, IN_FLIGHT_S))
            group.create_task(asyncio.to_thread(running.manager.kill))
        running.manager = await asyncio.to_thread(env.manager_again, running.manager)
        async with watched(running.rest, outside, wanted):
            await running.ended(wanted)
        assert outside.computed[unwanted] - computed <= 2 * VOLUNTEERS, "volunteers went on with a cancelled task"
        await proved(running.rest, outside, [wanted, unwanted], env.folder / "evidence")
