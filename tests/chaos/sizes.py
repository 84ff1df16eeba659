"""How large a soak is: short in CI, long by ``make soak``.

Rule: every number of a soak has one name; ``DISIO_SOAK=long`` takes all long ones, ``DISIO_SOAK_NAME=N`` sets one.
"""

import os

import pytest

LONG_LIMIT_S = 1800


def is_long() -> bool:
    """Tell whether this is ``make soak``."""
    return os.environ.get("DISIO_SOAK", "") == "long"


def size(name: str, short: float, long: float) -> int:
    """Return one number of a soak."""
    given = os.environ.get(f"DISIO_SOAK_{name.upper()}", "")
    return int(given or (long if is_long() else short))


def limit(short_s: int) -> pytest.MarkDecorator:
    """Return the mark that ends a soak which hangs."""
    return pytest.mark.timeout(LONG_LIMIT_S if is_long() else short_s)
