"""What stretches' documents name of results: as bytes and in memory."""

from hypothesis import given
from hypothesis import strategies as st

from disio_manager.core.records import StretchRecord
from disio_manager.stores.mongo_books import MAX_RUNS, Books, named, told_in
from disio_shared.ranges import RangeSet

sets = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 40)), max_size=20).map(
    lambda runs: RangeSet((start, start + length) for start, length in runs)
)


def stretch(start: int = 0, stop: int = 1_000, frontier: int = 600, done: int = 0) -> StretchRecord:
    return StretchRecord(task="t", start=start, stop=stop, owner="me", frontier=frontier, done=done)


@given(sets)
def test_what_is_named_is_read_again(done: RangeSet) -> None:
    assert told_in({"results": named(done.runs())}, stretch(done=len(done))) == done


def test_what_does_not_fit_the_counters_is_not_believed() -> None:
    text = named([(3, 5), (9, 12)])
    assert told_in({"results": text}, stretch(done=5)) is not None
    assert told_in({"results": text}, stretch(done=6)) is None, "a release that names none has counted one more"
    assert told_in({"results": text}, stretch(done=5, frontier=11)) is None, "beyond the frontier"
    assert told_in({"results": text}, stretch(done=5, start=4)) is None, "before the stretch"
    assert told_in({}, stretch(done=0)) is None
    assert told_in({"results": None}, stretch(done=0)) is None


def test_too_many_runs_are_not_named() -> None:
    runs = [(2 * at, 2 * at + 1) for at in range(MAX_RUNS + 1)]
    assert named(runs) is None
    assert named(runs[1:]) is not None


def test_only_known_stretches_are_named() -> None:
    books = Books()
    books.add(7, [(0, 4)])
    assert books.text(7, 0, 10) is None, "whether there are others nobody knows"
    books.open(7, 0, 10, RangeSet([(6, 7)]))
    assert books.text(7, 0, 10) == named([(0, 4), (6, 7)])
    assert books.text(7, 10, 20) is None
    assert books.touched(7, [(5, 6), (12, 13)]) == [(0, 10)]
    books.drop(7)
    assert books.text(7, 0, 10) is None


def test_a_recount_is_due_once_and_finds_what_nobody_told_of_in_known_stretches() -> None:
    books = Books()
    books.open(7, 0, 10, RangeSet([(0, 4)]))
    books.doubt(7, [(4, 10)])
    books.doubt(7, [])
    assert books.due() == [(7, [(4, 10)])]
    assert books.due() == []
    assert books.unknown(7, RangeSet([(2, 6), (9, 14)])) == [(4, 6), (9, 10)]
    assert books.unknown(8, RangeSet([(2, 6)])) == []
