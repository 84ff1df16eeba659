"""Planting one bug in a process of its own accord, and looking for it with the simulation.

Rule: the real code is whole again when the search is over; what finds a bug is what runs in CI.
"""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest

from tests.simulation.seeds import run_seed
from tests.simulation.world import has_several

Plant = Callable[[Any, str, Any], None]
"""``monkeypatch.setattr``."""
Bug = Callable[[Plant], None]


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    bug: str
    seed: int
    """The first that failed; 0 = none did."""
    how: str
    """The first line of its story."""


def search(bug: Bug, seeds: int, finders: Mapping[str, int]) -> Found:
    """Plant a bug and run seeds until one fails; a bug of several managers only those seeds that have several.

    Args:
        bug: What to plant.
        seeds: The largest seed.
        finders: Names of bugs, each with a seed to begin with.
    """
    is_of_several = bug.__module__.endswith("sharing")
    gc.disable()
    with pytest.MonkeyPatch.context() as patch:
        bug(patch.setattr)
        for count, seed in enumerate(chain([finders.get(bug.__name__, 1)], range(1, seeds + 1)), 1):
            failure = "" if is_of_several and not has_several(seed) else run_seed(seed)
            if failure:
                return Found(bug.__name__, seed, failure.partition("\n")[0])
            if count % 20 == 0:
                gc.collect()
    return Found(bug.__name__, 0, f"not found within {seeds} seeds")
