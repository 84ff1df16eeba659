"""The outbox: joining, limits, and what stays until it is committed."""

from disio_distributor.core.outbox import Item, Outbox
from disio_distributor.core.records import OutboxEntry
from disio_shared.messages import ResultColumns


def entry(number: int, indexes: list[int], client: str, task: str = "t") -> OutboxEntry:
    count = len(indexes)
    columns = ResultColumns(
        task=task,
        indexes=indexes,
        values=[b"%d" % index for index in indexes],
        seconds=[float(index) for index in indexes],
        clients=[client],
        by=[0] * count,
    )
    return OutboxEntry(id=number, cluster="k", results=columns)


def test_entries_of_one_task_travel_as_one_part_that_names_each_client_once() -> None:
    outbox = Outbox("n", [entry(1, [0, 1], "a"), entry(2, [5], "b"), entry(3, [2], "a"), entry(4, [9], "c", "other")])
    part, other = outbox.launch("k", "link", max_results=100, max_bytes=10_000).message.results
    assert (part.indexes, part.clients, part.by) == ([0, 1, 5, 2], ["a", "b"], [0, 0, 1, 0])
    assert (part.values, part.seconds) == ([b"0", b"1", b"5", b"2"], [0.0, 1.0, 5.0, 2.0])
    assert (other.task, other.indexes) == ("other", [9])


def test_a_message_stops_at_its_limits_but_holds_one_entry_at_least() -> None:
    outbox = Outbox("n", [entry(number, [number, number + 100], "a") for number in range(1, 6)])
    assert len(outbox.launch("k", "link", max_results=5, max_bytes=10_000).items) == 2
    assert len(outbox.launch("k", "link", max_results=5, max_bytes=1).items) == 1


def test_what_is_under_way_counts_until_it_is_committed_once() -> None:
    outbox = Outbox("n", [entry(7, [0, 1], "a")])
    assert outbox.fresh_id() == 8
    flight = outbox.launch("k", "link", max_results=5, max_bytes=100)
    assert (outbox.entries, outbox.results, outbox.has("k")) == (1, 2, True)
    assert [item.entry.id for item in outbox.committed(flight.message.batch)] == [7]
    assert outbox.committed(flight.message.batch) == []
    assert (outbox.entries, outbox.results, outbox.bytes, outbox.has("k")) == (0, 0, 0, False)


def test_a_dropped_task_keeps_what_is_under_way() -> None:
    outbox = Outbox("n", [entry(1, [0], "a")])
    outbox.launch("k", "link", max_results=5, max_bytes=100)
    outbox.add(Item(entry(2, [1], "a")))
    assert [item.entry.id for item in outbox.drop_task("k", "t")] == [2]
    assert outbox.results == 1
