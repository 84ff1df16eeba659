"""A manager's own entry: renewed while it lives, and what a lapse means."""

from disio_manager.presence import ALIVE_S, Presence
from disio_manager.stores.base import ManagerEntry
from disio_shared.clock import FakeClock
from tests.unit.manager.registry import Registry


class Rig:
    """One manager's presence on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.registry, self.clock, self.lapses = Registry(), FakeClock(), 0
        self.presence = Presence(self.registry, "a", "http://a", self.clock)

    def on_lapse(self) -> None:
        self.lapses += 1

    async def beat_after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.presence.beat(self.on_lapse)


async def test_every_renewal_makes_the_beat_grow_and_keeps_the_rest() -> None:
    rig = Rig()
    await rig.presence.begin()
    first = rig.registry.entries["a"]
    await rig.beat_after(2.0)
    second = rig.registry.entries["a"]
    assert second.beat > first.beat
    assert (second.url, second.since) == (first.url, first.since) == ("http://a", first.since)


async def test_before_it_began_it_counts_as_lapsed() -> None:
    rig = Rig()
    assert rig.presence.has_lapsed()
    await rig.presence.begin()
    assert not rig.presence.has_lapsed()


async def test_a_database_that_is_away_for_a_while_is_no_lapse() -> None:
    rig = Rig()
    await rig.presence.begin()
    rig.registry.is_away = True
    await rig.beat_after(ALIVE_S / 2)
    rig.registry.is_away = False
    await rig.beat_after(ALIVE_S / 3)
    await rig.beat_after(ALIVE_S / 2)
    assert not rig.presence.has_lapsed() and rig.lapses == 0


async def test_a_lapse_is_told_until_memory_is_loaded_anew_however_well_renewals_go_by_then() -> None:
    rig = Rig()
    await rig.presence.begin()
    rig.registry.is_away = True
    await rig.beat_after(ALIVE_S)
    assert rig.lapses == 1
    rig.registry.is_away = False
    await rig.beat_after(1.0)
    await rig.beat_after(1.0)
    assert rig.presence.has_lapsed() and rig.lapses == 3
    await rig.presence.begin()
    assert not rig.presence.has_lapsed()


async def test_a_process_that_was_stopped_finds_the_lapse_when_it_renews() -> None:
    rig = Rig()
    await rig.presence.begin()
    rig.clock.advance(ALIVE_S + 1.0)
    await rig.presence.beat(lambda: None)
    assert rig.presence.has_lapsed()


async def test_a_manager_that_leaves_takes_its_entry_along() -> None:
    rig = Rig()
    await rig.presence.begin()
    rig.registry.is_away = True
    await rig.presence.leave()
    rig.registry.is_away = False
    await rig.presence.leave()
    assert not rig.registry.entries


async def test_a_renewal_that_came_through_too_late_is_a_lapse() -> None:
    rig = Rig()
    await rig.presence.begin()

    class Slow(Registry):
        async def enlist(self, entry: ManagerEntry) -> None:
            rig.clock.advance(ALIVE_S - 1.0)

    presence = Presence(Slow(), "b", "http://b", rig.clock)
    await presence.begin()
    rig.clock.advance(0.5)
    assert not presence.has_lapsed()
    await presence.beat(lambda: None)
    assert presence.has_lapsed()
