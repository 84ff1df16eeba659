"""A disk that is full: one outage until a write proved possible, and all the while what is stored can be read."""

import asyncio
import contextlib
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from disio_manager import app
from disio_manager.core.events import TaskCreated
from disio_manager.core.settings import CoreSettings
from disio_manager.service import ManagerService
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_manager.stores.sqlite_room import ROOM
from disio_shared import messages
from disio_shared.clock import SystemClock
from disio_shared.errors import StoreUnavailable
from tests.unit.manager.registry import loaded
from tests.unit.manager.served import deliver_message, serve
from tests.waiting import wait_until

Usage = namedtuple("Usage", "total used free")


class SmallFile:
    """A store whose file can be kept from growing, as by a full disk."""

    def __init__(self, store: Any) -> None:
        self.store = store

    async def fill(self) -> None:
        """Let it grow no more; SQLite answers each write that needs a page as it does on a full disk."""
        await self._limit(lambda connection: connection.pragma("page_count"))

    async def free(self) -> None:
        await self._limit(lambda connection: 2**30)

    async def _limit(self, pages: Any) -> None:
        connection = self.store._write
        await self.store._writing(lambda: connection.pragma("max_page_count", pages(connection)))


class Rig:
    """A service on a real store."""

    def __init__(self, store: ManagerStore) -> None:
        self.file, self.resets = SmallFile(store), 0
        self.service = ManagerService(
            store, CoreSettings(manager="a"), SystemClock(), lambda send: None, lambda news: None, self.on_reset
        )

    def on_reset(self) -> None:
        self.resets += 1


def created(number: int, size: int = 0) -> TaskCreated:
    task = loaded(f"t{number}")
    task.record.number, task.record.tags = number, ["x" * size]
    return TaskCreated(task.record, task.spec)


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    store = await open_store("", tmp_path, "a")
    made = Rig(store)
    await made.service.start()
    running = asyncio.create_task(made.service.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await store.close()


async def test_a_full_disk_is_one_outage_that_lasts_until_a_write_proved_possible(rig: Rig) -> None:
    await rig.service.submit(created(1))
    proofs = 0
    prove = rig.file.store.prove_writable

    async def counted() -> None:
        nonlocal proofs
        proofs += 1
        await prove()

    rig.file.store.prove_writable = counted
    with structlog.testing.capture_logs() as lines:
        await rig.file.fill()
        with pytest.raises(StoreUnavailable, match="full"):
            await rig.service.submit(created(2, 200_000))
        await wait_until(lambda: proofs == 3)
        assert rig.resets == 0 and rig.service.trouble is not None
        await rig.file.free()
        await wait_until(lambda: rig.resets == 1)
    assert [line["log_level"] for line in lines] == ["error", "warning"], lines
    await rig.service.submit(created(2, 200_000))
    assert set(rig.service.coordinator.open_tasks()) == {"t1", "t2"}


async def test_what_is_stored_and_nothing_else_is_shown_meanwhile(rig: Rig) -> None:
    await rig.service.submit(created(1))
    await rig.file.fill()
    with pytest.raises(StoreUnavailable):
        await rig.service.submit(created(2, 200_000))
    await wait_until(lambda: _shown(rig.service) == ["t1"])
    with pytest.raises(StoreUnavailable, match="full"):
        await rig.service.submit(created(3))


def _shown(service: ManagerService) -> list[str]:
    try:
        return service.coordinator.open_tasks()
    except StoreUnavailable:
        return []


async def test_a_write_that_just_fits_is_no_proof_of_room(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 1 << 40, ROOM - 1))
    with pytest.raises(StoreUnavailable, match="the disk is full") as problem:
        await rig.file.store.prove_writable()
    assert "16.0 MiB at least" in problem.value.remedy
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(ROOM, 0, ROOM // 16))
    await rig.file.store.prove_writable()


async def test_people_can_read_on_and_are_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores: list[Any] = []

    async def opened(*given: Any) -> ManagerStore:
        store = await open_store(*given)
        stores.append(store)
        return store

    monkeypatch.setattr(app, "open_store", opened)
    async with serve(tmp_path / "data") as served:
        task, peer = await served.create(), served.peer()
        await peer.join()
        await peer.leased(10)
        await peer.deliver(task["id"], [0])
        file = SmallFile(stores[0])
        await file.fill()
        await peer.say(deliver_message(task["id"], [1], batch="b2", value=bytes(200_000)))

        async def is_told() -> bool:
            async with served.http.get(f"{served.url}/readyz") as answer:
                return answer.status == 503 and "full" in await answer.text() and "make room" in await answer.text()

        await wait_until(is_told)
        path = f"/api/tasks/{task['id']}"
        await wait_until(lambda: _is_readable(served, path))
        assert (await served.call("GET", path))["done"] == 1
        assert (await served.call("GET", "/api/tasks"))["total"] == 1
        assert len((await served.call("GET", f"{path}/results"))["items"]) == 1
        for other in ("/api/stats", "/api/distributors", "/api/link"):
            await served.call("GET", other)
        assert "make room" in (await served.call("GET", f"{path}/explain"))["sentences"][0]
        assert "make room" in (await served.call("POST", f"{path}/pause", 503))["detail"]
        await file.free()
        assert (await peer.hear(messages.Error)).code == "unjoined"
        await served.call("GET", "/readyz")
        await peer.join()
        await peer.deliver(task["id"], [1], batch="b2")
        assert (await served.call("GET", path))["done"] == 2


async def _is_readable(served: Any, path: str) -> bool:
    async with served.http.get(served.url + path) as answer:
        return bool(answer.status == 200)
