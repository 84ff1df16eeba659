"""The service around the core: memory that others may have outrun is not decided on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from disio_manager import idling
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.events import TaskCreated
from disio_manager.core.settings import CoreSettings
from disio_manager.presence import ALIVE_S, Lapsed, Presence
from disio_manager.service import ManagerService
from disio_manager.stores.opening import open_store
from disio_shared.clock import FakeClock
from disio_shared.errors import StoreUnavailable
from tests.unit.manager.registry import Registry, loaded
from tests.waiting import wait_until


class Rig:
    """A service on a real store, enlisted in a registry in memory."""

    service: ManagerService

    def __init__(self) -> None:
        self.clock, self.registry, self.resets = FakeClock(), Registry(), 0
        self.presence = Presence(self.registry, "a", "http://a", self.clock)

    def on_reset(self) -> None:
        self.resets += 1

    def core(self) -> Coordinator:
        return self.service.coordinator

    def created(self, name: str) -> TaskCreated:
        task = loaded(name)
        task.record.number = int(name.removeprefix("t"))
        return TaskCreated(task.record, task.spec)


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig()
    store = await open_store("", tmp_path, "a")
    settings = CoreSettings(manager="a")
    made.service = ManagerService(
        store, settings, made.clock, lambda send: None, lambda news: None, made.on_reset, made.presence
    )
    await made.service.start()
    running = asyncio.create_task(made.service.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await store.close()


async def test_it_enlists_before_it_loads(rig: Rig) -> None:
    assert set(rig.registry.entries) == {"a"}
    await rig.service.submit(rig.created("t1"))
    assert rig.core().open_tasks() == ["t1"]


async def test_after_a_lapse_it_decides_nothing_before_it_is_enlisted_and_loaded_anew(rig: Rig) -> None:
    await rig.service.submit(rig.created("t1"))
    before = rig.core()
    rig.clock.advance(ALIVE_S)
    rig.registry.is_away = True
    with pytest.raises(Lapsed):
        await rig.service.submit(rig.created("t2"))
    assert rig.service.trouble is not None and rig.resets == 0
    rig.registry.is_away = False
    await wait_until(lambda: rig.resets == 1)
    assert rig.core() is not before and rig.core().open_tasks() == ["t1"]
    await rig.service.submit(rig.created("t2"))
    assert set(rig.core().open_tasks()) == {"t1", "t2"}


async def test_an_idle_service_notices_its_lapse_when_it_is_woken(rig: Rig) -> None:
    rig.clock.advance(ALIVE_S)
    await rig.presence.beat(rig.service.wake)
    await wait_until(lambda: rig.resets == 1)


async def test_news_that_the_core_refuses_are_no_error_of_whoever_tells_them(rig: Rig) -> None:
    rig.clock.advance(ALIVE_S)
    await rig.service.tell(rig.created("t1"))
    await wait_until(lambda: rig.resets == 1)
    assert rig.core().open_tasks() == []


async def test_what_ends_idle_tasks_outlives_a_core_that_is_loaded_anew(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idling, "LOOK_S", 0.0)
    looking = asyncio.create_task(idling.Idling(rig.service).run())
    rig.registry.is_away = True
    rig.clock.advance(ALIVE_S)
    rig.service.wake()
    await wait_until(lambda: rig.service.trouble is not None)
    with pytest.raises(StoreUnavailable):
        rig.core()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not looking.done(), "it looks again when the database is back"
    looking.cancel()
