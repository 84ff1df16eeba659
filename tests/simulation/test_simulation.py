"""The real cores in a storm of faults: whatever the seed, every task ends right.

``SEEDS`` (environment) says how many seeds are run, ``SEED`` replays one and tells its whole story. Beside all other
tests what is left of them is left out when those are over, but for the first `LEAST`: nobody waits for a slow machine.
"""

import os
import time
from functools import partial
from pathlib import Path

import pytest

from tests.services.need import in_ci
from tests.simulation.seeds import portions, run_portion, run_seed, spread
from tests.simulation.world import World
from tools import tests

SEEDS = int(os.environ.get("SEEDS") or (1_000 if in_ci() else 200))
FIRST = int(os.environ.get("FIRST") or 1)
SEED = int(os.environ.get("SEED") or 0)
LEAST = 300
OVER = os.environ.get(tests.OVER)
LINE_S = 10.0
"""Seconds between two lines about the progress of a long run."""


@pytest.mark.timeout(0)
def test_every_task_ends_right_whatever_is_lost_repeated_or_killed(capfd: pytest.CaptureFixture[str]) -> None:
    if SEED:
        for failure in spread(partial(run_seed, is_told=True), iter([SEED])):
            if failure:
                pytest.fail(failure, pytrace=False)
        return
    done, begun = 0, time.monotonic()
    told = begun
    for portion in spread(run_portion, portions(FIRST, SEEDS)):
        if portion.failure:
            pytest.fail(portion.failure, pytrace=False)
        done += portion.seeds
        if time.monotonic() - told > LINE_S:
            told = time.monotonic()
            with capfd.disabled():
                print(f"\nsimulation: {done:,} of {SEEDS:,} seeds ended right, {done / (told - begun):.1f}/s", end="")
        if OVER and Path(OVER).exists() and done >= LEAST:
            break
    with capfd.disabled():
        left_out = f", {SEEDS - done:,} left out: all other tests are over" if done < SEEDS else ""
        print(f"\nsimulation: {done:,} seeds ended right{left_out}", end="")
    assert done >= (min(LEAST, SEEDS) if OVER else SEEDS)


@pytest.mark.parametrize("seed", [76, 77])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    """One run with one manager, one with two."""
    stories = []
    for _ in range(2):
        world = World(seed, is_verbose=True)
        world.run()
        stories.append((world.clock.now, world.steps, world.clock.story()))
    assert stories[0] == stories[1]
