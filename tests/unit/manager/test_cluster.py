"""Who is alive, whose work is taken over, and what the core is told of it."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from disio_manager.cluster import RECOUNT_S, Cluster
from disio_manager.core.events import ClusterSeen, Event, StretchesTaken
from disio_manager.presence import ALIVE_S, Presence
from disio_manager.service import ManagerService
from disio_manager.stores.base import ManagerEntry
from disio_shared.clock import FakeClock
from disio_shared.errors import StoreUnavailable
from tests.unit.manager.registry import Registry, loaded


class Core:
    """What the cluster reads of a coordinator."""

    def __init__(self) -> None:
        self.tasks: list[str] = []
        self.owners: list[str] = []

    def open_tasks(self) -> list[str]:
        return list(self.tasks)

    def strangers(self) -> list[str]:
        return list(self.owners)


class Service:
    """What the cluster needs of a service; it remembers what it was told."""

    def __init__(self, store: Registry, clock: FakeClock) -> None:
        self.store, self.clock, self.coordinator = store, clock, Core()
        self.events: list[Event] = []

    async def submit(self, event: Event) -> None:
        self.events.append(event)

    async def tell_alone(self, make: Callable[[], Awaitable[Event]]) -> None:
        self.events.append(await make())


class Rig:
    """Manager ``a`` on a registry where others come and go."""

    def __init__(self) -> None:
        self.registry, self.clock = Registry(), FakeClock()
        self.service = Service(self.registry, self.clock)
        service = cast(ManagerService, self.service)
        self.cluster = Cluster(service, Presence(self.registry, "a", "http://a", self.clock))
        self._beats = 0

    def beat(self, name: str) -> None:
        self._beats += 1
        self.registry.entries[name] = ManagerEntry(name, f"http://{name}", 1.0, self._beats)

    async def round(self, *alive: str, after: float = 1.0) -> None:
        """Let ``alive`` renew their entries, then look."""
        self.clock.advance(after)
        for name in alive:
            self.beat(name)
        await self.cluster.watch()

    async def rounds(self, seconds: int, *alive: str) -> None:
        for _ in range(seconds):
            await self.round(*alive)

    def seen(self) -> list[ClusterSeen]:
        return [event for event in self.service.events if isinstance(event, ClusterSeen)]

    def taken(self) -> list[list[str]]:
        told = [event for event in self.service.events if isinstance(event, StretchesTaken)]
        return [[task.record.id for task in event.tasks] for event in told if event.tasks]

    def peers(self) -> list[str]:
        return [peer.id for peer in self.seen()[-1].peers]


async def test_the_core_is_told_who_is_there() -> None:
    rig = Rig()
    await rig.round("a")
    assert rig.peers() == []
    await rig.round("a", "b")
    assert [(peer.id, peer.url) for peer in rig.seen()[-1].peers] == [("b", "http://b")]
    looks = len(rig.seen())
    await rig.rounds(3, "a", "b")
    assert len(rig.seen()) == looks + 3


async def test_a_recount_waits_until_the_start_is_over_and_what_it_finds_is_looked_at_at_once() -> None:
    rig = Rig()
    rig.registry.uncounted = True
    await rig.rounds(int(RECOUNT_S) - 1, "a")
    looks = len(rig.seen())
    was_counted = [not rig.registry.uncounted]
    await rig.round("a")
    was_counted.append(not rig.registry.uncounted)
    assert was_counted == [False, True]
    assert len(rig.seen()) == looks + 1


async def test_a_manager_that_is_alone_looks_seldom() -> None:
    rig = Rig()
    await rig.rounds(14, "a")
    assert len(rig.seen()) == 1
    await rig.rounds(3, "a")
    assert len(rig.seen()) == 2


async def test_one_whose_beat_stands_still_is_gone_and_its_work_is_taken_over_once() -> None:
    rig = Rig()
    await rig.round("b")
    rig.registry.left["b"] = [loaded("t1")]
    await rig.rounds(int(ALIVE_S) - 1)
    assert rig.registry.taken == [] and rig.peers() == ["b"]
    await rig.rounds(2)
    assert rig.taken() == [["t1"]] and rig.peers() == []
    assert rig.registry.entries == {} and rig.registry.taken == ["b"]
    await rig.rounds(20)
    assert rig.registry.taken == ["b"]


async def test_a_beat_that_goes_on_is_alive_however_its_clock_stands() -> None:
    rig = Rig()
    await rig.rounds(40, "b")
    assert rig.registry.taken == [] and rig.peers() == ["b"]


async def test_one_that_left_is_taken_over_from_at_once() -> None:
    rig = Rig()
    await rig.round("b")
    rig.registry.left["b"] = [loaded("t1")]
    del rig.registry.entries["b"]
    await rig.round()
    assert rig.taken() == [["t1"]] and rig.peers() == []


async def test_owners_that_the_registry_never_named_are_taken_over_from() -> None:
    rig = Rig()
    rig.service.coordinator.owners = ["old", "b"]
    rig.registry.left["old"] = [loaded("t1", "old")]
    await rig.round("b")
    assert rig.registry.taken == ["old"] and rig.taken() == [["t1"]]


async def test_a_fresh_process_waits_before_it_takes_anyone_for_gone() -> None:
    rig = Rig()
    rig.beat("b")  # long dead, its entry still there
    await rig.rounds(int(ALIVE_S) - 1)
    assert rig.registry.taken == []
    await rig.rounds(2)
    assert rig.registry.taken == ["b"]


async def test_nobodys_silence_counts_while_the_registry_could_not_be_read() -> None:
    rig = Rig()
    await rig.round("b")
    rig.registry.is_away = True
    for _ in range(30):
        with pytest.raises(StoreUnavailable):
            await rig.round()
    rig.registry.is_away = False
    await rig.round()
    await rig.rounds(int(ALIVE_S) - 2)
    assert rig.registry.taken == []
    await rig.rounds(3)
    assert rig.registry.taken == ["b"]


async def test_a_takeover_cut_short_is_done_again() -> None:
    rig = Rig()
    await rig.round("b")
    del rig.registry.entries["b"]
    taking = rig.registry.take_over

    async def breaks(gone: str) -> Any:
        raise StoreUnavailable("registry", "went away half way")

    rig.registry.take_over = breaks  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await rig.round()
    rig.registry.take_over = taking  # type: ignore[method-assign]
    rig.registry.left["b"] = [loaded("t1")]
    await rig.round()
    assert rig.registry.taken == ["b"] and rig.taken() == [["t1"]]


async def test_open_tasks_that_the_core_does_not_know_are_loaded_and_known_or_closed_ones_are_not() -> None:
    rig = Rig()
    rig.service.coordinator.tasks = ["known"]
    rig.registry.open = {
        "known": loaded("known"),
        "new": loaded("new"),
        "closed": loaded("closed", state="cancelled"),
    }
    await rig.round("b")
    seen = rig.seen()[-1]
    assert [task.record.id for task in seen.fresh_tasks] == ["new"]
    assert {task.record.id for task in seen.look.tasks} == {"known", "new", "closed"}


async def test_rows_tell_of_this_manager_and_of_the_others() -> None:
    rig = Rig()
    await rig.round("b")
    rig.clock.advance(4.0)
    own, other = rig.cluster.rows()
    assert (own.url, own.this, other.url, other.this) == ("http://a", True, "http://b", False)
    assert (other.alive, other.beat_age_s) == (True, 4.0)
    rig.clock.advance(ALIVE_S)
    assert not rig.cluster.rows()[1].alive


@pytest.mark.parametrize(
    ("changed_by", "alive", "is_ours"),
    [
        ("a", [], True),
        ("a", ["b"], True),
        ("b", ["b"], False),
        ("c", ["b"], True),
        ("", ["b"], True),
        ("c", ["0"], False),
    ],
)
async def test_what_is_left_to_do_falls_to_who_changed_the_task_or_to_one_of_those_alive(
    changed_by: str, alive: list[str], is_ours: bool
) -> None:
    rig = Rig()
    await rig.round(*alive)
    record = loaded().record
    record.changed_by = changed_by
    assert rig.cluster.is_ours(record) is is_ours
