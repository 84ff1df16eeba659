"""Which results are asked for, and which are taken."""

import random

from disio.submitting.gaps import MAX_SPANS, AsTheyCome, InOrder


def taken_by_looks(there: list[int], total: int) -> list[int]:
    """Let results appear one by one in the order of ``there``, look after each; return what was taken, in order."""
    wanted, seen, taken = AsTheyCome(total), set[int](), []
    for index in there:
        seen.add(index)
        for start, stop in wanted.spans():
            for at in sorted(seen):
                if start <= at < stop and wanted.accept(at, False) == "take":
                    taken.append(at)
    return taken


def test_each_result_is_taken_once_in_whatever_order_they_come() -> None:
    order = list(range(200))
    random.Random(4).shuffle(order)
    assert taken_by_looks(order, 200) == order


def test_what_was_taken_is_not_asked_for_again() -> None:
    wanted = AsTheyCome(100)
    for index in range(40):
        wanted.accept(index, False)
    wanted.accept(60, False)
    assert wanted.spans() == [(40, 60), (61, 100)]
    for index in range(100):
        wanted.accept(index, False)
    assert wanted.spans() == []


def test_many_gaps_are_asked_for_in_few_spans_that_hold_them_all() -> None:
    wanted = AsTheyCome(1000)
    for index in range(0, 1000, 2):
        wanted.accept(index, False)
    for index in range(500, 600):
        wanted.accept(index, False)
    spans = wanted.spans()
    assert len(spans) == MAX_SPANS
    assert all(any(a <= index < b for a, b in spans) for index in range(1, 1000, 2) if not 500 <= index < 600)
    assert (501, 501) not in spans and not any(a < 550 < b for a, b in spans), "the widest hole is not bridged"
    assert [run for at, run in enumerate(spans) if at and run[0] <= spans[at - 1][1]] == []


def test_in_order_waits_for_what_is_next() -> None:
    wanted = InOrder(4)
    assert wanted.spans() == [(0, 4)]
    assert wanted.accept(1, False) == "stop"
    assert [wanted.accept(index, False) for index in (0, 0, 1)] == ["take", "skip", "take"]
    assert wanted.spans() == [(2, 4)]


def test_in_order_passes_over_what_a_task_that_is_over_does_not_have() -> None:
    wanted = InOrder(4)
    assert wanted.accept(0, True) == "take"
    assert wanted.accept(3, True) == "take"
    assert wanted.spans() == []
