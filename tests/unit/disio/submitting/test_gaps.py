"""Which results are asked for, and which are taken."""

import random

import pytest

from disio.submitting.gaps import MAX_SPANS, AsTheyCome, InOrder, Wanted


def chosen(wanted: Wanted, indexes: list[int], is_over: bool = False) -> list[int]:
    """Have results read; return the indexes of those that are taken."""
    return [index for start, stop in wanted.choose(indexes, is_over).places for index in indexes[start:stop]]


def taken_by_looks(there: list[int], total: int) -> list[int]:
    """Let results appear one by one in the order of ``there``, look after each; return what was taken, in order."""
    wanted, seen, taken = AsTheyCome(total), set[int](), []
    for index in there:
        seen.add(index)
        for start, stop in wanted.spans():
            taken += chosen(wanted, [at for at in sorted(seen) if start <= at < stop])
    return taken


def test_each_result_is_taken_once_in_whatever_order_they_come() -> None:
    order = list(range(200))
    random.Random(4).shuffle(order)
    assert taken_by_looks(order, 200) == order


def test_what_was_taken_is_not_asked_for_again() -> None:
    wanted = AsTheyCome(100)
    assert chosen(wanted, [*range(40), 60]) == [*range(40), 60]
    assert wanted.spans() == [(40, 60), (61, 100)]
    assert chosen(wanted, list(range(100))) == [*range(40, 60), *range(61, 100)]
    assert wanted.spans() == []


@pytest.mark.parametrize("seed", range(20))
def test_of_any_batches_with_repeats_each_result_is_taken_the_first_time(seed: int) -> None:
    dice, wanted, seen = random.Random(seed), AsTheyCome(300, 20), set[int]()
    for _ in range(60):
        runs = [(first := dice.randrange(290), first + dice.randrange(10)) for _ in range(dice.randrange(4))]
        batch = [index for start, stop in runs for index in range(start, stop)]
        fresh = [at for place, at in enumerate(batch) if at >= 20 and at not in seen and at not in batch[:place]]
        assert chosen(wanted, batch) == fresh
        seen.update(batch)


def test_many_gaps_are_asked_for_in_few_spans_that_hold_them_all() -> None:
    wanted = AsTheyCome(1000)
    wanted.choose(range(0, 1000, 2), False)
    wanted.choose(range(500, 600), False)
    spans = wanted.spans()
    assert len(spans) == MAX_SPANS
    assert all(any(a <= index < b for a, b in spans) for index in range(1, 1000, 2) if not 500 <= index < 600)
    assert (501, 501) not in spans and not any(a < 550 < b for a, b in spans), "the widest hole is not bridged"
    assert [run for at, run in enumerate(spans) if at and run[0] <= spans[at - 1][1]] == []


def test_in_order_waits_for_what_is_next() -> None:
    wanted = InOrder(4)
    assert wanted.spans() == [(0, 4)]
    assert wanted.choose([1], False) == ([], True)
    assert wanted.choose([0, 0, 1], False) == ([(0, 1), (2, 3)], False)
    assert wanted.spans() == [(2, 4)]
    assert wanted.choose([1, 2, 4], False) == ([(1, 2)], True)
    assert wanted.spans() == [(3, 4)]


def test_in_order_passes_over_what_a_task_that_is_over_does_not_have() -> None:
    wanted = InOrder(4)
    assert wanted.choose([0, 3], True) == ([(0, 1), (1, 2)], False)
    assert wanted.spans() == []
    assert wanted.choose([], True) == ([], False)


def test_a_task_that_grows_has_more_to_take() -> None:
    for wanted in (AsTheyCome(2), InOrder(2)):
        assert wanted.choose([0, 1], False) == ([(0, 2)], False) and wanted.spans() == []
        for total in (4, 3):
            wanted.grow(total)
        assert wanted.spans() == [(2, 4)]
    partly = AsTheyCome(10, start=5)
    partly.grow(12)
    assert partly.spans() == [(5, 12)]
