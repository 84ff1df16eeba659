"""The simulation finds bugs: each planted one, with the seeds that CI runs anyway."""

from functools import partial

import pytest

from tests.simulation import planted_distributor, planted_manager, planted_sharing
from tests.simulation.planting import search
from tests.simulation.seeds import spread

SEEDS = 2_000
BUGS = [*planted_manager.BUGS, *planted_distributor.BUGS, *planted_sharing.BUGS]


@pytest.mark.timeout(1_800)
def test_each_planted_bug_is_found(capfd: pytest.CaptureFixture[str]) -> None:
    found = list(spread(partial(search, seeds=SEEDS), iter(BUGS)))
    with capfd.disabled():
        for each in sorted(found, key=lambda each: each.seed):
            print(f"\n{each.bug}: {each.how[:150]}", end="")
    assert not [each.bug for each in found if not each.seed]
    assert len(found) == len(BUGS)
