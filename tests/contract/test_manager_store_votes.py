"""Further results of payloads, over both stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from disio_manager.core.changes import MAX_VOTES, DeleteTask
from disio_manager.stores.base import ManagerStore, VoteRow
from tests.contract.manager_store_rows import begin, block, opener, results, task, votes


@pytest_asyncio.fixture(params=["sqlite", "mongodb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ManagerStore]:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    opened = await opener(request.param, tmp_path, uri)()
    await begin(opened, task(), 100)
    await opened.commit([block(0, 100), results(range(10))])
    yield opened
    await opened.close()


async def test_a_vote_is_compared_and_its_value_kept_only_when_it_differs(store: ManagerStore) -> None:
    await store.commit([votes([3, 1]), votes([1], value=b"w", client="rebel")])
    assert await store.votes("task1", 0, 0) == [
        VoteRow(1, "rebel", "dist", 0.25, False, b"w1"),
        VoteRow(1, "voter", "dist", 0.25, True, b""),
        VoteRow(3, "voter", "dist", 0.25, True, b""),
    ]
    assert await store.disagreements("task1") == 1
    assert (await store.disagreements("task2"), await store.votes("task2", 0, 0)) == (0, [])


async def test_a_client_has_one_vote_an_index(store: ManagerStore) -> None:
    await store.commit([votes([1]), votes([1], value=b"w")])
    await store.commit([votes([1], value=b"x")])
    assert [(vote.client, vote.agrees) for vote in await store.votes("task1", 0, 0)] == [("voter", True)]


async def test_an_index_keeps_only_so_many_votes(store: ManagerStore) -> None:
    await store.commit([votes([1, 2], client=f"c{at:02}") for at in range(MAX_VOTES - 1)])
    await store.commit([votes([2], client=f"late{at}") for at in range(3)])
    await store.commit([votes([2], client="c00"), votes([3], client="late")])
    found = await store.votes("task1", 0, 0)
    assert [sum(vote.index == index for vote in found) for index in (1, 2, 3)] == [MAX_VOTES - 1, MAX_VOTES, 1]
    assert not any(vote.client == "late1" for vote in found)


async def test_a_vote_that_came_first_is_decided_when_its_payload_has_a_result(store: ManagerStore) -> None:
    await store.commit([votes([50, 51, 52]), votes([50], value=b"w", client="rebel")])
    assert (await store.votes("task1", 0, 0), await store.disagreements("task1")) == ([], 0)
    await store.commit([results([50, 51])])
    assert [(vote.index, vote.client, vote.agrees, vote.value) for vote in await store.votes("task1", 0, 0)] == [
        (50, "rebel", False, b"w50"),
        (50, "voter", True, b""),
        (51, "voter", True, b""),
    ]
    assert await store.disagreements("task1") == 1


async def test_a_vote_is_compared_with_the_result_of_its_own_group(store: ManagerStore) -> None:
    await store.commit([results([60]), votes([60]), votes([60], value=b"w", client="rebel")])
    assert [vote.agrees for vote in await store.votes("task1", 60, 0)] == [False, True]


async def test_votes_are_paged_by_index_and_client(store: ManagerStore) -> None:
    await store.commit([votes([4, 2, 9], client=client) for client in ("b", "a")])
    assert [(vote.index, vote.client) for vote in await store.votes("task1", 3, 3)] == [(4, "a"), (4, "b"), (9, "a")]


async def test_many_votes_are_read_whole(store: ManagerStore) -> None:
    await store.commit([votes(range(100), client=f"c{at}") for at in range(11)])
    await store.commit([results(range(100))])
    assert len(await store.votes("task1", 0, 0)) == 1_100
    assert len(await store.votes("task1", 0, 1_050)) == 1_050


async def test_a_deleted_task_has_no_votes(store: ManagerStore) -> None:
    await store.commit([votes([1])])
    await store.commit([DeleteTask("task1"), votes([2])])
    assert await store.votes("task1", 0, 0) == []
