"""The simulation finds bugs: each planted one, with the seeds that CI runs anyway."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.simulation import planted_distributor, planted_manager, planted_sharing
from tests.simulation.planting import search
from tests.simulation.seeds import spread

SEEDS = 2_000
BUGS = [*planted_manager.BUGS, *planted_distributor.BUGS, *planted_sharing.BUGS]


FINDERS = json.loads(Path(__file__).with_name("finders.json").read_text())
"""The first seed that found a bug, where it is not 1: it is tried first. If it does no longer, all are."""


@pytest.mark.timeout(1_800)
def test_each_planted_bug_is_found(capfd: pytest.CaptureFixture[str]) -> None:
    found = list(spread(partial(search, seeds=SEEDS, finders=FINDERS), iter(BUGS)))
    with capfd.disabled():
        for each in sorted(found, key=lambda each: each.seed):
            print(f"\n{each.bug}: {each.how[:150]}", end="")
        later = {each.bug: each.seed for each in found if each.seed != FINDERS.get(each.bug, 1)}
        if later:
            print(f"\nfound by other seeds than finders.json says: {json.dumps(later)}", end="")
    assert not [each.bug for each in found if not each.seed]
    assert len(found) == len(BUGS)
