"""Aggregates are kept from journals, over both stores: each result once, on from the last snapshot."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from disio_manager import aggregating
from disio_manager.aggregating import NAME, Aggregating
from disio_manager.core.changes import DeleteTask, DropFailures
from disio_manager.core.commands import Announce
from disio_manager.core.records import TaskRecord
from disio_manager.core.views import TaskView
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.journal import Position
from disio_shared.clock import FakeClock
from disio_shared.errors import StoreUnavailable
from disio_shared.task_parts import Aggregates
from tests.contract.manager_store_rows import Opener, begin, block, failures, opener, results, task
from tests.waiting import wait_until


@pytest.fixture(params=["sqlite", "mongodb"])
def open_again(tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    await begin(opened, task(), 1_000)
    await opened.commit([block(0, 1_000)])
    yield opened
    await opened.close()


class Journal:
    """A store's journal that counts the rows it gave, and may tell of all again."""

    def __init__(self, store: ManagerStore) -> None:
        self._journal = store.journal
        self.rows, self.limit = 0, 0
        self.is_forgetful = False
        self.before: Callable[[], object] = lambda: None

    async def arrivals(self, task: str, after: Position, limit: int) -> Any:
        self.before()
        page = await self._journal.arrivals(task, Position() if self.is_forgetful else after, limit or self.limit)
        self.rows += len(page.results)
        return msgspec.structs.replace(page, results=page.results * 2) if self.is_forgetful else page


class Watched:
    """A store whose journal is watched."""

    def __init__(self, store: ManagerStore) -> None:
        self.journal, self.snapshots, self.is_shared = Journal(store), store.snapshots, store.is_shared


class Stage:
    """Aggregates of one store, over one journal that is watched."""

    def __init__(self, store: ManagerStore) -> None:
        self.clock, self.views = FakeClock(), list[TaskView]()
        self.is_mine = True
        self.watched = Watched(store)
        self.made = Aggregating(self.watched, self.clock, lambda: self.views, lambda record: self.is_mine)  # type: ignore[arg-type]

    async def mean(self, wanted: Aggregates | None = None) -> tuple[int, Any]:
        """Return how many results count, and their mean."""
        record = msgspec.structs.replace(task(), aggregates=wanted)
        found = await self.made.read(record, 20.0)
        numbers = found.shown().get("")
        return found.counted, numbers and numbers.mean


