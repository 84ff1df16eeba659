"""Live assignments: which session works on which payloads, under which token, and until when.

Rule: an index is in at most two live batches, then of different clients (repeats, which earn votes only, aside).
Leases are deadlines under the key ``("lease", token)``.
"""

import math
from collections import deque

from disio_distributor.core.deadlines import Deadlines, Key
from disio_distributor.core.roster import Session
from disio_shared.ranges import RangeSet, Run

LEASE = "lease"


class Batch:
    """One hand-out: the part of it that is still open."""

    __slots__ = (
        "client", "is_repeat", "is_spared", "moved_at", "open", "sent_at",
        "session", "slots", "started", "task", "token",
    )  # fmt: skip

    def __init__(
        self, token: str, task: str, to: Session, runs: list[Run], now: float, is_repeat: bool = False
    ) -> None:
        self.token, self.task, self.client, self.session, self.slots = token, task, to.client, to.name, to.slots
        self.is_repeat = is_repeat
        """Of payloads that have a result."""
        self.open = RangeSet(runs)
        self.sent_at = self.moved_at = now
        """``moved_at``: when a unit of it came to an end, its turn in the client's queue came, or it was sent."""
        self.started = False
        """A message has named it."""
        self.is_spared = False
        """Its session was lost with another batch in work, and has not named this one since."""


class Tail:
    """Which batches of a task are stuck, as last looked for."""

    __slots__ = ("after_s", "look_at", "stuck")

    def __init__(self) -> None:
        self.stuck: deque[Batch] = deque()
        """The longest stuck first."""
        self.after_s = math.inf
        self.look_at = 0.0
        """None that is not in ``stuck`` is stuck before."""


class Assignments:
    """All live batches."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.by_token: dict[str, Batch] = {}
        self._by_session: dict[str, dict[str, Batch]] = {}
        self._by_task: dict[str, dict[str, Batch]] = {}
        self.repeats = 0
        """How many live batches are repeats."""

    @property
    def are_awaited(self) -> bool:
        """Whether any live batch holds payloads that have no result yet."""
        return len(self.by_token) > self.repeats

    def add(self, batch: Batch, until: float) -> None:
        """Lease a batch."""
        self.by_token[batch.token] = batch
        self._by_session.setdefault(batch.session, {})[batch.token] = batch
        self._by_task.setdefault(batch.task, {})[batch.token] = batch
        self.repeats += batch.is_repeat
        self.extend(batch, until)

    def remove(self, batch: Batch) -> None:
        """End a batch."""
        del self.by_token[batch.token]
        _drop(self._by_session, batch.session, batch.token)
        _drop(self._by_task, batch.task, batch.token)
        self.repeats -= batch.is_repeat
        self._deadlines.discard(lease_key(batch.token))

    def extend(self, batch: Batch, until: float) -> None:
        """Move the end of a lease."""
        self._deadlines.set(lease_key(batch.token), until)

    def moved(self, batch: Batch, now: float) -> None:
        """Note that units of a batch came to an end; after the last of them it is the turn of one sent after it."""
        batch.moved_at = now
        if not batch.open:
            following = next(iter(self._by_session.get(batch.session, {}).values()), None)
            if following is not None and not following.started and following.sent_at >= batch.sent_at:
                following.moved_at = now

    def move(self, batch: Batch, session: str) -> None:
        """Lease a batch to another session of the same client."""
        _drop(self._by_session, batch.session, batch.token)
        batch.session = session
        self._by_session.setdefault(session, {})[batch.token] = batch

    def of_session(self, session: str) -> list[Batch]:
        """Return a session's batches, oldest first."""
        return list(self._by_session.get(session, {}).values())

    def has_session(self, session: str) -> bool:
        """Tell whether a session holds anything."""
        return session in self._by_session

    def of_task(self, task: str) -> list[Batch]:
        """Return a task's batches."""
        return list(self._by_task.get(task, {}).values())

    def open_of(self, session: str, task: str = "") -> int:
        """Return how many payloads (of one task, or of all) a session holds."""
        mine = self._by_session.get(session)
        return sum([len(each.open) for each in mine.values() if each.task == task or not task]) if mine else 0

    def part(self, batch: Batch, runs: list[Run]) -> list[Run]:
        """Take runs out of a batch, end it when nothing is left of it; return what it held of them."""
        taken = batch.open.remove_all(runs)
        if taken and not batch.open:
            self.remove(batch)
        return taken

    def withdraw(self, task: str, runs: list[Run]) -> list[tuple[Batch, list[Run]]]:
        """Take runs out of whichever batches hold them, repeats aside; return those with what they held."""
        found = []
        for batch in self.of_task(task):
            taken = [] if batch.is_repeat else self.part(batch, runs)
            if taken:
                found.append((batch, taken))
        return found


def lease_key(token: str) -> Key:
    """Return the key of a batch's deadline."""
    return (LEASE, token)


def _drop(groups: dict[str, dict[str, Batch]], group: str, token: str) -> None:
    members = groups[group]
    del members[token]
    if not members:
        del groups[group]
