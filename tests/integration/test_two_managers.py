"""Two managers on one MongoDB: each knows the other's tasks, and one of them may be lost for good."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from disio.rest import ManagerClient
from disio_shared.errors import ManagerUnreachable
from disio_shared.ids import fresh_id
from tests.integration.env import SQUARE, Env, Started, task
from tests.integration.facts import PATIENCE_S, ended, reached
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
SLOW = "export default async (n) => { await new Promise((done) => setTimeout(done, 20)); return n * n }"
SEARCH = "export default async (n) => { await new Promise((done) => setTimeout(done, 20)); return { n } }"
ENDLESS = "export default async (n) => { await new Promise((done) => setTimeout(done, 3000)); return n }"


@dataclass
class Pair:
    """Two managers on one database; one distributor at each and one linked to both, a client at each of the three."""

    env: Env
    a: Started
    b: Started
    distributors: list[Started]


@pytest.fixture
def pair(env: Env, mongodb_uri: str) -> Iterator[Pair]:
    """Yield the two with their distributors and clients."""
    database = ("--db", urlsplit(mongodb_uri)._replace(path=f"/two_{fresh_id()}").geturl())
    a = env.manager(*database, name="manager-a")
    b = env.manager(*database, name="manager-b")
    distributors = [
        env.distributor(a.url, name="distributor-a"),
        env.distributor(b.url, name="distributor-b"),
        env.distributor(a.url, "--manager", b.url, name="distributor-ab"),
    ]
    for each in distributors:
        env.client(each.url, cores=1, name=f"client-of-{each.name}")
    yield Pair(env, a, b, distributors)


async def results_of(rest: ManagerClient, task_id: str) -> list[int]:
    """Return a task's results; each index once, in order."""
    rows = [row async for row in rest.results(task_id)]
    assert [row["i"] for row in rows] == list(range(len(rows)))
    return [row["result"] for row in rows]


async def both_know(rest: ManagerClient) -> None:
    """Wait until a manager has seen another live one."""

    async def look() -> bool:
        return len([row for row in await rest.managers() if row["alive"]]) == 2

    await wait_until(look, PATIENCE_S)


async def test_a_task_made_at_one_is_computed_by_all_and_read_at_the_other(pair: Pair) -> None:
    async with pair.env.rest(pair.a) as a, pair.env.rest(pair.b) as b:
        await both_know(a)
        created = await a.create_task(task(SLOW, {"range": [0, 1500]}))
        assert (await b.task(created["id"]))["name"] == "test"
        assert (await b.explain(created["id"]))["sentences"]
        final = await ended(b, created["id"], pair.env)
        assert (final["state"], final["done"], final["failed"]) == ("done", 1500, 0)
        assert await results_of(b, created["id"]) == [n * n for n in range(1500)]
        closed = await ended(a, created["id"], pair.env)
        assert (closed["state"], closed["done"]) == ("done", 1500)


async def test_one_killed_for_good_in_the_middle_leaves_its_work_to_the_other(pair: Pair) -> None:
    async with pair.env.rest(pair.a) as a, pair.env.rest(pair.b) as b:
        await both_know(b)
        created = await a.create_task(task(SLOW, {"range": [0, 2500]}))
        await reached(b, created["id"], 200, pair.env)
        pair.a.kill()
        final = await ended(b, created["id"], pair.env)
        assert (final["state"], final["done"], final["failed"]) == ("done", 2500, 0)
        assert await results_of(b, created["id"]) == [n * n for n in range(2500)]

        async def is_struck_off() -> bool:
            return [row["url"] for row in await b.managers()] == [pair.b.url]

        await wait_until(is_struck_off, PATIENCE_S, on_timeout=pair.env.dump)


async def test_one_that_stops_in_order_leaves_its_work_at_once(pair: Pair) -> None:
    async with pair.env.rest(pair.a) as a, pair.env.rest(pair.b) as b:
        await both_know(b)
        created = await a.create_task(task(SLOW, {"range": [0, 1500]}))
        await reached(b, created["id"], 100, pair.env)
        assert pair.a.stop() == 0
        final = await ended(b, created["id"], pair.env)
        assert (final["state"], final["done"]) == ("done", 1500)
        assert await results_of(b, created["id"]) == [n * n for n in range(1500)]


async def test_a_cancel_at_one_reaches_the_distributors_of_the_other(pair: Pair) -> None:
    async with pair.env.rest(pair.a) as a, pair.env.rest(pair.b) as b:
        await both_know(b)
        created = await a.create_task(task(ENDLESS, {"range": [0, 3000]}))
        await all_hold(pair, a, b)
        await a.verb(created["id"], "cancel")

        async def nobody_holds() -> bool:
            is_known = bool((await b.task(created["id"]))["state"] == "cancelled")
            return is_known and not (await holders(a) | await holders(b))

        await wait_until(nobody_holds, 15.0, on_timeout=pair.env.dump)
        # The clients that were busy with it are free for something else at once.
        other = await b.create_task(task(SQUARE, {"range": [0, 300]}))
        assert (await ended(b, other["id"], pair.env))["state"] == "done"


async def test_a_find_at_one_ends_the_search_of_the_other(pair: Pair) -> None:
    async with pair.env.rest(pair.a) as a, pair.env.rest(pair.b) as b:
        await both_know(b)
        stop = {"result": [{"path": "n", "at_least": 100}], "count": 30}
        created = await a.create_task(task(SEARCH, {"range": [0, 1_000_000_000]}, stop_when=stop))
        for rest in (a, b):
            final = await ended(rest, created["id"], pair.env)
            assert (final["state"], final["ended_by"]) == ("done", "stop_when") and final["matched"] >= 30

        async def nobody_holds() -> bool:
            return not (await holders(a) | await holders(b))

        await wait_until(nobody_holds, 15.0, on_timeout=pair.env.dump)
        rows = [row["result"] async for row in b.results(created["id"])]
        assert sum(row["n"] >= 100 for row in rows) >= 30
        other = await b.create_task(task(SQUARE, {"range": [0, 300]}))
        assert (await ended(b, other["id"], pair.env))["state"] == "done"


async def holders(rest: ManagerClient) -> set[str]:
    """Return the distributors that hold blocks, as one manager sees it."""
    try:
        return {row["id"] for row in await rest.distributors() if row["blocks"]}
    except ManagerUnreachable:
        return set()


async def all_hold(pair: Pair, a: ManagerClient, b: ManagerClient) -> None:
    """Wait until every distributor holds something."""

    async def look() -> bool:
        return len(await holders(a) | await holders(b)) == len(pair.distributors)

    await wait_until(look, PATIENCE_S, on_timeout=pair.env.dump)
