"""The outbox: joining, limits, whose turn it is, and what stays until it is committed."""

from typing import Any

from disio_distributor.core.columns import entry_of, head_of, picked
from disio_distributor.core.outbox import Flight, Outbox
from disio_distributor.core.records import OutboxEntry
from disio_shared.messages import FailureColumns, ResultColumns, VoteColumns

PLACE = ("k", "m")


def columns(indexes: list[int], client: str, task: str = "t", kind: Any = ResultColumns) -> Any:
    return kind(
        task=task,
        indexes=indexes,
        values=[b"%d" % index for index in indexes],
        seconds=[float(index) for index in indexes],
        clients=[client],
        by=[0] * len(indexes),
    )


def entry(number: int, indexes: list[int], client: str = "a", task: str = "t") -> OutboxEntry:
    return entry_of(number, "k", columns(indexes, client, task))


def outbox_of(*entries: OutboxEntry, max_memory: int = 1 << 20) -> Outbox:
    outbox = Outbox("n", [], max_memory)
    for each in entries:
        outbox.add(each, head_of(each, "m"))
    return outbox


def launch(outbox: Outbox, max_results: int = 100, max_bytes: int = 10_000) -> Flight:
    flight = outbox.launch(PLACE, "link", max_results, max_bytes)
    assert flight is not None
    return flight


def ids(flight: Flight) -> list[int]:
    return [item.head.id for item in flight.items]


def test_entries_of_one_task_travel_as_one_part_that_names_each_client_once() -> None:
    outbox = outbox_of(entry(1, [0, 1], "a"), entry(2, [5], "b"), entry(3, [2], "a"), entry(4, [9], "c", "other"))
    part, other = launch(outbox).message.results
    assert (part.indexes, part.clients, part.by) == ([0, 1, 5, 2], ["a", "b"], [0, 0, 1, 0])
    assert (part.values, part.seconds) == ([b"0", b"1", b"5", b"2"], [0.0, 1.0, 5.0, 2.0])
    assert (other.task, other.indexes) == ("other", [9])


def test_results_failures_and_votes_travel_apart() -> None:
    failed = FailureColumns(task="t", indexes=[3], errors=[["boom"]])
    votes = [columns([0], "b", kind=VoteColumns), columns([0], "c", kind=VoteColumns)]
    entries = [entry(1, [0]), entry_of(2, "k", failed), *(entry_of(3 + at, "k", each) for at, each in enumerate(votes))]
    message = launch(outbox_of(*entries)).message
    assert [each.indexes for each in message.results] == [[0]]
    assert message.failures == [failed]
    assert [(each.indexes, each.clients, each.by) for each in message.votes] == [([0, 0], ["b", "c"], [0, 1])]


def test_heads_say_what_is_in_an_entry() -> None:
    head = head_of(entry_of(7, "k", columns([4, 5, 9], "ann", kind=VoteColumns)), "m")
    assert (head.id, head.cluster, head.manager, head.task, head.kind) == (7, "k", "m", "t", "votes")
    assert (head.runs, head.client, head.bytes > 3) == ([(4, 6), (9, 10)], "ann", True)


def test_a_part_of_columns_keeps_rows_together() -> None:
    part = picked(columns([7, 3, 5], "a"), [(3, 4), (7, 8)])
    assert part == columns([7, 3], "a")
    failed = FailureColumns(task="t", indexes=[3, 4], errors=[["x"], ["y"]])
    assert picked(failed, [(4, 5)]) == FailureColumns(task="t", indexes=[4], errors=[["y"]])


def test_a_message_stops_at_its_limits_but_holds_one_entry_at_least() -> None:
    outbox = outbox_of(*(entry(number, [number, number + 100]) for number in range(1, 6)))
    assert len(launch(outbox, max_results=5).items) == 2
    assert len(launch(outbox, max_bytes=1).items) == 1


def test_the_newest_entries_go_in_turn_with_the_oldest() -> None:
    outbox = outbox_of(*(entry(number, [number]) for number in range(1, 7)))
    assert [ids(launch(outbox, max_results=2)) for _ in range(3)] == [[5, 6], [1, 2], [3, 4]]


def test_what_is_under_way_counts_until_it_is_committed_once() -> None:
    outbox = outbox_of(entry(7, [0, 1]))
    flight = launch(outbox)
    assert (outbox.entries, outbox.results, outbox.places("k")) == (1, 2, [PLACE])
    assert [item.head.id for item in outbox.committed(flight.message.batch)] == [7]
    assert outbox.committed(flight.message.batch) == []
    assert (outbox.entries, outbox.results, outbox.bytes, outbox.memory, outbox.places("k")) == (0, 0, 0, 0, [])


def test_ids_go_on_after_those_of_the_cache() -> None:
    assert Outbox("n", [head_of(entry(7, [0]), "m")], 100).fresh_id() == 8


def test_a_dropped_task_keeps_what_is_under_way() -> None:
    outbox = outbox_of(entry(1, [0]))
    launch(outbox)
    second = entry(2, [1])
    outbox.add(second, head_of(second, "m"))
    assert [item.head.id for item in outbox.drop_task("k", "t")] == [2]
    assert outbox.results == 1


def test_content_beyond_the_memory_waits_in_the_cache_and_is_read_back_in_bounds() -> None:
    entries = [entry(number, [number]) for number in range(1, 9)]
    size = head_of(entries[0], "m").bytes
    outbox = outbox_of(*entries, max_memory=3 * size)
    assert outbox.memory == 3 * size
    assert ids(launch(outbox)) == [1, 2, 3]
    assert outbox.launch(PLACE, "link", 100, 10_000) is None
    assert outbox.to_read(PLACE, 100, 2 * size) == [4, 5]
    assert outbox.to_read(PLACE, 100, 2 * size) == [], "one reading at a time"
    assert outbox.was_read(entries[3:5], []) == []
    assert ids(launch(outbox)) == [4, 5]
    assert outbox.to_read(PLACE, 1, 100 * size) == [6]


def test_content_that_the_cache_has_lost_is_named_and_forgotten() -> None:
    outbox = outbox_of(entry(1, [4]), entry(2, [5]), max_memory=0)
    assert outbox.to_read(PLACE, 10, 1000) == [1, 2]
    assert [item.head.id for item in outbox.was_read([entry(2, [5])], [1])] == [1]
    assert (outbox.entries, ids(launch(outbox))) == (1, [2])


def test_an_adopter_gets_what_waits_of_its_runs() -> None:
    outbox = outbox_of(entry(1, [4]), entry(2, [50]), entry(3, [4], task="other"))
    outbox.adopt("k", "t", 0, 10, "heir")
    heirs = outbox.launch(("k", "heir"), "link", 100, 10_000)
    assert heirs is not None and ids(heirs) == [1]
    assert ids(launch(outbox)) == [2, 3]
