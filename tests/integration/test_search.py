"""A search over more payloads than anybody could compute: it ends with what it finds, and nobody computes on."""

import aiohttp
import pytest

from tests.integration.env import SQUARE, Env, task
from tests.integration.facts import PATIENCE_S, ended
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
SLOW = "await new Promise((done) => setTimeout(done, 30)); "
UNTIL_FOUND = f"export default async (n) => {{ {SLOW} if (n > 20) for (;;); return {{ n, prime: n === 5 }} }}"
"""Finds something, and a while after that never ends."""
WANTED = {"result": [{"path": "prime", "equals": True}, {"path": "n", "above": 3}]}


async def test_a_search_ends_with_its_find_and_its_clients_are_free_at_once(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    client = env.client(distributor.url, cores=1)
    async with env.rest(manager) as rest:
        document = task(UNTIL_FOUND, {"range": [0, 10**12]}, stop_when=WANTED, unit_timeout_s=3600)
        created = await rest.create_task(document)
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["ended_by"], final["matched"]) == ("done", "stop_when", 1)
        assert [row["result"]["n"] async for row in rest.results(created["id"])] == list(range(final["done"]))

        async def nobody_holds() -> bool:
            return [row["blocks"] for row in await rest.distributors()] == [0]

        await wait_until(nobody_holds, PATIENCE_S, on_timeout=env.dump)
        other = await rest.create_task(task(SQUARE, {"range": [0, 100]}))
        assert (await ended(rest, other["id"], env))["done"] == 100, "the endless unit was to be ended"
        assert client.process.poll() is None


async def test_a_search_goes_on_where_it_was_when_everything_is_killed(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url, cores=2)
    async with env.rest(manager) as rest:
        stop = {"result": [{"equals": 7}], "count": 8}
        source = f"export default async (n) => {{ {SLOW} return n % 50 }}"
        created = await rest.create_task(task(source, {"range": [0, 10**9]}, stop_when=stop))

        async def has_found_some() -> bool:
            return bool((await rest.task(created["id"]))["matched"] >= 2)

        await wait_until(has_found_some, PATIENCE_S, on_timeout=env.dump)
        manager.kill()
        distributor.kill()
        manager = env.manager_again(manager)
        env.distributor_again(distributor, manager.url)
        final = await ended(rest, created["id"], env)
        assert final["ended_by"] == "stop_when"
        rows = [row async for row in rest.results(created["id"])]
        assert sum(row["result"] == 7 for row in rows) == final["matched"] >= 8
        assert len(rows) == final["done"] < 5_000
        url = f"{manager.url}/api/tasks/{created['id']}/results?matched=true"
        token = (env.folder / manager.name / "admin.token").read_text().strip()
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http, http.get(url) as answer:
            assert [row["result"] for row in (await answer.json())["items"]] == [7] * final["matched"]
