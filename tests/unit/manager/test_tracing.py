"""Origins of results: read in pages, for a bounded time, to an end however many requests that takes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from disio_manager import tracing
from disio_manager.api.awaiting import TooManyWaiting
from disio_manager.stores.base import ManagerStore
from disio_manager.tracing import Tracing
from disio_shared.clock import FakeClock
from tests.contract.manager_store_rows import begin, block, opener, results, task


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[ManagerStore]:
    opened = await opener("sqlite", tmp_path)()
    await begin(opened, task(), 1_000)
    await opened.commit([block(0, 1_000), results(range(10)), results(range(20, 25), client="c9")])
    yield opened
    await opened.close()


class Pages:
    """A store's origins; each page takes ten seconds."""

    def __init__(self, store: ManagerStore, clock: FakeClock) -> None:
        self.origins, self._origins, self._clock = self, store.origins, clock
        self.starts: list[int] = []

    async def page(self, task: str, start: int, limit: int) -> Any:
        self.starts.append(start)
        self._clock.advance(10)
        return await self._origins.page(task, start, limit)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pages(store: ManagerStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Pages:
    monkeypatch.setattr(tracing, "PAGE_ROWS", 4)
    return Pages(store, clock)


async def test_all_pages_come_together(pages: Pages, clock: FakeClock) -> None:
    found = await Tracing(pages, clock).read(task(), 1_000.0)  # type: ignore[arg-type]
    assert pages.starts == [0, 4, 8, 22] and found.counted == 15
    assert {row.client: row.results for row in found.by.values()} == {"c1": 5, "other": 7, "c9": 3}
    assert found.first_at == found.last_at == 1_700_000_001.25 and found.seconds == 7.5


async def test_of_a_task_that_is_over_the_next_request_goes_on_where_this_one_ended(
    pages: Pages, clock: FakeClock
) -> None:
    traced = Tracing(pages, clock)  # type: ignore[arg-type]
    over = task(state="done")
    over.done = 15
    for counted in (8, 15, 15):
        assert (await traced.read(over, 15.0)).counted == counted
    assert pages.starts == [0, 4, 8, 22]
    edited = msgspec.structs.replace(over, version=1)
    assert (await traced.read(edited, 1_000.0)).counted == 15


async def test_of_an_open_task_results_may_have_come_anywhere(pages: Pages, clock: FakeClock) -> None:
    traced = Tracing(pages, clock)  # type: ignore[arg-type]
    for _ in range(2):
        assert (await traced.read(task(), 5.0)).counted == 4
    assert pages.starts == [0, 0]


async def test_clients_beyond_those_that_are_told_apart_are_counted_together(
    pages: Pages, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "MAX_ORIGINS", 2)
    found = await Tracing(pages, clock).read(task(), 1_000.0)  # type: ignore[arg-type]
    assert (len(found.by), found.beyond, found.counted) == (2, 3, 15)


async def test_so_many_wait_at_most(pages: Pages, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    traced = Tracing(pages, clock)  # type: ignore[arg-type]
    monkeypatch.setattr(tracing, "MAX_WAITING", 0)
    with pytest.raises(TooManyWaiting):
        await traced.read(task(), 1.0)