@asynccontextmanager
async def stage(store: ManagerStore) -> AsyncIterator[Stage]:
    found = Stage(store)
    running = asyncio.create_task(found.made.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def put(store: ManagerStore, indexes: list[int]) -> None:
    """Give results: of each payload its own index."""
    await store.commit([msgspec.structs.replace(results(indexes), values=[b"%d" % index for index in indexes])])


def view(record: TaskRecord) -> TaskView:
    return TaskView(record=record, leased=0, ready=0, blocks=1, distributors=0, rate=0.0, eta_s=None)


async def test_who_asks_gets_all_that_came_before(store: ManagerStore) -> None:
    async with stage(store) as on:
        assert await on.mean() == (0, None)
        for at in range(5):
            await put(store, [at])
            assert await on.mean() == (at + 1, at / 2)
        assert on.watched.journal.rows == 5


async def test_many_who_ask_at_once_get_all_that_came_before_each(store: ManagerStore) -> None:
    one_at_a_time, there = asyncio.Lock(), 0
    async with stage(store) as on:

        async def put_and_ask(at: int) -> bool:
            nonlocal there
            async with one_at_a_time:
                await put(store, [at])
                there += 1
            before = there
            return (await on.mean())[0] >= before

        assert all(await asyncio.gather(*(put_and_ask(at) for at in range(20))))
        assert await on.mean() == (20, 9.5)


async def test_a_restart_goes_on_where_the_last_snapshot_was(open_again: Opener) -> None:
    first = await open_again()
    await begin(first, task(), 1_000)
    await first.commit([block(0, 1_000)])
    await put(first, list(range(100)))
    async with stage(first) as on:
        assert await on.mean() == (100, 49.5)
        on.clock.advance(aggregating.LOOK_S)
        await on.mean()
        assert await first.snapshots.get("task1", NAME) is not None
        await put(first, [101])
        assert (await on.mean())[0] == 101
    await first.close()
    second = await open_again()
    async with stage(second) as on:
        await put(second, [102])
        assert await on.mean() == (102, (sum(range(100)) + 203) / 102)
        assert on.watched.journal.rows == 2
    await second.close()


async def test_other_fields_are_counted_from_the_beginning(store: ManagerStore) -> None:
    await put(store, [1, 2])
    async with stage(store) as on:
        assert await on.mean() == (2, 1.5)
        on.clock.advance(aggregating.LOOK_S)
        assert await on.mean() == (2, 1.5)
        await wait_until(lambda: on.made._kept["task1"].is_saved)
        assert await on.mean(Aggregates(fields=["", "x"])) == (2, 1.5)
        assert await on.mean(Aggregates(fields=["x"])) == (2, None)
        assert on.watched.journal.rows == 6


@pytest.mark.parametrize("body", [b"", b"\xc0", b"\x95\x01\x92\x90\x0a\xa0\x90\xa1x"])
async def test_a_snapshot_that_cannot_be_read_is_made_anew(store: ManagerStore, body: bytes) -> None:
    await put(store, [1, 2])
    await store.snapshots.put("task1", NAME, body)
    async with stage(store) as on:
        assert await on.mean() == (2, 1.5)


@pytest.mark.parametrize("open_again", ["mongodb"], indirect=True)  # a file's journal tells of each result once
async def test_a_journal_that_tells_of_a_payload_again_counts_it_once(store: ManagerStore) -> None:
    await put(store, [1, 2])
    async with stage(store) as on:
        assert await on.mean() == (2, 1.5)
        on.watched.journal.is_forgetful = True
        await put(store, [3])
        assert await on.mean() == (3, 2)
        on.clock.advance(aggregating.LOOK_S)
        assert await on.mean() == (3, 2)
    async with stage(store) as on:
        on.watched.journal.is_forgetful = True
        assert await on.mean() == (3, 2)


async def test_what_failed_and_was_retried_counts_when_it_has_a_result(store: ManagerStore) -> None:
    await put(store, [1])
    await store.commit([failures([5])])
    async with stage(store) as on:
        assert await on.mean() == (1, 1)
        await store.commit([DropFailures("task1", [(5, 6)])])
        await put(store, [5])
        assert await on.mean() == (2, 3)


async def test_tasks_that_want_it_are_read_without_being_asked(store: ManagerStore) -> None:
    await put(store, [1, 2])
    record = msgspec.structs.replace(task(), aggregates=Aggregates(), done=2)
    async with stage(store) as on:
        on.views.append(view(record))
        on.clock.advance(aggregating.LOOK_S)
        on.made._wake.set()
        await wait_until(lambda: on.watched.journal.rows == 2)


@pytest.mark.parametrize("reason", ["unwanted", "of another manager"])
async def test_other_tasks_are_left_alone(store: ManagerStore, reason: str) -> None:
    await put(store, [1, 2])
    wanted = None if reason == "unwanted" else Aggregates()
    async with stage(store) as on:
        on.is_mine = reason == "unwanted"
        on.views.append(view(msgspec.structs.replace(task(), aggregates=wanted, done=2)))
        on.clock.advance(aggregating.LOOK_S)
        on.made._look()
        assert not on.made._behind


async def test_more_tasks_than_are_kept_go_through_their_snapshots(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregating, "MAX_KEPT", 2)
    for number in range(2, 6):
        await begin(store, task(number), 1_000)
        await store.commit([block(0, 10, number=number), results([number], number=number, value=b"1")])
    async with stage(store) as on:
        for _ in range(2):
            for number in range(2, 6):
                assert (await on.made.read(task(number), 20.0)).counted == 1
        assert len(on.made._kept) == 2 and on.watched.journal.rows == 4


async def test_of_a_task_that_is_deleted_nothing_is_kept(store: ManagerStore) -> None:
    await put(store, [1, 2])
    async with stage(store) as on:
        await on.mean()
        await store.commit([DeleteTask("task1")])
        on.made.note(Announce("task-deleted", "task1"))
        assert not on.made._kept and not on.made._behind


async def test_reading_rests_unless_somebody_waits(store: ManagerStore) -> None:
    await put(store, [1, 2, 3, 4, 5])
    async with stage(store) as on:
        journal = on.watched.journal
        journal.limit, journal.before = 1, lambda: on.clock.advance(3_600)
        on.made._put_behind(task())
        await wait_until(lambda: journal.rows == 1)
        assert await on.mean() == (5, 3)


async def test_reading_goes_on_when_the_database_is_there_again(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregating, "AWAY_S", 0.0)
    await put(store, [1, 2])
    troubles = [StoreUnavailable("test", "away")] * 3

    def fail() -> None:
        if troubles:
            raise troubles.pop()

    async with stage(store) as on:
        on.watched.journal.before = fail
        assert await on.mean() == (2, 1.5)
        assert not troubles


async def test_who_asks_for_more_than_is_read_in_time_gets_what_was(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, [1, 2])
    found = Stage(store)  # nothing reads
    assert (await found.made.read(task(), 0.0)).counted == 0
    assert list(found.made._behind) == ["task1"]
