"""Numbers in sentences.

Rule: a number comes in the unit that says something, and its noun in the number that fits.
"""

_UNITS = (("a second", 1.0), ("a minute", 60.0), ("an hour", 3600.0))
_LEAST = 0.05
"""Of an hour: what is less is told as nothing."""


def many(number: int, noun: str) -> str:
    """Return ``1 client`` or ``7 clients``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def pace(rate: float, noun: str = "") -> str:
    """Return how many come in the shortest time in which one comes at least; ``rate`` is a second's."""
    unit, seconds = next((each for each in _UNITS if rate * each[1] >= 1), _UNITS[-1])
    number = rate * seconds
    if number < _LEAST:
        unit, number = _UNITS[0][0], 0.0
    told = "0" if number == 0 else f"{number:,.0f}" if number >= 100 else f"{number:.1f}"
    return " ".join(filter(None, (told, noun, unit)))


def span(seconds: float) -> str:
    """Return a duration in the largest unit that says enough, like ``90 min``, ``2.5 h`` or ``1,200 days``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:,.0f} days"
