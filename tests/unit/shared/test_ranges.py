"""RangeSet against a plain set of integers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from disio_shared.ranges import RangeSet, indexes_of, runs_of

INDEX = st.integers(0, 60)


class RangeSetMachine(RuleBasedStateMachine):
    """Every operation, beside a set that is too simple to be wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.ranges, self.model = RangeSet(), set[int]()

    @rule(start=INDEX, length=st.integers(0, 20))
    def add(self, start: int, length: int) -> None:
        new = set(range(start, start + length)) - self.model
        assert self.ranges.add(start, start + length) == len(new)
        self.model |= new

    @rule(start=INDEX, length=st.integers(0, 20))
    def remove(self, start: int, length: int) -> None:
        gone = set(range(start, start + length)) & self.model
        assert set(indexes_of(self.ranges.remove(start, start + length))) == gone
        self.model -= gone

    @rule(start=INDEX, length=st.integers(0, 20))
    def within_leaves_the_set_alone(self, start: int, length: int) -> None:
        parts = self.ranges.within(start, start + length)
        assert indexes_of(parts) == sorted(set(range(start, start + length)) & self.model)

    @rule(count=st.integers(0, 30))
    def take(self, count: int) -> None:
        lowest = sorted(self.model)[:count]
        assert indexes_of(self.ranges.take(count)) == lowest
        self.model -= set(lowest)

    @rule(start=INDEX, length=st.integers(0, 20))
    def difference_leaves_the_set_alone(self, start: int, length: int) -> None:
        rest = self.ranges.difference([(start, start + length)])
        assert set(rest.indexes()) == self.model - set(range(start, start + length))

    @rule(start=INDEX, length=st.integers(0, 20), further=INDEX)
    def is_in_tells_whether_nothing_is_missing(self, start: int, length: int, further: int) -> None:
        some = {*range(start, start + length), further}
        assert RangeSet(runs_of(some)).is_in(self.ranges) == (some <= self.model)
        assert self.ranges.is_in(RangeSet(runs_of(some))) == (self.model <= some)

    @rule(runs=st.lists(st.tuples(INDEX, INDEX)))
    def made_of_runs_in_any_order(self, runs: list[tuple[int, int]]) -> None:
        self.ranges, self.model = RangeSet(runs), {index for run in runs for index in range(*run)}

    @invariant()
    def equals_the_model(self) -> None:
        assert list(self.ranges.indexes()) == sorted(self.model)
        assert len(self.ranges) == len(self.model)
        assert bool(self.ranges) == bool(self.model)
        assert self.ranges.runs() == runs_of(self.model)
        assert self.ranges.run_count == len(self.ranges.runs())
        assert all((index in self.ranges) == (index in self.model) for index in range(-1, 85))


TestRangeSet = RangeSetMachine.TestCase


@given(st.lists(INDEX))
def test_runs_hold_exactly_the_given_indexes(indexes: list[int]) -> None:
    runs = runs_of(indexes)
    assert indexes_of(runs) == sorted(set(indexes))
    assert all(a[1] < b[0] for a, b in itertools.pairwise(runs))


def test_a_billion_indexes_are_one_run() -> None:
    ranges = RangeSet([(0, 10**9)])
    assert ranges.remove(500, 600) == [(500, 600)]
    assert len(ranges) == 10**9 - 100
    assert len(ranges.runs()) == 2
