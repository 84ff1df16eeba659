"""Map, map and reduce without a client in between: three tasks are made, and the last one's result is right."""

import pytest

from tests.integration.env import Env, task
from tests.integration.facts import PATIENCE_S, ended, reached
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
SQUARE = "export default (n) => n * n"
SLOW_SQUARE = "export default async (n) => { await new Promise((done) => setTimeout(done, 10)); return n * n }"
NEXT = "export default (n) => n + 1"
SUM = "export default (list) => list.reduce((sum, n) => sum + n, 0)"


@pytest.mark.parametrize("stream", [False, True])
async def test_map_map_reduce_runs_by_itself(env: Env, stream: bool) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    async with env.rest(manager) as rest:
        squares = await rest.create_task(task(SQUARE, {"range": [0, 5_000]}))
        added = await rest.create_task(task(NEXT, {"task": squares["id"], "stream": stream}))
        parts = await rest.create_task(task(SUM, {"task": added["id"], "stream": stream, "batch": 1_000}))
        total = await rest.create_task(task(SUM, {"task": parts["id"], "batch": 100_000}))
        env.client(distributor.url, cores=1)
        final = await ended(rest, total["id"], env)
        assert (final["state"], final["done"], final["total"]) == ("done", 1, 1)
        [row] = [row async for row in rest.results(total["id"])]
        assert row["result"] == sum(n * n + 1 for n in range(5_000))
        middle = await rest.task(parts["id"])
        assert (middle["state"], middle["total"], middle["failed"]) == ("done", 5, 0)


async def test_a_stream_goes_on_when_the_manager_is_killed(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url, cores=2)
    async with env.rest(manager) as rest:
        squares = await rest.create_task(task(SLOW_SQUARE, {"range": [0, 2_000]}, weight=5.0))
        added = await rest.create_task(task(NEXT, {"task": squares["id"], "stream": True}))
        await reached(rest, added["id"], 50, env)
        manager.kill()
        manager = env.manager_again(manager)
        assert (await ended(rest, squares["id"], env))["done"] == 2_000

        async def is_done() -> bool:
            return bool((await rest.task(added["id"]))["state"] == "done")

        await wait_until(is_done, PATIENCE_S, on_timeout=env.dump)
        found = sorted([row["result"] async for row in rest.results(added["id"])])
        assert found == sorted(n * n + 1 for n in range(2_000)), "each result is taken once"
