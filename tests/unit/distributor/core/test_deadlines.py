"""Deadlines against a plain dictionary."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from disio_distributor.core.deadlines import Deadlines, Key

keys = st.tuples(st.just("k"), st.sampled_from("abcde"))
times = st.integers(0, 20).map(float)


class DeadlinesMachine(RuleBasedStateMachine):
    """Sets, forgets and lets fall due."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Deadlines()
        self.model: dict[Key, float] = {}

    @rule(key=keys, at=times)
    def set(self, key: Key, at: float) -> None:
        self.real.set(key, at)
        self.model[key] = at

    @rule(key=keys)
    def discard(self, key: Key) -> None:
        self.real.discard(key)
        self.model.pop(key, None)

    @rule(now=times)
    def due(self, now: float) -> None:
        expected = {key: at for key, at in self.model.items() if at <= now}
        found = self.real.due(now)
        assert sorted(found) == sorted(expected)
        assert [expected[key] for key in found] == sorted(expected.values())
        for key in found:
            del self.model[key]

    @invariant()
    def the_first_is_the_minimum(self) -> None:
        assert self.real.first() == min(self.model.values(), default=None)
        assert len(self.real) == len(self.model)


TestDeadlines = DeadlinesMachine.TestCase


def test_many_moves_of_one_deadline_keep_no_memory() -> None:
    deadlines = Deadlines()
    for at in range(10_000, 0, -1):
        deadlines.set(("k", "a"), float(at))
    assert len(deadlines._heap) < 100
    assert deadlines.first() == 1.0
