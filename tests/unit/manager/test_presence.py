"""Who may serve a database: the first, and whoever comes back to its own place."""

import pytest

from disio_manager.presence import ALIVE_S, DatabaseShared, Presence
from disio_manager.stores.base import ManagerEntry
from disio_shared.clock import FakeClock


class Registry:
    """A registry in memory."""

    def __init__(self) -> None:
        self.entries: dict[str, ManagerEntry] = {}

    async def enlist(self, entry: ManagerEntry) -> None:
        self.entries[entry.id] = entry

    async def managers(self) -> list[ManagerEntry]:
        return list(self.entries.values())

    async def strike_off(self, manager: str) -> None:
        self.entries.pop(manager, None)


def presence(registry: Registry, name: str, clock: FakeClock) -> Presence:
    return Presence(registry, name, f"http://{name}", clock)


async def test_the_first_is_let_in_and_a_second_is_refused_by_the_firsts_name() -> None:
    registry, clock = Registry(), FakeClock()
    await presence(registry, "z", clock).claim()
    clock.advance(1.0)
    with pytest.raises(DatabaseShared, match="http://z"):
        await presence(registry, "a", clock).claim()
    assert set(registry.entries) == {"z"}


async def test_of_two_that_start_at_once_one_is_let_in() -> None:
    registry, clock = Registry(), FakeClock()
    second = presence(registry, "b", clock)
    await presence(registry, "a", clock).claim()
    with pytest.raises(DatabaseShared):
        await second.claim()


async def test_a_killed_manager_comes_back_to_its_own_data_directory_at_once() -> None:
    registry, clock = Registry(), FakeClock()
    await presence(registry, "a", clock).claim()
    clock.advance(0.1)
    await presence(registry, "a", clock).claim()


async def test_a_killed_manager_blocks_others_for_a_while_only() -> None:
    registry, clock = Registry(), FakeClock()
    await presence(registry, "a", clock).claim()
    clock.advance(ALIVE_S + 1.0)
    await presence(registry, "b", clock).claim()


async def test_a_manager_that_left_blocks_nobody() -> None:
    registry, clock = Registry(), FakeClock()
    first = presence(registry, "a", clock)
    await first.claim()
    await first.leave()
    await presence(registry, "b", clock).claim()
