"""The real cores in a storm of faults: whatever the seed, every task ends right.

``SEEDS`` (environment) says how many seeds are run, ``SEED`` replays one.
"""

import os

import pytest

from tests.simulation.world import World

SEEDS = int(os.environ.get("SEEDS", "60"))
FIRST = int(os.environ.get("SEED", "0"))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(10))
def test_every_task_ends_right_whatever_is_lost_repeated_or_killed(part: int) -> None:
    seeds = [FIRST] if FIRST else range(1 + part, SEEDS + 1, 10)
    for seed in seeds:
        World(seed).run()


def test_the_same_seed_is_the_same_run() -> None:
    stories = []
    for _ in range(2):
        world = World(77)
        world.run()
        stories.append((world.clock.now, world.clock.story()))
    assert stories[0] == stories[1]
