"""Results and failures on their way to the managers.

Rule: an entry stays, here and in the cache, until a manager of its cluster has answered Committed for the message it
went in. A message keeps its batch id and content however often it is sent.
"""

from collections.abc import Iterable, Sequence

from disio_distributor.core.records import OutboxEntry
from disio_shared.messages import Deliver, ResultColumns
from disio_shared.ranges import Run, runs_of

_ROW_BYTES = 24
"""What an index, its time and its lengths take beside the value."""


class Item:
    """An entry and what is often asked of it."""

    __slots__ = ("bytes", "count", "entry", "runs", "task")

    def __init__(self, entry: OutboxEntry, runs: Sequence[Run] | None = None) -> None:
        self.entry = entry
        columns = entry.results or entry.failures
        assert columns is not None, "an entry holds results or failures"
        self.task = columns.task
        self.count = len(columns.indexes)
        self.runs = runs_of(columns.indexes) if runs is None else list(runs)
        self.bytes = self.count * _ROW_BYTES + _content_bytes(entry)


class Flight:
    """A Deliver that waits for its Committed."""

    __slots__ = ("cluster", "items", "link", "message")

    def __init__(self, message: Deliver, cluster: str, items: list[Item], link: str) -> None:
        self.message, self.cluster, self.items = message, cluster, items
        self.link: str | None = link
        """Where it was sent; None when that link is gone."""


class Outbox:
    """Everything no manager has committed."""

    def __init__(self, nonce: str, entries: Iterable[OutboxEntry]) -> None:
        self._nonce = nonce
        self._sent = 0
        self.flights: dict[str, Flight] = {}
        """By batch id."""
        self.entries = self.results = self.bytes = 0
        self._waiting: dict[str, dict[int, Item]] = {}
        self.next_id = 1
        for entry in entries:
            self.add(Item(entry))
            self.next_id = max(self.next_id, entry.id + 1)

    def fresh_id(self) -> int:
        """Return the id of the next entry."""
        self.next_id += 1
        return self.next_id - 1

    def add(self, item: Item) -> None:
        """Keep an entry."""
        self._waiting.setdefault(item.entry.cluster, {})[item.entry.id] = item
        self._count(item, 1)

    def has(self, cluster: str) -> bool:
        """Tell whether anything of a cluster is not committed."""
        return cluster in self._waiting or any(each.cluster == cluster for each in self.flights.values())

    def anything_to_send(self) -> bool:
        """Tell whether anything was not sent yet, or was sent to a link that is gone."""
        return bool(self._waiting) or any(each.link is None for each in self.flights.values())

    def waiting(self, cluster: str) -> bool:
        """Tell whether anything of a cluster was not sent yet."""
        return cluster in self._waiting

    def flights_of(self, link: str | None, cluster: str) -> list[Flight]:
        """Return the unanswered messages of a link, or with None those of lost links."""
        return [each for each in self.flights.values() if each.link == link and each.cluster == cluster]

    def launch(self, cluster: str, link: str, max_results: int, max_bytes: int) -> Flight:
        """Put the oldest unsent entries of a cluster into a message; there must be some."""
        waiting = self._waiting[cluster]
        items: list[Item] = []
        results = size = 0
        for item in waiting.values():
            results, size = results + item.count, size + item.bytes
            if items and (results > max_results or size > max_bytes):
                break
            items.append(item)
        for item in items:
            del waiting[item.entry.id]
        if not waiting:
            del self._waiting[cluster]
        self._sent += 1
        message = Deliver(
            batch=f"{self._nonce}.{self._sent}",
            results=_merged([item.entry.results for item in items if item.entry.results is not None]),
            failures=[item.entry.failures for item in items if item.entry.failures is not None],
        )
        flight = self.flights[message.batch] = Flight(message, cluster, items, link)
        return flight

    def committed(self, batch: str) -> list[Item]:
        """Forget a message that a manager has; return its entries, none when it is not known."""
        flight = self.flights.pop(batch, None)
        if flight is None:
            return []
        for item in flight.items:
            self._count(item, -1)
        return flight.items

    def drop_task(self, cluster: str, task: str) -> list[Item]:
        """Forget and return the unsent entries of a task that nobody wants any more."""
        waiting = self._waiting.get(cluster, {})
        dropped = [item for item in waiting.values() if item.task == task]
        for item in dropped:
            del waiting[item.entry.id]
            self._count(item, -1)
        if not waiting:
            self._waiting.pop(cluster, None)
        return dropped

    def _count(self, item: Item, sign: int) -> None:
        self.entries += sign
        self.results += sign * item.count
        self.bytes += sign * item.bytes


def _content_bytes(entry: OutboxEntry) -> int:
    if entry.results is not None:
        return sum(map(len, entry.results.values))
    assert entry.failures is not None
    return sum(len(text) for texts in entry.failures.errors for text in texts)


def _merged(parts: list[ResultColumns]) -> list[ResultColumns]:
    """Join the columns of equal tasks: one long part costs a manager less than many short ones."""
    by_task: dict[str, list[ResultColumns]] = {}
    for part in parts:
        by_task.setdefault(part.task, []).append(part)
    return [group[0] if len(group) == 1 else _joined(group) for group in by_task.values()]


def _joined(group: list[ResultColumns]) -> ResultColumns:
    numbers: dict[str, int] = {}
    joined = ResultColumns(task=group[0].task, indexes=[], values=[], seconds=[], clients=[], by=[])
    for part in group:
        joined.indexes.extend(part.indexes)
        joined.values.extend(part.values)
        joined.seconds.extend(part.seconds)
        here = [numbers.setdefault(client, len(numbers)) for client in part.clients]
        joined.by.extend([here[0]] * len(part.by) if len(here) == 1 else [here[at] for at in part.by])
    joined.clients.extend(numbers)
    return joined
