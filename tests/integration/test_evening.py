"""Two distributors and one task: who comes when all of it is handed out gets its part all the same."""

import pytest

from tests.chaos.outside import Outside
from tests.chaos.promises import kept, told_apart
from tests.chaos.stage import Stage
from tests.chaos.volunteer import Manner
from tests.chaos.volunteers import Crowd
from tests.integration.env import Env
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TOTAL = 12_000
CROWD = 10
MANNER = Manner(unit_s=0.02, gather_s=0.2, compute=told_apart())


async def test_a_distributor_that_comes_late_gets_work_of_one_that_holds_everything(env: Env) -> None:
    manager = env.manager()
    first = env.distributor(manager.url, name="first")
    try:
        async with env.rest(manager) as rest, Crowd(Outside(), MANNER) as crowd:
            crowd.add(CROWD, first.url)
            stage = Stage(env, manager, first, rest, crowd)
            task_id = await stage.submit(TOTAL)

            async def is_handed_out() -> bool:
                seen = await rest.task(task_id)
                return bool(seen["done"] and seen["done"] + seen["leased"] == TOTAL)

            await wait_until(is_handed_out, 60.0, on_timeout=env.dump)
            second = env.distributor(manager.url, name="second")
            late = {each.name for each in crowd.add(CROWD, second.url)}
            await stage.ended(task_id, 120.0)
            await kept(rest, crowd.outside, task_id, TOTAL)
            stored = [fact for fact in crowd.outside.facts if fact["event"] == "stored" and fact["volunteer"] in late]
            assert sum(fact["accepted"] for fact in stored) >= TOTAL / 8
    finally:
        env.stop()
