"""The distributors: who is online on which session, what they can run, and what they wait for.

Rule: a distributor has at most one live session, the newest; an older one's messages and end change nothing.
"""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from disio_manager.core.orders import NOBODY, FleetOrders
from disio_manager.core.records import DistributorRecord
from disio_manager.core.settings import CoreSettings
from disio_shared import messages

MAX_TALLIES = 1_000
"""Tasks whose tallies are kept of one distributor."""
Ability = tuple[frozenset[str], frozenset[str], int]
"""Languages, kinds and memory in MB (0 = unknown) of a distributor's clients."""


@dataclass(slots=True)
class Waiting:
    """An Ask that could not be answered with blocks yet."""

    ask: messages.Ask
    fresh: list[str]
    """Block ids that came with it and are not used."""


@dataclass(slots=True)
class Distributor:
    """One distributor ever seen."""

    record: DistributorRecord
    session: str = ""
    """Empty while it is away."""
    ability: Ability | None = None
    """From its latest Ask."""
    waiting: Waiting | None = None
    blocks: set[tuple[str, str]] = field(default_factory=set)
    """Task and block ids it holds a lease of."""
    since: float = 0.0
    """``Status.since`` of its latest Status."""
    tallies: dict[str, messages.TaskTally] = field(default_factory=dict)
    """Of its latest Status, by task."""
    unlike: dict[str, float] = field(default_factory=dict)
    """Tasks that it wrongly took for paused, or for running, in its latest Status, and since when it has done so."""

    @property
    def is_taking(self) -> bool:
        """Tell whether it may be given blocks."""
        return bool(self.session) and self.record.state == "online"


