"""Who computed what: what every manager store must tell."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from disio_manager.stores.base import ManagerStore
from disio_manager.stores.origins import OriginPage, OriginRow, SecondsPage
from tests.contract.manager_store_rows import begin, block, failures, opener, results, task, votes


@pytest_asyncio.fixture(params=["sqlite", "mongodb"])
async def store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[ManagerStore]:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    opened = await opener(request.param, tmp_path, uri)()
    for number in (1, 2):
        await begin(opened, task(number), 1_000)
        await opened.commit([block(0, 1_000, number=number)])
    yield opened
    await opened.close()


async def test_results_are_grouped_by_client_and_distributor_a_page_at_a_time(store: ManagerStore) -> None:
    first, later = 1_700_000_001.25, 1_700_000_005.5
    await store.commit([results([1, 2, 3, 8]), results([1], number=2)])
    await store.commit([msgspec.structs.replace(results([4, 5]), distributor="another", at=later)])
    await store.commit([msgspec.structs.replace(results([6]), at=later)])
    whole = await store.origins.page("task1", 0, 100)
    assert whole.next is None
    assert sorted(whole.rows) == [
        OriginRow("c1", "another", 1, 0.5, later, later),
        OriginRow("c1", "dist", 3, 1.5, first, later),
        OriginRow("other", "another", 1, 0.5, later, later),
        OriginRow("other", "dist", 2, 1.0, first, first),
    ]
    part = await store.origins.page("task1", 2, 3)
    assert part.next == 5 and sum(row.results for row in part.rows) == 3
    rest = await store.origins.page("task1", 5, 3)
    assert rest.next == 9 and (await store.origins.page("task1", 9, 3)) == OriginPage([], None)


async def test_durations_are_told_a_page_at_a_time(store: ManagerStore) -> None:
    late = msgspec.structs.replace(results([8]), seconds=[7.5])
    await store.commit([results([1, 2, 3]), late, results([1], number=2)])
    whole = await store.origins.seconds("task1", 0, 100)
    assert (whole.seconds, whole.next) == ([0.5, 0.5, 0.5, 7.5], None)
    first = await store.origins.seconds("task1", 2, 2)
    assert (first.seconds, first.next) == ([0.5, 0.5], 4)
    assert await store.origins.seconds("task1", 4, 2) == SecondsPage([7.5], None)
    assert await store.origins.seconds("never", 0, 2) == SecondsPage([], None)


async def test_failures_tell_when_they_came(store: ManagerStore) -> None:
    await store.commit([failures([3])])
    assert [row.at for row in await store.failures("task1", 0, 0)] == [1_700_000_002.0]


async def test_a_task_without_results_and_one_that_never_was_have_no_origins(store: ManagerStore) -> None:
    for name in ("task1", "never"):
        assert await store.origins.page(name, 0, 10) == OriginPage([], None)
        assert await store.origins.votes(name) == (0, 0)


async def test_votes_are_counted_by_whether_they_agree_those_too_that_came_first(store: ManagerStore) -> None:
    await store.commit([votes([7], client="early"), votes([7], value=b"w", client="early too")])
    assert await store.origins.votes("task1") == (0, 0)
    await store.commit([results([1, 7])])
    await store.commit([votes([1], client="a"), votes([1], client="b"), votes([1], value=b"w", client="c")])
    assert await store.origins.votes("task1") == (3, 2)
    assert await store.disagreements("task1") == 2
