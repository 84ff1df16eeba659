"""Results, failures and votes on their way to the managers.

Rule: an entry stays, here and in the cache, until a manager of its cluster has answered Committed for the message it
went in. A message keeps its batch id and content however often it is sent. Of every entry the head is here; the
content of waiting entries is here as far as ``max_memory`` goes, and otherwise in the cache only.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from disio_distributor.core.columns import joined_results, joined_votes
from disio_distributor.core.records import OutboxEntry, OutboxHead
from disio_shared.messages import Deliver
from disio_shared.ranges import Run

Place = tuple[str, str]
"""Cluster and manager that entries wait for."""


class Item:
    """An entry: its head, and its content as long as that is in memory."""

    __slots__ = ("count", "entry", "head")

    def __init__(self, head: OutboxHead, entry: OutboxEntry | None) -> None:
        self.head, self.entry = head, entry
        self.count = sum(stop - start for start, stop in head.runs)


class Flight:
    """A Deliver that waits for its Committed."""

    __slots__ = ("items", "link", "message", "place")

    def __init__(self, message: Deliver, place: Place, items: list[Item], link: str) -> None:
        self.message, self.place, self.items = message, place, items
        self.link: str | None = link
        """Where it was sent; None when that link is gone."""


class Outbox:
    """Everything no manager has committed.

    Args:
        nonce: Fresh for every run, so that batches of two runs never have one name.
        heads: What the cache holds, by id.
        max_memory: Bytes of content of waiting entries that are kept, beside what was read back.
    """

    def __init__(self, nonce: str, heads: Iterable[OutboxHead], max_memory: int) -> None:
        self._nonce, self._max_memory = nonce, max_memory
        self._sent = 0
        self.flights: dict[str, Flight] = {}
        """By batch id."""
        self.entries = self.results = self.bytes = self.memory = 0
        self._waiting: dict[Place, OrderedDict[int, Item]] = {}
        self._absent: dict[Place, int] = {}
        """How many of those that wait are in the cache only."""
        self._reading: dict[Place, set[int]] = {}
        self._took_newest: set[Place] = set()
        self.next_id = 1
        for head in heads:
            self._add(Item(head, None))
            self.next_id = max(self.next_id, head.id + 1)

    def fresh_id(self) -> int:
        """Return the id of the next entry."""
        self.next_id += 1
        return self.next_id - 1

    def add(self, entry: OutboxEntry, head: OutboxHead) -> None:
        """Take an entry in; its content is kept if there is room for it."""
        self._add(Item(head, entry if self.memory + head.bytes <= self._max_memory else None))

    def places(self, cluster: str) -> list[Place]:
        """Return where entries of a cluster wait for, or are under way to."""
        found = {place: None for place in self._waiting if place[0] == cluster}
        found |= {each.place: None for each in self.flights.values() if each.place[0] == cluster}
        return list(found)

    def heads_of(self, cluster: str, task: str) -> Iterator[OutboxHead]:
        """Yield the heads of a task's entries, under way or not."""
        under_way = (item for flight in self.flights.values() if flight.place[0] == cluster for item in flight.items)
        for item in (*under_way, *(item for _, item in self._of_task(cluster, task))):
            if item.head.task == task:
                yield item.head

    def anything_to_send(self) -> bool:
        """Tell whether anything was not sent yet, or was sent to a link that is gone."""
        return bool(self._waiting) or any(each.link is None for each in self.flights.values())

    def flights_of(self, link: str) -> list[Flight]:
        """Return the unanswered messages of a link."""
        return [each for each in self.flights.values() if each.link == link]

    def lost_flights(self, places: Sequence[Place]) -> list[Flight]:
        """Return the unanswered messages for these places whose link is gone."""
        return [each for each in self.flights.values() if each.link is None and each.place in places]

    # Sending

    def launch(self, place: Place, link: str, max_results: int, max_bytes: int) -> Flight | None:
        """Put unsent entries into a message: the newest in turn with the oldest; None when no content is at hand."""
        newest_first = place not in self._took_newest
        items = self._gathered(place, newest_first, max_results, max_bytes)
        if not items:
            newest_first = not newest_first
            items = self._gathered(place, newest_first, max_results, max_bytes)
        if not items:
            return None
        (self._took_newest.add if newest_first else self._took_newest.discard)(place)
        flight = Flight(self._message(items), place, items, link)
        for item in items:
            self._unwait(place, item)
            item.entry = None  # its content is in the message now
        self.flights[flight.message.batch] = flight
        return flight

    def to_read(self, place: Place, max_entries: int, max_bytes: int) -> list[int]:
        """Return which of the oldest entries should be read back now; they count as being read from here on."""
        if not self._absent.get(place) or place in self._reading:
            return []
        ids: list[int] = []
        size = 0
        for at, (number, item) in enumerate(self._waiting[place].items()):
            size += item.head.bytes
            if at >= max_entries or (at and size > max_bytes):
                break
            if item.entry is None:
                ids.append(number)
        if ids:
            self._reading[place] = set(ids)
        return ids

    def was_read(self, entries: Iterable[OutboxEntry], missing: Iterable[int]) -> list[Item]:
        """Take in content that was read back; forget and return waiting entries whose content is nowhere."""
        found = {entry.id: entry for entry in entries}
        answered = found.keys() | set(missing)
        lost: list[Item] = []
        for place, asked in list(self._reading.items()):
            waiting = self._waiting.get(place, OrderedDict())
            for item in [waiting[number] for number in asked & answered if number in waiting]:
                if item.head.id in found:
                    self._has_content(place, item, found[item.head.id])
                else:
                    lost.append(item)
                    self._unwait(place, item)
                    self._count(item, -1)
            asked -= answered
            if not asked:
                del self._reading[place]
        return lost

    def committed(self, batch: str) -> list[Item]:
        """Forget a message that a manager has; return its entries, none when it is not known."""
        flight = self.flights.pop(batch, None)
        if flight is None:
            return []
        for item in flight.items:
            self._count(item, -1)
        return flight.items

    # Changes of mind

    def drop_task(self, cluster: str, task: str) -> list[Item]:
        """Forget and return the unsent entries of a task that nobody wants any more."""
        dropped = self._of_task(cluster, task)
        for place, item in dropped:
            self._unwait(place, item)
            self._count(item, -1)
        return [item for _, item in dropped]

    def adopt(self, cluster: str, task: str, start: int, stop: int, manager: str) -> None:
        """Let entries that hold payloads of a run wait for another manager than before."""
        for place, item in self._of_task(cluster, task):
            if place[1] != manager and any(first < stop and start < last for first, last in item.head.runs):
                self._unwait(place, item)
                item.head.manager = manager
                self._wait(item)

    def _of_task(self, cluster: str, task: str) -> list[tuple[Place, Item]]:
        places = [place for place in self._waiting if place[0] == cluster]
        return [(place, item) for place in places for item in self._waiting[place].values() if item.head.task == task]

    # Parts

    def _add(self, item: Item) -> None:
        self._count(item, 1)
        self._wait(item)

    def _wait(self, item: Item) -> None:
        place = (item.head.cluster, item.head.manager)
        self._waiting.setdefault(place, OrderedDict())[item.head.id] = item
        if item.entry is None:
            self._absent[place] = self._absent.get(place, 0) + 1
        else:
            self.memory += item.head.bytes

    def _unwait(self, place: Place, item: Item) -> None:
        del self._waiting[place][item.head.id]
        if item.entry is None:
            self._absent[place] -= 1
        else:
            self.memory -= item.head.bytes
        if not self._waiting[place]:
            del self._waiting[place]
            self._absent.pop(place, None)
            self._took_newest.discard(place)

    def _has_content(self, place: Place, item: Item, entry: OutboxEntry) -> None:
        if item.entry is None:
            self._absent[place] -= 1
            self.memory += item.head.bytes
            item.entry = entry

    def _gathered(self, place: Place, newest_first: bool, max_results: int, max_bytes: int) -> list[Item]:
        """Return entries from one end whose content is at hand, as many as fit in a message, by id."""
        items: list[Item] = []
        results = size = 0
        for item in self._from_end(place, newest_first):
            results, size = results + item.count, size + item.head.bytes
            if item.entry is None or (items and (results > max_results or size > max_bytes)):
                break
            items.append(item)
        return items[::-1] if newest_first else items

    def _from_end(self, place: Place, newest_first: bool) -> Iterator[Item]:
        waiting = self._waiting.get(place, OrderedDict())
        return iter(reversed(waiting.values()) if newest_first else waiting.values())

    def _message(self, items: list[Item]) -> Deliver:
        self._sent += 1
        entries = [item.entry for item in items if item.entry is not None]
        return Deliver(
            batch=f"{self._nonce}.{self._sent}",
            results=joined_results([each.results for each in entries if each.results is not None]),
            failures=[each.failures for each in entries if each.failures is not None],
            votes=joined_votes([each.votes for each in entries if each.votes is not None]),
            tries=[each.tries for each in entries if each.tries is not None],
        )

    def _count(self, item: Item, sign: int) -> None:
        self.entries += sign
        self.results += sign * item.count
        self.bytes += sign * item.head.bytes


def runs_by_task(items: Iterable[Item]) -> dict[str, list[Run]]:
    """Return the runs of results and failures, not of votes, by task."""
    found: dict[str, list[Run]] = {}
    for item in items:
        if item.head.kind != "votes":
            found.setdefault(item.head.task, []).extend(item.head.runs)
    return found
