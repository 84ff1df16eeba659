"""The outbox against a dict of entries: whatever happens, each of them is on its way until it is committed.

The model is what a cache holds (entries and heads by id) and what was sent; contents are compared byte by byte.
"""

from typing import Any

import msgspec
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from disio_distributor.core.columns import entry_of, head_of
from disio_distributor.core.outbox import Flight, Item, Outbox
from disio_distributor.core.records import OutboxEntry, OutboxHead
from disio_shared import messages
from disio_shared.messages import FailureColumns, ResultColumns, VoteColumns

CLUSTERS, MANAGERS, TASKS = ("k", "l"), ("m1", "m2"), ("s", "t")
MEMORY, READ_AHEAD, RESULTS, BYTES = 300, 200, 6, 400
Row = tuple[str, str, int, Any]


class OutboxMachine(RuleBasedStateMachine):
    """Random lives of an outbox."""

    @initialize()
    def begin(self) -> None:
        self.outbox = Outbox("boot0", [], MEMORY)
        self.entries: dict[int, OutboxEntry] = {}
        self.heads: dict[int, OutboxHead] = {}
        self.asked: list[list[int]] = []
        self.sent: dict[str, tuple[messages.Deliver, frozenset[int]]] = {}
        self.next_index = self.boots = 0

    # Coming in

    @rule(
        cluster=st.sampled_from(CLUSTERS),
        manager=st.sampled_from(MANAGERS),
        task=st.sampled_from(TASKS),
        kind=st.sampled_from([ResultColumns, FailureColumns, VoteColumns]),
        count=st.integers(1, 4),
        size=st.sampled_from([1, 20, 200]),
    )
    def add(self, cluster: str, manager: str, task: str, kind: Any, count: int, size: int) -> None:
        indexes = list(range(self.next_index, self.next_index + count))
        self.next_index += count
        if kind is FailureColumns:
            columns = kind(task=task, indexes=indexes, errors=[["e" * size]] * count)
        else:
            values = [b"%d" % index * size for index in indexes]
            columns = kind(
                task=task, indexes=indexes, values=values, seconds=[0.5] * count, clients=["c"], by=[0] * count
            )
        entry = entry_of(self.outbox.fresh_id(), cluster, columns)
        assert entry.id not in self.entries
        head = head_of(entry, manager)
        self.entries[entry.id], self.heads[entry.id] = entry, head
        self.outbox.add(entry, head)

    # Going out

    @rule(cluster=st.sampled_from(CLUSTERS), manager=st.sampled_from(MANAGERS), link=st.sampled_from(["x", "y"]))
    def launch(self, cluster: str, manager: str, link: str) -> None:
        place = (cluster, manager)
        waiting = self.waiting().get(place, [])
        flight = self.outbox.launch(place, link, RESULTS, BYTES)
        if flight is None:
            assert not waiting or (waiting[0].entry is None and waiting[-1].entry is None)
            return
        self.flew(flight)
        assert {item.head.id for item in flight.items} <= {item.head.id for item in waiting}

    def flew(self, flight: Flight) -> None:
        ids = [item.head.id for item in flight.items]
        assert ids == sorted(set(ids))
        assert len(ids) == 1 or sum(item.count for item in flight.items) <= RESULTS
        assert len(ids) == 1 or sum(item.head.bytes for item in flight.items) <= BYTES
        assert rows_of_message(flight.message) == sorted(row for each in ids for row in rows_of(self.entries[each]))
        assert flight.message.batch not in self.sent
        self.sent[flight.message.batch] = (flight.message, frozenset(ids))

    @rule(link=st.sampled_from(["x", "y"]))
    def link_lost(self, link: str) -> None:
        for flight in self.outbox.flights_of(link):
            flight.link = None
        assert not self.outbox.flights_of(link)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), link=st.sampled_from(["x", "y"]))
    def fly_again(self, data: st.DataObject, link: str) -> None:
        place = (data.draw(st.sampled_from(CLUSTERS)), data.draw(st.sampled_from(MANAGERS)))
        for flight in self.outbox.lost_flights([place]):
            assert flight.place == place
            assert self.sent[flight.message.batch][0] == flight.message, "the same name means the same content"
            flight.link = link

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(sorted(self.sent)))
        known = batch in self.outbox.flights
        ids = {item.head.id for item in self.outbox.committed(batch)}
        assert ids == (self.sent[batch][1] if known else set())
        for number in ids:
            del self.entries[number], self.heads[number]

    # The cache

    @rule(cluster=st.sampled_from(CLUSTERS), manager=st.sampled_from(MANAGERS))
    def ask_to_read(self, cluster: str, manager: str) -> None:
        place = (cluster, manager)
        absent = [item for item in self.waiting().get(place, []) if item.entry is None]
        ids = self.outbox.to_read(place, 5, READ_AHEAD)
        assert len(ids) <= 5
        assert len(ids) == 1 or sum(self.heads[number].bytes for number in ids) <= READ_AHEAD
        assert set(ids) <= {item.head.id for item in absent}
        if ids:
            self.asked.append(ids)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), stale=st.booleans())
    def read(self, data: st.DataObject, stale: bool) -> None:
        ids = self.asked.pop(data.draw(st.integers(0, len(self.asked) - 1)))
        found = [copied(self.entries[number]) for number in ids if number in self.entries]
        lost = self.outbox.was_read(found, [number for number in ids if number not in self.entries])
        assert lost == []
        if stale:
            before = self.outbox.memory
            self.outbox.was_read(found, [])
            assert self.outbox.memory == before

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def read_and_find_one_damaged(self, data: st.DataObject) -> None:
        ids = self.asked.pop()
        damaged = data.draw(st.sampled_from(ids))
        was_waiting = any(item.head.id == damaged and item.entry is None for item in self.all_waiting())
        found = [copied(self.entries[number]) for number in ids if number in self.entries and number != damaged]
        missing = [number for number in ids if number not in self.entries or number == damaged]
        lost = {item.head.id for item in self.outbox.was_read(found, missing)}
        assert lost <= {damaged}
        if lost:
            assert was_waiting
            del self.entries[damaged], self.heads[damaged]

    @rule()
    def restart(self) -> None:
        self.boots += 1
        heads = [msgspec.structs.replace(self.heads[number]) for number in sorted(self.heads)]
        self.outbox = Outbox(f"boot{self.boots}", heads, MEMORY)
        self.heads = {head.id: head for head in heads}
        self.asked.clear()
        assert self.outbox.next_id > max(self.entries, default=0)

    # Changes of mind

    @rule(cluster=st.sampled_from(CLUSTERS), task=st.sampled_from(TASKS))
    def drop_task(self, cluster: str, task: str) -> None:
        flying = {number for _, ids in self.flying() for number in ids}
        dropped = {item.head.id for item in self.outbox.drop_task(cluster, task)}
        of_task = {head.id for head in self.heads.values() if (head.cluster, head.task) == (cluster, task)}
        assert dropped == of_task - flying
        for number in dropped:
            del self.entries[number], self.heads[number]

    @rule(
        cluster=st.sampled_from(CLUSTERS),
        task=st.sampled_from(TASKS),
        manager=st.sampled_from(MANAGERS),
        data=st.data(),
    )
    def adopt(self, cluster: str, task: str, manager: str, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, self.next_index))
        stop = start + data.draw(st.integers(1, 20))
        self.outbox.adopt(cluster, task, start, stop, manager)
        for item in self.all_waiting():
            touches = any(first < stop and start < last for first, last in item.head.runs)
            assert not touches or (item.head.cluster, item.head.task) != (cluster, task) or item.head.manager == manager

    # What must hold

    def waiting(self) -> dict[tuple[str, str], list[Item]]:
        return {place: list(items.values()) for place, items in self.outbox._waiting.items()}

    def all_waiting(self) -> list[Item]:
        return [item for items in self.waiting().values() for item in items]

    def flying(self) -> list[tuple[Flight, list[int]]]:
        return [(each, [item.head.id for item in each.items]) for each in self.outbox.flights.values()]

    @invariant()
    def every_entry_is_in_one_place(self) -> None:
        waits = [item.head.id for item in self.all_waiting()]
        flies = [number for _, ids in self.flying() for number in ids]
        assert sorted(waits + flies) == sorted(self.entries)
        for place, items in self.waiting().items():
            assert items and all((item.head.cluster, item.head.manager) == place for item in items)

    @invariant()
    def sums_are_right(self) -> None:
        outbox, heads = self.outbox, self.heads.values()
        assert outbox.entries == len(heads)
        assert outbox.results == sum(stop - start for head in heads for start, stop in head.runs)
        assert outbox.bytes == sum(head.bytes for head in heads)
        assert outbox.memory == sum(item.head.bytes for item in self.all_waiting() if item.entry is not None)
        absent = {place: sum(item.entry is None for item in items) for place, items in self.waiting().items()}
        assert {place: count for place, count in outbox._absent.items() if count} == {
            p: c for p, c in absent.items() if c
        }
        places = {(head.cluster, head.manager) for head in heads}
        assert {place for cluster in CLUSTERS for place in outbox.places(cluster)} >= places - self.moved_in_flight()

    def moved_in_flight(self) -> set[tuple[str, str]]:
        return {(item.head.cluster, item.head.manager) for each, _ in self.flying() for item in each.items}

    @invariant()
    def memory_is_bounded(self) -> None:
        most = max((head.bytes for head in self.heads.values()), default=0)
        assert self.outbox.memory <= MEMORY + len(CLUSTERS) * len(MANAGERS) * (READ_AHEAD + most) * 2

    @invariant()
    def contents_are_right(self) -> None:
        for item in self.all_waiting():
            assert item.entry is None or item.entry == self.entries[item.head.id]
        for flight, _ in self.flying():
            assert all(item.entry is None for item in flight.items), "held twice"

    def teardown(self) -> None:
        """Everything that waits can be delivered."""
        if not hasattr(self, "outbox"):
            return
        self.asked.clear()
        self.restart()
        for _ in range(2 * len(self.entries) + 1):
            for place in list(self.waiting()):
                ids = self.outbox.to_read(place, 5, READ_AHEAD)
                self.outbox.was_read([copied(self.entries[number]) for number in ids], [])
                flight = self.outbox.launch(place, "x", RESULTS, BYTES)
                assert flight is not None
                self.flew(flight)
                self.outbox.committed(flight.message.batch)
        assert (self.outbox.entries, self.outbox.results, self.outbox.bytes, self.outbox.memory) == (0, 0, 0, 0)
        assert not self.outbox.anything_to_send()


def copied(entry: OutboxEntry) -> OutboxEntry:
    """As if read from a disk."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=OutboxEntry)


def rows_of(entry: OutboxEntry) -> list[Row]:
    columns = entry.results or entry.failures or entry.votes
    assert columns is not None
    kind = type(columns).__name__
    if isinstance(columns, FailureColumns):
        return [
            (kind, columns.task, index, errors) for index, errors in zip(columns.indexes, columns.errors, strict=True)
        ]
    rows = zip(columns.indexes, columns.values, columns.seconds, columns.by, strict=True)
    return [(kind, columns.task, index, (value, seconds, columns.clients[by])) for index, value, seconds, by in rows]


def rows_of_message(message: messages.Deliver) -> list[Row]:
    parts = [OutboxEntry(id=0, cluster="", results=each) for each in message.results]
    parts += [OutboxEntry(id=0, cluster="", failures=each) for each in message.failures]
    parts += [OutboxEntry(id=0, cluster="", votes=each) for each in message.votes]
    return sorted(row for part in parts for row in rows_of(part))


TestOutbox = OutboxMachine.TestCase
TestOutbox.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
