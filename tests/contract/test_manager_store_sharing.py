"""Several managers on one store: claims, lost ownership, taking over, looking, notices, closing.

What one manager alone can be asked runs over both stores; what takes two runs over MongoDB.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import AddForeign, DeleteTask, DropBlock, PutDistributor, PutStretch
from disio_manager.core.records import DistributorRecord, StretchRecord, TaskRecord
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.errors import OwnershipLost, StoreUnavailable
from tests.contract.manager_store_rows import (
    ME,
    Opener,
    all_results,
    begin,
    block,
    failures,
    fresh_url,
    front,
    opener,
    put,
    results,
    stretch,
    task,
    votes,
)

OTHER = "manager-b"
KINDS = ["sqlite", "mongodb"]


@pytest.fixture(params=KINDS)
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def pair(mongodb_uri: str, tmp_path: Path) -> AsyncIterator[tuple[ManagerStore, ManagerStore]]:
    """Two managers on one MongoDB: ME and OTHER."""
    url = fresh_url("mongodb", mongodb_uri)
    mine, others = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    yield mine, others
    await mine.close()
    await others.close()


def theirs(start: int, stop: int, frontier: int = 0) -> StretchRecord:
    return stretch(start, stop, frontier=frontier, owner=OTHER)


# Over both stores


async def test_a_stretch_comes_back_as_it_was_written(store: ManagerStore) -> None:
    written = msgspec.structs.replace(stretch(frontier=30), leased=7, retries=2)
    await begin(store, task())
    await store.commit(
        [PutStretch(stretch(frontier=10)), PutStretch(written), block(0, 30), results([1]), failures([2])]
    )
    counted = msgspec.structs.replace(written, done=1, failed=1)
    [loaded] = await store.load()
    assert loaded.stretches == [counted]
    assert (loaded.record.done, loaded.record.failed) == (1, 1)
    again = await store.load_task("task1")
    assert again == loaded


async def test_counters_of_a_stretch_show_in_pages_without_writing_the_task(store: ManagerStore) -> None:
    await begin(store, task())
    await store.commit([front(500, done=400, failed=3)])
    [row] = (await store.tasks("", "", 5, "")).items
    whole = await store.task("task1")
    assert whole is not None
    assert [(one.done, one.failed) for one in (row, whole)] == [(400, 3)] * 2
    [seen] = (await store.look(["task1"])).tasks
    assert (seen.record.done, seen.record.payloads, seen.stretches[0].frontier) == (400, b"", 500)


async def test_claiming_returns_every_stretch_and_a_repeat_changes_nothing(store: ManagerStore) -> None:
    await begin(store, task(), 20)
    before = await store.claim(stretch())
    assert before == await store.claim(stretch()) == [stretch(frontier=20)]
    assert await store.claim(stretch(number=9)) == []


async def test_taking_over_from_nobody_takes_nothing(store: ManagerStore) -> None:
    await begin(store, task(), 20)
    assert await store.take_over("nobody") == []


async def test_a_look_names_open_tasks_known_ones_and_deleted_ones(store: ManagerStore) -> None:
    for number, state in enumerate(("running", "paused", "done", "failed", "queued"), 1):
        await store.commit([put(task(number, state=state))])
    await store.load()
    await store.commit([DeleteTask("task5")])
    look = await store.look(["task1", "task3", "task5"])
    assert sorted((one.record.id, one.record.state) for one in look.tasks) == [
        ("task1", "running"),
        ("task2", "paused"),
        ("task3", "done"),
    ]
    assert (look.gone, look.notices, look.distributors) == (["task5"], [], [])


async def test_results_of_others_lie_beside_ones_own(store: ManagerStore) -> None:
    await begin(store, task(), 20)
    await store.commit([block(0, 20), results([1])])
    await store.commit([AddForeign(results([1, 2], value=b"late"))])
    assert [row.value for row in await all_results(store)] == [b"v1", b"late2"]


async def test_of_a_failure_and_a_result_the_result_wins_at_the_next_load(store: ManagerStore) -> None:
    await begin(store, task(), 10)
    await store.commit([block(0, 10), failures([1, 2])])
    await store.commit([results([2])])
    [loaded] = await store.load()
    assert (loaded.failed, loaded.record.failed, loaded.record.done) == ([(1, 2)], 1, 1)
    assert [row.index for row in await store.failures("task1", 0, 0)] == [1]


async def test_rows_beyond_the_frontier_count_only_when_it_has_passed_them(store: ManagerStore) -> None:
    await begin(store, task(), 10)
    await store.commit([block(0, 10), results([5, 15]), failures([16])])
    [loaded] = await store.load()
    assert (loaded.record.done, loaded.record.failed, loaded.failed) == (1, 0, [])


# Two managers


async def test_of_two_managers_that_race_for_a_start_exactly_one_wins(
    pair: tuple[ManagerStore, ManagerStore],
) -> None:
    numbers = range(1, 21)
    await pair[0].commit([put(task(number)) for number in numbers])
    claims = [
        each.claim(stretch(0, 100, number=number, owner=owner))
        for number in numbers
        for each, owner in zip(pair, (ME, OTHER), strict=True)
    ]
    answers = await asyncio.gather(*claims)
    for mine, others in zip(answers[::2], answers[1::2], strict=True):
        assert mine == others and len(mine) == 1, "both see the one stretch that got in"
    winners = {answer[0].owner for answer in answers}
    assert winners <= {ME, OTHER}


async def test_a_claim_on_a_closed_or_deleted_task_leaves_nothing(pair: tuple[Any, ManagerStore]) -> None:
    await pair[0].commit([put(task(1, state="done")), put(task(2))])
    await pair[0].commit([DeleteTask("task2")])
    assert [await pair[1].claim(theirs(0, 10)), await pair[1].claim(stretch(0, 10, number=2, owner=OTHER))] == [[], []]
    assert await pair[0]._db["stretches"].count_documents({}) == 0


async def test_each_manager_loads_its_own_blocks_and_knows_of_the_others(
    pair: tuple[ManagerStore, ManagerStore],
) -> None:
    mine, others = pair
    await mine.commit([put(task())])
    await mine.claim(stretch(0, 100))
    await others.claim(theirs(100, 200))
    await mine.commit([PutStretch(stretch(0, 100, frontier=10)), block(0, 10, holder="d"), results([1])])
    told = msgspec.structs.replace(theirs(100, 200, 120), done=2, failed=1)
    await others.commit([PutStretch(told), block(100, 120, holder="e"), results([100, 101]), failures([102])])
    [loaded] = await mine.load()
    assert [one.id for one in loaded.blocks] == ["b1-0"] and loaded.closed == {"b1-0": [(1, 2)]} and not loaded.failed
    assert loaded.stretches == [msgspec.structs.replace(stretch(0, 100, frontier=10), done=1), told]
    assert (loaded.record.done, loaded.record.failed) == (3, 1)
    [theirs_loaded] = await others.load()
    assert theirs_loaded.failed == [(102, 103)] and [one.id for one in theirs_loaded.blocks] == ["b1-100"]


async def taken_over(mine: ManagerStore, others: ManagerStore) -> None:
    await others.commit([put(task())])
    await others.claim(theirs(0, 100))
    await others.commit([PutStretch(theirs(0, 100, 30)), block(0, 10, holder="d"), block(10, 20), block(20, 30)])
    await mine.claim(stretch(100, 200))
    await mine.commit([PutStretch(stretch(100, 200, frontier=110)), block(100, 110, holder="d")])
    [loaded] = await mine.take_over(OTHER)
    assert [(one.id, one.holder) for one in loaded.blocks] == [("b1-0", "d"), ("b1-10", ""), ("b1-20", "")]
    assert [(one.start, one.owner) for one in loaded.stretches] == [(0, ME)]


async def test_what_a_manager_left_is_taken_over_once(pair: tuple[ManagerStore, ManagerStore]) -> None:
    await taken_over(*pair)
    assert await pair[0].take_over(OTHER) == []
    assert (await pair[1].load())[0].blocks == []


async def test_a_stretch_that_was_given_up_comes_with_its_blocks(pair: tuple[ManagerStore, ManagerStore]) -> None:
    mine, others = pair
    await others.commit([put(task())])
    await others.claim(theirs(0, 100))
    await others.commit([PutStretch(theirs(0, 100, 20)), block(0, 20, holder="d")])
    await others.commit([PutStretch(stretch(0, 100, frontier=20, owner=""))])
    with pytest.raises(OwnershipLost):
        await others.commit([PutStretch(theirs(0, 100, 40))])
    [loaded] = await mine.take_over("")
    assert [one.id for one in loaded.blocks] == ["b1-0"]
    await mine.commit([block(0, 20, holder="e"), PutStretch(stretch(0, 100, frontier=20))])


async def test_a_task_that_begins_to_run_undoes_nobodys_pause(pair: tuple[ManagerStore, ManagerStore]) -> None:
    mine, others = pair
    await mine.commit([put(task())])
    await others.commit([put(task(state="paused"), "queued")])
    await mine.commit([put(task(state="running"), "queued")])
    [seen] = (await mine.look(["task1"])).tasks
    assert seen.record.state == "paused"


async def test_two_that_take_over_at_once_share_without_overlap(
    mongodb_uri: str, tmp_path: Path, pair: tuple[ManagerStore, ManagerStore]
) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    gone, *survivors = [await open_store(url, tmp_path, name) for name in ("gone", ME, OTHER)]
    await gone.commit([put(task(number)) for number in range(1, 6)])
    for number in range(1, 6):
        for start in (0, 10):
            await gone.claim(stretch(start, start + 10, number=number, owner="gone"))
    taken = await asyncio.gather(*(one.take_over("gone") for one in survivors))
    owners = [each.owner for one in survivors for each in (await one.look([])).tasks[0].stretches]
    assert set(owners) <= {ME, OTHER}
    shares = [
        {(loaded.record.id, each.start) for loaded in some for each in loaded.stretches if each.owner == name}
        for some, name in zip(taken, (ME, OTHER), strict=True)
    ]
    assert not shares[0] & shares[1] and len(shares[0] | shares[1]) == 10
    for one in (gone, *survivors):
        await one.close()


async def test_of_two_that_saw_the_same_stretch_left_one_takes_it(pair: tuple[Any, Any]) -> None:
    mine, others = pair
    await mine.commit([put(task())])
    await mine.claim(stretch(0, 10, owner="gone"))
    left = await mine._db["stretches"].find_one({"owner": "gone"})
    assert [await each._sharing._take(left, "gone") for each in pair] == [True, False]
    assert [one.owner for one in await others.claim(theirs(0, 10))] == [ME]


@pytest.mark.parametrize(
    "change",
    [
        PutStretch(theirs(0, 100, 40)),
        block(0, 10, holder="late"),
        DropBlock("b1-10", "task1"),
    ],
    ids=["stretch", "block", "dropped block"],
)
async def test_a_manager_that_was_taken_for_gone_is_told_and_changes_nothing(
    pair: tuple[ManagerStore, ManagerStore], change: Any
) -> None:
    await taken_over(*pair)
    before = await pair[0].load()
    with pytest.raises(OwnershipLost):
        await pair[1].commit([change])
    assert await pair[0].load() == before
    await pair[1].commit([DropBlock("b1-gone", "task1"), results([50])])


async def test_what_it_wrote_meanwhile_is_put_right_by_the_new_owner(pair: tuple[Any, ManagerStore]) -> None:
    mine, others = pair
    await taken_over(mine, others)
    for change in (block(32, 40, holder="late"), block(5, 10, holder="late")):
        with pytest.raises(OwnershipLost):
            await others.commit([change, PutStretch(theirs(0, 100, 40))])
    await mine.commit([block(30, 50, holder="d"), PutStretch(stretch(0, 100, frontier=50))])
    [loaded] = await mine.load()
    assert [(one.start, one.stop, one.holder) for one in loaded.blocks][:4] == [
        (0, 10, "d"),
        (10, 20, ""),
        (20, 30, ""),
        (30, 50, "d"),
    ]
    assert await mine._db["blocks"].count_documents({"holder": "late"}) == 0


async def test_one_that_was_taken_for_gone_quarantines_nothing(pair: tuple[ManagerStore, ManagerStore]) -> None:
    await taken_over(*pair)
    with pytest.raises(OwnershipLost):
        await pair[1].commit([failures([5]), PutStretch(theirs(0, 100, 30))])
    assert await pair[0].failures("task1", 0, 0) == []


async def test_what_was_taken_before_an_error_comes_with_the_next_try(pair: tuple[Any, ManagerStore]) -> None:
    mine, others = pair
    await others.commit([put(task())])
    await others.claim(theirs(0, 100))
    await others.commit([PutStretch(theirs(0, 100, 10)), block(0, 10, holder="d")])
    whole = mine._loader.load

    async def unavailable(*_: Any) -> None:
        raise StoreUnavailable("MongoDB", "went away between two calls")

    mine._loader.load = unavailable
    with pytest.raises(StoreUnavailable):
        await mine.take_over(OTHER)
    mine._loader.load = whole
    [loaded] = await mine.take_over(OTHER)
    assert [one.id for one in loaded.blocks] == ["b1-0"]
    assert await mine.take_over(OTHER) == []


async def test_a_late_write_brings_no_deleted_task_back(pair: tuple[Any, ManagerStore]) -> None:
    mine, others = pair
    await begin(mine, task(), 10)
    await mine.load()
    await others.commit([DeleteTask("task1")])
    late = [results([1]), votes([1]), block(0, 10), front(20), put(task(state="done"), "running")]
    await mine.commit(late)
    assert await mine.load() == [] and (await mine.look(["task1"])).gone == ["task1"]
    await mine.commit([DeleteTask("task1")])
    for collection in ("tasks", "stretches", "blocks", "results", "votes", "chunks"):
        assert await mine._db[collection].count_documents({}) == 0, collection


def again(number: int = 2, **changes: Any) -> TaskRecord:
    """Return a task that has the id of task 1, as those of one idempotency key do."""
    return msgspec.structs.replace(task(number), id="task1", **changes)


async def test_a_task_made_anew_outlives_what_is_written_of_the_one_before(
    pair: tuple[Any, ManagerStore],
) -> None:
    mine, others = pair
    await begin(mine, task(), 10)
    await others.commit([DeleteTask("task1")])
    await others.commit([put(again())])
    await mine.commit([results([1]), put(task(state="done"), "running")])
    await mine.commit([DeleteTask("task1")])
    found = await others.task("task1")
    assert found is not None and (found.number, found.state, found.done) == (2, "running", 0)
    assert found.payloads == again().payloads


async def test_of_two_managers_that_make_the_task_of_one_key_one_does(pair: tuple[Any, ManagerStore]) -> None:
    mine, others = pair
    await mine.commit([put(task())])
    with pytest.raises(OwnershipLost):
        await others.commit([put(again(payloads=b'{"range":[0,7]}'))])
    await mine.commit([put(task())])
    await others.commit([put(again(1, name="new", state="paused"), "running")])
    found = await mine.task("task1")
    assert found is not None and (found.number, found.name, found.payloads) == (1, "new", task().payloads)


async def test_a_task_that_is_being_put_in_is_not_deleted(pair: tuple[ManagerStore, ManagerStore]) -> None:
    assert (await pair[0].look(["task1"])).gone == []
    await pair[0].commit([put(task())])
    assert (await pair[0].look(["task1"])).gone == []


async def test_only_its_manager_says_that_a_distributor_left(pair: tuple[ManagerStore, ManagerStore]) -> None:
    here = DistributorRecord(id="d1", name="one", url="http://a", state="online", manager=ME)
    there = DistributorRecord(id="d1", name="one", url="http://a", state="online", manager=OTHER)
    left = DistributorRecord(id="d1", name="one", url="http://a", state="offline", manager=ME)
    new = DistributorRecord(id="d2", name="never online", url="http://b", trouble="version 1")
    await pair[0].commit([PutDistributor(here), PutDistributor(new)])
    assert (await pair[0].look([])).distributors == []
    assert (await pair[1].look([])).distributors == [here]
    await pair[1].commit([PutDistributor(there)])
    await pair[0].commit([PutDistributor(left)])
    assert await pair[0].distributors() == [there, new]
    assert (await pair[0].look([])).distributors == [there]
    await pair[1].commit([PutDistributor(gone := msgspec.structs.replace(there, state="offline"))])
    assert await pair[0].distributors() == [gone, new]