class Fleet:
    """Every distributor.

    Args:
        begun: When this manager's core began, seconds since 1970.
        orders: What operators want.
    """

    def __init__(
        self, records: list[DistributorRecord], settings: CoreSettings, begun: float, orders: FleetOrders = NOBODY
    ) -> None:
        self._settings, self._begun, self.orders = settings, begun, orders
        self._sessions: dict[str, Distributor] = {}
        self._abilities: Counter[Ability] = Counter()
        self.waiting: dict[str, Distributor] = {}
        """Session to distributor, for those with an unanswered Ask, longest waiting first."""
        self.elsewhere: dict[str, DistributorRecord] = {}
        """Distributors that other managers said are online, as last seen."""
        self.known = {
            record.id: Distributor(msgspec.structs.replace(record, state="offline", clients=0, slots=0, rate=0.0))
            for record in records
        }

    def of(self, session: str) -> Distributor | None:
        """Return the distributor on a session."""
        return self._sessions.get(session)

    def online(self) -> list[Distributor]:
        """Return all that have a session, in the order they came."""
        return list(self._sessions.values())

    def is_online(self, distributor: str) -> bool:
        """Tell whether a distributor has a session here."""
        known = self.known.get(distributor)
        return known is not None and bool(known.session)

    def has_room(self, distributor: str) -> bool:
        """Tell whether one more may come online."""
        most = self._settings.max_distributors
        known = self.known.get(distributor)
        return not most or len(self._sessions) < most or (known is not None and bool(known.session))

    def join(self, session: str, join: messages.Join, at: float) -> Distributor:
        """Put a distributor on a session; the one it had before is over."""
        known = self.known.get(join.distributor)
        if known is None:
            known = self.known[join.distributor] = Distributor(DistributorRecord(id=join.distributor, name="", url=""))
        elif known.session:
            self.leave(known.session, at)
        known.session = session
        known.record = msgspec.structs.replace(
            known.record,
            name=join.name,
            url=join.url,
            region=join.region,
            software=join.software,
            max_clients=join.max_clients,
            manager=self._settings.manager,
            state=self.orders.of(join.distributor).state,
            last_seen=at,
        )
        self._sessions[session] = known
        return known

    def leave(self, session: str, at: float) -> Distributor | None:
        """End a session; return its distributor, or None when the session is not its newest."""
        known = self._sessions.pop(session, None)
        if known is None:
            return None
        self.settle(known)
        self._set_ability(known, None)
        known.session, known.unlike = "", {}
        known.record = msgspec.structs.replace(
            known.record, state="offline", clients=0, slots=0, kinds={}, rate=0.0, last_seen=at
        )
        return known

    def barred(self, task: str) -> frozenset[str]:
        """Return the distributors that are to leave a task alone."""
        return frozenset(name for name, wanted in self.orders.distributors.items() if task in wanted.tasks)

    def rest(self, known: Distributor, state: str) -> None:
        """Give a distributor no more blocks, it is ``draining`` or ``paused``; what it waits for is forgotten."""
        known.record = msgspec.structs.replace(known.record, state=state)
        self.settle(known)
        self._set_ability(known, None)

    def note_ask(self, known: Distributor, ask: messages.Ask) -> None:
        """Remember what a distributor's clients can run; any older Ask is over."""
        self.settle(known)
        self._set_ability(known, (frozenset(ask.languages), frozenset(ask.kinds), ask.memory_mb))

    def wait(self, known: Distributor, waiting: Waiting) -> None:
        """Keep an Ask until there is work."""
        known.waiting = waiting
        self.waiting[known.session] = known

    def settle(self, known: Distributor) -> None:
        """Forget the Ask a distributor waits with."""
        known.waiting = None
        self.waiting.pop(known.session, None)

    def note_status(self, known: Distributor, status: messages.Status, at: float) -> None:
        """Take over the numbers of a Status."""
        known.record = msgspec.structs.replace(
            known.record,
            clients=status.clients,
            slots=status.slots,
            kinds=status.kinds,
            rate=status.rate,
            outbox=status.outbox,
            durability=status.durability,
            space=status.space,
            turned_away=status.turned_away,
            last_seen=at,
        )

    def grown(
        self, known: Distributor, told: messages.Status | messages.Deliver
    ) -> list[tuple[str, messages.TaskTally]]:
        """Return by how much a distributor's tallies grew since it last told of them, and remember them.

        Tallies of before it joined this manager count only when it began after that: else a restarted manager would
        count them twice. A Deliver, which tells of some, is then not enough to begin with.
        """
        is_same = known.since == told.since
        before = known.tallies if is_same else {}
        is_first = not is_same and told.since < self._begun
        is_part = isinstance(told, messages.Deliver)
        if is_part and (is_first or not told.tallies or len(before) > MAX_TALLIES):
            return []
        grown = []
        for now in told.tallies[:MAX_TALLIES]:
            then = before.get(now.task, now if is_first else messages.TaskTally(task=now.task))
            more = messages.TaskTally(
                task=now.task,
                lost=max(0, now.lost - then.lost),
                failed=max(0, now.failed - then.failed),
                copies=max(0, now.copies - then.copies),
            )
            if more.lost or more.failed or more.copies:
                grown.append((now.task, more))
        latest = {each.task: each for each in told.tallies[:MAX_TALLIES]}
        if is_part:
            latest = before | latest
        known.since, known.tallies = told.since, latest
        return grown

    def abilities(self) -> list[tuple[Ability, int]]:
        """Return what live distributors can run, with how many can."""
        return list(self._abilities.items())

    def siblings(self, known: Distributor) -> list[str]:
        """Return URLs of the other distributors that take clients, the least loaded first."""
        takers = [one.record for one in self._sessions.values() if one.is_taking]
        here = {one.record.id for one in self._sessions.values()}
        takers += [record for name, record in self.elsewhere.items() if name not in here and record.state == "online"]
        others = [record for record in takers if record.url and record.id != known.record.id]
        others.sort(key=lambda record: (record.clients / max(1, record.max_clients), record.id))
        return [record.url for record in others[: self._settings.max_siblings]]

    def surplus(self) -> list[str]:
        """Return ids that are over the limit of distributors remembered: those away for longest, without blocks."""
        over = len(self.known) - self._settings.max_fleet
        if over <= 0:
            return []
        idle = [one.record for one in self.known.values() if not one.session and not one.blocks]
        idle.sort(key=lambda record: record.last_seen)
        return [record.id for record in idle[:over]]

    def rows(self) -> list[DistributorRecord]:
        """Return every distributor, of those that are online only at another manager what that one says."""
        away = {name for name in self.elsewhere if name not in self.known or not self.known[name].session}
        here = [self.row(known) for name, known in self.known.items() if name not in away]
        return here + [self.elsewhere[name] for name in away]

    def row(self, known: Distributor) -> DistributorRecord:
        """Return a copy of a distributor's record with the number of blocks it holds."""
        return msgspec.structs.replace(known.record, blocks=len(known.blocks))

    def _set_ability(self, known: Distributor, ability: Ability | None) -> None:
        if known.ability is not None:
            self._abilities[known.ability] -= 1
            if not self._abilities[known.ability]:
                del self._abilities[known.ability]
        if ability is not None:
            self._abilities[ability] += 1
        known.ability = ability
