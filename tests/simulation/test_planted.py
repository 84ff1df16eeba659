"""The simulation finds bugs: each planted one within a few hundred seeds."""

import pytest

from tests.simulation.planted import BUGS, Bug
from tests.simulation.world import World

SEEDS = 300


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch.setattr)
    for seed in range(1, SEEDS + 1):
        try:
            World(seed, distributors=2, clients=6, sizes=(120, 60), max_failures=1).run()
        except AssertionError as found:
            assert f"seed {seed}" in str(found)
            return
    pytest.fail(f"not found within {SEEDS} seeds")


def test_without_a_bug_the_same_small_worlds_end_well() -> None:
    for seed in range(1, 21):
        World(seed, distributors=2, clients=6, sizes=(120, 60)).run()
