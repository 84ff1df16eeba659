"""Live assignments: which session works on which payloads, under which token, and until when.

Rule: an index is in at most one live batch. Leases are deadlines under the key ``("lease", token)``.
"""

from disio_distributor.core.deadlines import Deadlines, Key
from disio_shared.ranges import RangeSet, Run

LEASE = "lease"


class Batch:
    """One hand-out: the part of it that is still open."""

    __slots__ = ("client", "open", "sent_at", "session", "started", "task", "token")

    def __init__(self, token: str, task: str, client: str, session: str, runs: list[Run], now: float) -> None:
        self.token, self.task, self.client, self.session = token, task, client, session
        self.open = RangeSet(runs)
        self.sent_at = now
        self.started = False
        """A message has named it."""


class Assignments:
    """All live batches."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.by_token: dict[str, Batch] = {}
        self._by_session: dict[str, dict[str, Batch]] = {}
        self._by_task: dict[str, dict[str, Batch]] = {}

    def add(self, batch: Batch, until: float) -> None:
        """Lease a batch."""
        self.by_token[batch.token] = batch
        self._by_session.setdefault(batch.session, {})[batch.token] = batch
        self._by_task.setdefault(batch.task, {})[batch.token] = batch
        self.extend(batch, until)

    def remove(self, batch: Batch) -> None:
        """End a batch."""
        del self.by_token[batch.token]
        _drop(self._by_session, batch.session, batch.token)
        _drop(self._by_task, batch.task, batch.token)
        self._deadlines.discard(lease_key(batch.token))

    def extend(self, batch: Batch, until: float) -> None:
        """Move the end of a lease."""
        self._deadlines.set(lease_key(batch.token), until)

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

    def open_of(self, session: str, task: str) -> int:
        """Return how many payloads of a task a session holds."""
        return sum(len(each.open) for each in self._by_session.get(session, {}).values() if each.task == task)

    def withdraw(self, task: str, runs: list[Run]) -> list[Batch]:
        """Take runs out of whichever batches hold them; end and return the batches that have nothing left."""
        ended = []
        for batch in self.of_task(task):
            if batch.open.remove_all(runs) and not batch.open:
                self.remove(batch)
                ended.append(batch)
        return ended


def lease_key(token: str) -> Key:
    """Return the key of a batch's deadline."""
    return (LEASE, token)


def _drop(groups: dict[str, dict[str, Batch]], group: str, token: str) -> None:
    members = groups[group]
    del members[token]
    if not members:
        del groups[group]
