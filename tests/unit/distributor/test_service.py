"""The shell around the core, over a real SQLite cache: reading back, space, a full disk."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from disio_distributor.core import events
from disio_distributor.core.commands import CloseClient, Reply, SendClient, SendManager
from disio_distributor.core.settings import CoreSettings
from disio_distributor.service import DistributorService
from disio_distributor.stores.sqlite import SqliteCache
from disio_shared import messages
from disio_shared.clock import SystemClock
from disio_shared.errors import StoreUnavailable
from tests.unit.distributor.core.bench import hello, manifest, results_of
from tests.waiting import wait_until

LIMIT = 64 << 20


class World:
    """A service whose clients and managers are lists of what they were told."""

    def __init__(self, cache: SqliteCache, limit: int, **settings: Any) -> None:
        self.cache = cache
        self.told: list[Any] = []
        self.service = DistributorService(cache, CoreSettings(**settings), SystemClock(), limit)
        self.service.connect(self, self)
        self.restarts = self.drops = self.turned_away = 0

    def perform(self, command: SendClient | Reply | CloseClient | SendManager) -> None:
        if not isinstance(command, CloseClient):
            self.told.append(command.message)

    def drop_all(self) -> None:
        self.drops += 1

    def restart(self) -> None:
        self.restarts += 1

    def heard(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.told if isinstance(each, kind)]

    async def manager_comes(self) -> None:
        admitted = messages.Admitted(version=1, cluster="k", manager="m", status_s=0.1, lease_s=60.0)
        await self.service.submit(events.ManagerAdmitted("link", admitted))

    async def client_works(self, count: int = 4) -> messages.Assign:
        """Grant work and let a client have it."""
        await self.manager_comes()
        block = messages.BlockGrant(block="b", lease=1, task="t", start=0, stop=1000)
        grant = messages.Grant(request=1, tasks=[manifest()], blocks=[block])
        code = messages.WorkunitCode(workunit=manifest().workunit, language="javascript", code=b"x")
        for said in (grant, code):
            await self.service.submit(events.ManagerSaid("link", said))
        await self.service.submit(events.ClientJoined("s", "c", hello(cores=count), "127.0.0.1"))
        await self.service.submit(events.ClientSaid("s", messages.Ready(slots=count)))
        assign = self.heard(messages.Assign)[-1]
        assert isinstance(assign, messages.Assign)
        return assign

    def limit_file(self, spare_pages: int) -> None:
        """Let the file grow by so many pages at most, as a full disk does."""
        connection = self.cache._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").get
        connection.execute(f"PRAGMA max_page_count = {pages + spare_pages}")


@contextlib.asynccontextmanager
async def serving(folder: Path, limit: int = LIMIT, **settings: Any) -> AsyncIterator[World]:
    cache = await SqliteCache.open(folder / "d.db")
    world = World(cache, limit, **settings)
    await world.service.load()
    world.service.start()
    try:
        yield world
    finally:
        await world.service.stop()
        await cache.close()


async def test_results_that_are_not_in_memory_are_read_back_for_the_manager(tmp_path: Path) -> None:
    async with serving(tmp_path, max_outbox_memory=0) as world:
        assign = await world.client_works()
        await world.service.submit(events.ManagerLost("link"))
        for index in assign.indexes:
            await world.service.submit(events.ClientSaid("s", results_of(assign.token, [index]), request=index + 1))
    async with serving(tmp_path, max_outbox_memory=0) as world:
        await world.manager_comes()
        await wait_until(lambda: world.heard(messages.Deliver))
        (deliver,) = world.heard(messages.Deliver)
        assert [(part.indexes, part.values) for part in deliver.results] == [
            (assign.indexes, [b"%d" % index for index in assign.indexes])
        ]
        await world.service.submit(events.ManagerSaid("link", messages.Committed(batch=deliver.batch)))
        assert (await world.cache.load()).outbox == []


async def test_a_status_says_how_full_and_how_durable_the_cache_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_relaxed() -> str:
        return "it may be lost"

    async with serving(tmp_path, limit=1 << 30) as world:
        monkeypatch.setattr(world.cache, "durability", is_relaxed)
        await world.service._keeper.check_durability()
        await world.manager_comes()
        await wait_until(lambda: world.heard(messages.Status))
        status = world.heard(messages.Status)[0]
        assert status.durability == "it may be lost"
        assert status.since > 1.6e9 and 0.0 <= status.space < 0.1


async def test_a_status_counts_those_turned_away_since_its_counting_began(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        await world.manager_comes()
        assert world.heard(messages.Status)[-1].turned_away == 0
        world.turned_away = 3
        await wait_until(lambda: world.heard(messages.Status)[-1].turned_away == 3)
        began = world.heard(messages.Status)[-1].since
        assign = await world.client_works()
        world.limit_file(2)
        value = b'"' + Random(1).randbytes(200_000).hex().encode() + b'"'
        large = messages.Results(token=assign.token, indexes=[0], values=[value], seconds=[0.1])
        with pytest.raises(StoreUnavailable):
            await world.service.submit(events.ClientSaid("s", large, request=7))
        await wait_until(lambda: world.service.is_well)
        world.limit_file(1_000_000)
        world.turned_away = 5
        await world.manager_comes()
        await wait_until(lambda: world.heard(messages.Status)[-1].since > began)
        assert world.heard(messages.Status)[-1].turned_away == 2, "counted anew with the tallies"


async def test_a_cache_that_is_full_from_the_start_hands_nothing_out(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        await world.client_works()
    async with serving(tmp_path, limit=1) as world:
        await world.manager_comes()
        await world.service.submit(events.ClientJoined("s", "c", hello(), "127.0.0.1"))
        await world.service.submit(events.ClientSaid("s", messages.Ready(slots=4)))
        assert world.heard(messages.Assign) == []
        assert "100 % full" in world.heard(messages.Idle)[-1].reason


async def test_a_full_disk_acknowledges_nothing_and_all_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        assign = await world.client_works()
        for _ in range(3):
            world.limit_file(2)
            values = [b'"' + Random(at).randbytes(100_000).hex().encode() + b'"' for at in range(2)]
            large = messages.Results(token=assign.token, indexes=assign.indexes[:2], values=values, seconds=[0.1] * 2)
            with pytest.raises(StoreUnavailable, match="make room"):
                await world.service.submit(events.ClientSaid("s", large, request=7))
            assert not world.heard(messages.Stored)
            await wait_until(lambda: world.service.is_well)
            world.limit_file(1_000_000)
            assign = await world.client_works()
        assert (world.restarts, world.drops) == (3, 3)
        await world.service.submit(events.ClientSaid("s", results_of(assign.token, assign.indexes), request=9))
        assert world.heard(messages.Stored)[-1].accepted == len(assign.indexes)
        assert len((await world.cache.load()).outbox) == 1
