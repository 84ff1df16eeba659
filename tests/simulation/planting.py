"""Planting one bug in a process of its own accord, and looking for it with the simulation.

Rule: the real code is whole again when the search is over; what finds a bug is what runs in CI.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
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


def search(bug: Bug, seeds: int) -> Found:
    """Plant a bug and run seeds until one fails; a bug of several managers only those seeds that have several."""
    is_of_several = bug.__module__.endswith("sharing")
    gc.disable()
    with pytest.MonkeyPatch.context() as patch:
        bug(patch.setattr)
        for seed in range(1, seeds + 1):
            failure = "" if is_of_several and not has_several(seed) else run_seed(seed)
            if failure:
                return Found(bug.__name__, seed, failure.partition("\n")[0])
            if seed % 20 == 0:
                gc.collect()
    return Found(bug.__name__, 0, f"not found within {seeds} seeds")
