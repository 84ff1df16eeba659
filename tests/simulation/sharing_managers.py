"""One of several managers on a shared store: the real watch over the others and the real beat, over rows in memory.

Rule: what waits for the database in the product waits here too, so that anything may happen in between; what a manager
keeps others from doing meanwhile happens at once.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any, cast

from disio_manager.cluster import ROUND_S, Cluster
from disio_manager.core import changes as ch
from disio_manager.core import commands as cmd
from disio_manager.core import events as ev
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.records import LoadedTask, Look, StretchRecord
from disio_manager.core.settings import CoreSettings
from disio_manager.presence import BEAT_S, Presence
from disio_manager.stores.base import ManagerEntry
from disio_shared.errors import DisioError, OwnershipLost, StoreUnavailable
from tests.simulation.clockwork import Host
from tests.simulation.managers import RELOAD_S, ManagerNode

ANSWER_S = 0.1
"""In which the database answers, at most."""


class Wait:
    """Lets virtual time pass in a coroutine."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self._seconds


def drive(host: Host, job: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on a machine until its process dies."""
    try:
        seconds = job.send(None)
    except StopIteration:
        return
    host.after(seconds, partial(drive, host, job))


def finish(job: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end at once."""
    try:
        while True:
            job.send(None)
    except StopIteration:
        return


class SharingManager(ManagerNode):
    """A manager process among others."""

    presence: Presence
    cluster: Cluster
    looked_at = 0.0
    """Up to when it knows what others did."""
    asked_at = 0.0
    """When it last read that."""
    is_recount_due = False
    """It has loaded something since it last counted results."""
    _is_running = False
    _is_blind = False
    """It is to stand still between asking whether its beat did and writing what it decided."""
    _claims: set[tuple[str, int]]

    def _drawn_settings(self) -> CoreSettings:
        draw = self.clock.random
        return CoreSettings(
            cluster="c",
            manager=self.name,
            is_shared=True,
            max_block=draw.choice([5, 20, 10_000]),
            min_block=2,
            grant_parts=4,
            min_claim=draw.choice([4, 10, 256]),
            claim_part=draw.choice([1, 4]),
            yield_s=draw.choice([3.0, 10.0]),
        )

    # The process

    def start(self) -> None:
        """Start the process, or only load its core again."""
        if not self._is_running:
            self._is_running, self._claims = True, set()
            store, clock = StoreFace(self), HostClock(self.host)
            self.presence = Presence(cast("Any", store), self.name, f"http://{self.name}", clock)
            self.cluster = Cluster(cast("Any", ServiceFace(self, store, clock)), self.presence)
            self.cluster._log = Teller(self)
            drive(self.host, self._keep_beating())
            drive(self.host, self._keep_watching())
        if self.is_cut_off:
            self._load_later()
            return
        finish(self.presence.begin())
        self._is_blind = self.clock.chance(0.5)
        if self.clock.chance(0.3):  # it reads all rows, as where documents name none
            self.disk.told([row for row in self.disk.stretches.values() if row.owner == self.name])
        self._load()
        self.is_recount_due = True
        self.looked_at = self.clock.now

    def crash(self) -> None:
        """kill -9."""
        super().crash()
        self._is_running = False

    async def _keep_beating(self) -> None:
        while True:
            await Wait(BEAT_S)
            await self.presence.beat(lambda: self.handle(ev.Ticked(self.host.wall, self.fresh())))

    async def _keep_watching(self) -> None:
        while True:
            try:
                await self.cluster.watch()
            except StoreUnavailable as trouble:
                self.clock.trace(f"{self.name} cannot look", trouble)
            await Wait(ROUND_S)

    # The core

    def _is_stale(self) -> bool:
        if not self.presence.has_lapsed() or self._is_blind:
            return False
        self._reload("its beat stood still")
        return True

    def _save(self, changes: list[ch.Change]) -> None:
        if changes and self.is_cut_off:
            raise StoreUnavailable("database", "is out of reach")
        if changes and self.presence.has_lapsed():
            self._is_blind = False
        notices = self._dealt_with(changes)
        try:
            super()._save(changes)
        except OwnershipLost:
            if self.clock.chance(0.5):
                self._referee.lose(changes)
            raise
        for task, indexes in notices:
            lost = [index for index in indexes if not self.disk.is_closed_index(task, index)]
            assert not lost, f"{self.name} was told that {lost} of {task} failed, and has not saved it"

    def _fail(self, changes: list[ch.Change]) -> None:
        """Let a commit fail, written or not, or only its results."""
        if self.clock.chance(0.4):
            self._referee.lose(changes, is_owner=True)
            self._reload("a commit broke off behind its results")
        else:
            super()._fail(changes)

    def _dealt_with(self, changes: list[ch.Change]) -> list[tuple[str, list[int]]]:
        """Return failed indexes of own stretches that the manager was told of and wants to be told of no more."""
        names = [name for change in changes if isinstance(change, ch.DropNotices) for name in change.ids]
        notices = [self.disk.notices[name][2] for name in names if name in self.disk.notices]
        return [
            (each.task, [index for index in each.failed if self.disk.owner_of(each.task, index) == self.name])
            for each in notices
            if self.holds(each.task)
        ]

    def _reload(self, why: str) -> None:
        self.clock.tell(f"{self.name}: {why}")
        self.core = None
        self._delivered.clear()
        self._load_later()

    def _load_later(self) -> None:
        delay = max(RELOAD_S * self.clock.random.random(), self.cut_until - self.clock.now)
        self.host.after(delay, lambda: None if self.is_up else self.start())

    def _may_not_know(self, task: str) -> bool:
        return self._referee.changed_at.get(task, 0.0) >= self.looked_at

    def tell(self, event: ev.Event) -> None:
        """Take news of the cluster.

        Raises:
            StoreUnavailable: What follows from it is not durable.
        """
        if not self.handle(event):
            raise StoreUnavailable("database", "did not take it")

    # Claims

    def _perform(self, command: cmd.Command) -> None:
        if not isinstance(command, cmd.Claim):
            super()._perform(command)
            return
        key = (command.stretch.task, command.stretch.start)
        if key not in self._claims:
            self._claims.add(key)
            self.host.after(ANSWER_S * self.clock.random.random(), partial(self._claim, command.stretch))

    def _claim(self, stretch: StretchRecord) -> None:
        if self.is_cut_off:
            self.host.after(ANSWER_S, partial(self._claimed, stretch, []))
            return
        rows = self.disk.claim(stretch)
        self._referee.check_cover(stretch.task)
        self.clock.trace(f"{self.name} claims {stretch.task}", [(row.start, row.stop, row.owner) for row in rows])
        self.host.after(ANSWER_S * self.clock.random.random(), partial(self._claimed, stretch, rows))

    def _claimed(self, stretch: StretchRecord, rows: list[StretchRecord]) -> None:
        self._claims.discard((stretch.task, stretch.start))
        try:
            self.handle(ev.StretchClaimed(stretch.task, rows, self.host.wall))
        except DisioError as error:
            self.clock.tell(f"{self.name}: news had no effect: {error}")


class HostClock:
    """Time as a process reads it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def steady(self) -> float:
        """Return seconds that never jump."""
        return self._host.clock.now

    def wall(self) -> float:
        """Return what the machine takes for the date."""
        return self._host.wall


class Teller:
    """Puts log lines into the story of the run."""

    def __init__(self, node: SharingManager) -> None:
        self._node = node

    def info(self, line: str, **more: object) -> None:
        """Tell."""
        self._node.clock.tell(f"{self._node.name}: {line} {more}")

    warning = info


class StoreFace:
    """The shared store, as one manager's registry and watch see it."""

    is_shared = True

    def __init__(self, node: SharingManager) -> None:
        self._node, self._disk = node, node.disk

    async def enlist(self, entry: ManagerEntry) -> None:
        """Put the manager in."""
        await self._reached()
        self._disk.managers[entry.id] = entry

    async def managers(self) -> list[ManagerEntry]:
        """Return everybody."""
        await self._reached()
        return list(self._disk.managers.values())

    async def strike_off(self, manager: str) -> None:
        """Take a manager out."""
        await self._reached()
        self._disk.managers.pop(manager, None)

    async def look(self, known: list[str]) -> Look:
        """Return what others did, which is old when it comes."""
        await self._reached()
        self._node.asked_at = self._node.clock.now
        look = self._disk.look(known, self._node.name)
        await self._answer()
        return look

    async def load_task(self, task: str) -> LoadedTask | None:
        """Return a task."""
        await self._reached()
        return self._disk.load_task(task, self._node.name)

    async def take_over(self, gone: str) -> list[LoadedTask]:
        """Take stretches over, at once."""
        if self._node.is_cut_off:
            raise StoreUnavailable("database", "is out of reach")
        self._node.is_recount_due = True
        return self._disk.take_over(gone, self._node.name)

    async def recount(self) -> bool:
        """Look for results that documents do not name, once after each start and each taking over."""
        await self._reached()
        is_due, self._node.is_recount_due = self._node.is_recount_due, False
        return is_due and self._disk.recount(self._node.name)

    async def _reached(self) -> None:
        await self._answer()
        if self._node.is_cut_off:
            raise StoreUnavailable("database", "is out of reach")

    async def _answer(self) -> None:
        await Wait(ANSWER_S / 2 * self._node.clock.random.random())


class ServiceFace:
    """What a manager's watch over the others sees of its service."""

    def __init__(self, node: SharingManager, store: StoreFace, clock: HostClock) -> None:
        self._node, self.store, self.clock = node, store, clock

    @property
    def coordinator(self) -> Coordinator:
        """Return the core.

        Raises:
            StoreUnavailable: It waits for the store.
        """
        if self._node.core is None:
            raise StoreUnavailable("database", "is away")
        return self._node.core

    async def submit(self, event: ev.Event) -> None:
        """Have an event handled."""
        await Wait(ANSWER_S / 10)
        self._node.tell(event)
        if isinstance(event, ev.ClusterSeen):
            self._node.looked_at = self._node.asked_at

    async def tell_alone(self, make: Callable[[], Awaitable[ev.Event]]) -> None:
        """Make an event and have it handled, nothing in between."""
        await Wait(ANSWER_S / 10)
        assert self.coordinator is not None
        self._node.tell(await make())
