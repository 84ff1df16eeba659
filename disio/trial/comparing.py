"""Do runs of one payload agree, and in which words they do not.

Rule: pure. Two runs agree when both gave the same bytes or failed in the same kind; time, memory and log may differ.
"""

from dataclasses import dataclass

from disio.trial.trials import Outcome
from disio_shared.values import RAW_MARK, as_json

SHOWN = 200
"""Characters of a value that differs."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of one payload."""

    payload: int
    """Its index."""
    place: str
    """Of ``PLACES``."""
    repeat: int
    """From 1."""
    outcome: Outcome
    walls: str | None = None
    """Around native Python."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"run {self.repeat} in {PLACES[self.place]}"


PLACES = {"cli": "the CLI client", "browser": "the browser", "native": "native Python"}
"""Where a unit can run, in the order in which it is tried."""


def agree(one: Outcome, other: Outcome) -> bool:
    """Tell whether two runs would count as the same result."""
    return one.kind == other.kind and one.value == other.value


def differences(runs: list[Ran]) -> list[str]:
    """Return a sentence for each run that does not agree with the first one of its payload."""
    first: dict[int, Ran] = {}
    found = []
    for ran in runs:
        before = first.setdefault(ran.payload, ran)
        if not agree(before.outcome, ran.outcome):
            found.append(
                f"payload {ran.payload}: {ran.name} gave {shown(ran.outcome)},"
                f" but {before.name} gave {shown(before.outcome)}"
            )
    return found


def shown(outcome: Outcome) -> str:
    """Return a result, or how the unit failed, in few words."""
    if outcome.value is None:
        lines = outcome.error.splitlines() or [""]
        return cut(f"{outcome.kind}: {lines[0]}")
    return cut(as_text(outcome.value))


def as_text(value: bytes) -> str:
    """Return a value in wire form as JSON text."""
    return bytes(as_json(value)).decode(errors="replace")


def size_of(value: bytes) -> int:
    """Return how many bytes a value in wire form has, without the mark of raw ones."""
    return len(value) - value.startswith(RAW_MARK)


def cut(text: str) -> str:
    """Return text that is not too long to be read."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"
