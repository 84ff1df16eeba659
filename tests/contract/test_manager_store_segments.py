"""Logs of growing tasks: what comes next is kept once, in order, and nothing comes behind the end."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import AddSegments, DeleteTask, PutStretch
from disio_manager.core.records import SegmentHead, TaskRecord
from disio_manager.stores import segments as logs
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_manager.stores.segments import GrowthRefused, segment_of, segments_of
from disio_shared.errors import TaskNotFound
from disio_shared.payloads import StoredSpec
from tests.contract.manager_store_rows import ME, Opener, fresh_url, opener, put, results, stretch, task

OTHER = "manager-b"


@pytest_asyncio.fixture(params=["sqlite", "mongodb"])
async def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


def growing(number: int = 1) -> TaskRecord:
    return msgspec.structs.replace(task(number, total=0), form="open", growing=True, payloads=b'{"open":[]}')


def values(start: int, stop: int) -> list[bytes]:
    return [b"%d" % index for index in range(start, stop)]


async def begin(store: ManagerStore, first: list[bytes], number: int = 1) -> None:
    """Make a growing task as the core does."""
    whole = stretch(0, len(first), number=number)
    await store.commit(
        [AddSegments(f"task{number}", number, segments_of(first)), put(growing(number)), PutStretch(whole)]
    )


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    found = await open_again()
    await begin(found, values(0, 3))
    yield found
    await found.close()


async def test_it_is_read_as_it_was_written_whatever_is_asked_for(store: ManagerStore) -> None:
    for start, stop in ((3, 10), (10, 11), (11, 20)):
        assert await store.segments.append("task1", segment_of(start, values(start, stop)))
    assert await store.segments.values("task1", [(0, 20)]) == values(0, 20)
    assert await store.segments.values("task1", [(2, 4), (9, 12), (19, 20)]) == [*values(2, 4), *values(9, 12), b"19"]
    assert await store.segments.values("task1", [(5, 6)]) == [b"5"] and await store.segments.values("task1", []) == []
    growth = await store.segments.growth("task1", 10)
    assert (growth.segments, growth.end) == ([SegmentHead(10, 1, 2), SegmentHead(11, 9, 18)], None)
    assert (await store.segments.growth("none", 0)).segments == []


async def test_the_same_comes_again_and_changes_nothing(store: ManagerStore) -> None:
    assert await store.segments.append("task1", segment_of(3, [b"a", b"b"]))
    assert not await store.segments.append("task1", segment_of(3, [b"a", b"b"]))
    assert await store.segments.append("task1", segment_of(5, [b"c"]))
    assert not await store.segments.append("task1", segment_of(3, [b"a", b"b"]))
    assert await store.segments.values("task1", [(3, 6)]) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("start", [0, 2, 4, 100])
async def test_what_does_not_come_next_is_refused_by_the_number_that_does(store: ManagerStore, start: int) -> None:
    with pytest.raises(GrowthRefused, match="the next payload is number 3") as refusal:
        await store.segments.append("task1", segment_of(start, [b"x"]))
    assert refusal.value.total == 3
    with pytest.raises(GrowthRefused):
        await store.segments.append("task1", segment_of(start, []))
    with pytest.raises(TaskNotFound):
        await store.segments.append("none", segment_of(start, [b"x"]))


async def test_nothing_comes_behind_the_end(store: ManagerStore) -> None:
    assert await store.segments.append("task1", segment_of(3, []))
    assert not await store.segments.append("task1", segment_of(3, []))
    with pytest.raises(GrowthRefused, match="closed with 3 payloads"):
        await store.segments.append("task1", segment_of(3, [b"x"]))
    growth = await store.segments.growth("task1", 3)
    assert (growth.segments, growth.end) == ([], 3)


async def test_marks_come_back_in_order_without_empty_ones(store: ManagerStore) -> None:
    for start, mark in ((3, b"one"), (4, b""), (5, b"two")):
        await store.segments.append("task1", segment_of(start, [b"x"]), mark)
    assert not await store.segments.append("task1", segment_of(5, [b"x"]), b"another")
    assert await store.segments.marks("task1") == [b"one", b"two"]
    assert await store.segments.marks("none") == []


async def test_a_log_has_only_so_many_segments(store: ManagerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_SEGMENTS", 2)
    await store.segments.append("task1", segment_of(3, [b"x"]))
    with pytest.raises(GrowthRefused, match="came 2 times"):
        await store.segments.append("task1", segment_of(4, [b"x"]))
    assert await store.segments.append("task1", segment_of(4, []))


async def test_a_start_finds_what_nobody_has_told_the_core(open_again: Opener) -> None:
    store = await open_again()
    await begin(store, values(0, 3))
    await store.segments.append("task1", segment_of(3, [b"x" * 100, b"y" * 100]))
    await store.close()
    store = await open_again()
    [loaded] = await store.load()
    assert (loaded.record.total, loaded.record.growing, loaded.stretches[0].stop) == (5, True, 5)
    assert isinstance(loaded.spec, StoredSpec) and len(loaded.spec.extents) == 5
    assert loaded.spec.extents.bytes_between(3, 5) == 200
    row = await store.task("task1")
    assert row is not None and row.total == 5
    await store.commit([results([0, 4])])
    await store.segments.append("task1", segment_of(5, []))
    await store.close()
    store = await open_again()
    [loaded] = await store.load()
    assert (loaded.record.growing, loaded.record.total) == (False, 5)
    assert (await store.look([])).tasks[0].record.total == 5
    await store.close()


async def test_it_goes_with_its_task(store: ManagerStore) -> None:
    await begin(store, values(0, 4), number=2)
    await store.commit([DeleteTask("task1")])
    assert await store.segments.values("task1", [(0, 3)]) == []
    assert await store.segments.values("task2", [(0, 4)]) == values(0, 4)
    await begin(store, [])
    assert (await store.segments.growth("task1", 0)).segments == []


async def test_of_two_that_come_for_the_same_place_one_is_kept(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    mine, other = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    await begin(mine, values(0, 3))
    assert await other.segments.append("task1", segment_of(3, [b"theirs"]))
    with pytest.raises(GrowthRefused, match="number 4"):
        await mine.segments.append("task1", segment_of(3, [b"mine"]))
    with pytest.raises(GrowthRefused):
        await mine.segments.append("task1", segment_of(3, []))
    [growth] = (await mine.look(["task1"])).grown
    assert (growth.task, growth.segments) == ("task1", [SegmentHead(3, 1, 6)])
    await mine.close()
    await other.close()


def test_first_payloads_are_cut_into_segments_and_a_large_one_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_SEGMENT_BYTES", 10)
    cut = segments_of([b"12345", b"12345", b"1", b"x" * 50, b"2"])
    assert [(head.start, head.count, head.size) for head, _ in cut] == [(0, 2, 10), (2, 1, 1), (3, 1, 50), (4, 1, 1)]
    assert segments_of([]) == []
