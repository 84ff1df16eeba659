"""What a pretend client has in hand: batches it was given, and results that are not acknowledged yet.

Rule: it outlives connections, and ends with its volunteer.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Batch:
    """What is left of an Assign."""

    token: str
    task: str
    units: deque[tuple[int, bytes]]
    size: int


@dataclass(slots=True)
class Owed:
    """Results that are not acknowledged yet."""

    batch: Batch
    indexes: list[int]
    values: list[bytes]
    sent_at: float = 0.0


@dataclass(slots=True)
class Holdings:
    """What a volunteer has in hand; it outlives connections and ends with the volunteer."""

    batches: dict[str, Batch] = field(default_factory=dict)
    waiting: deque[Owed] = field(default_factory=deque)
    under_way: list[Owed] = field(default_factory=list)

    def tokens(self) -> list[str]:
        """Return the tokens of everything unfinished or unacknowledged."""
        owed = (each.batch.token for each in (*self.waiting, *self.under_way))
        return sorted({*self.batches, *owed})

    def unstarted(self) -> int:
        """Return how many units wait."""
        return sum(len(batch.units) for batch in self.batches.values())

    def drop(self, is_unwanted: Callable[[Batch], bool]) -> None:
        """Forget batches and what is owed of them."""
        self.batches = {token: batch for token, batch in self.batches.items() if not is_unwanted(batch)}
        self.waiting = deque(owed for owed in self.waiting if not is_unwanted(owed.batch))

    def cancel(self, task: str, tokens: list[str], indexes: list[list[int]]) -> None:
        """Forget what a Cancel names: a whole task, whole batches, or some units of batches."""
        if not tokens:
            self.drop(lambda batch: batch.task == task)
        units = dict(zip(tokens, map(set, indexes), strict=True)) if indexes else {key: set[int]() for key in tokens}
        self.drop(lambda batch: batch.token in units and not units[batch.token])
        for token, unwanted in units.items():
            if (batch := self.batches.get(token)) is not None:
                batch.units = deque(unit for unit in batch.units if unit[0] not in unwanted)
