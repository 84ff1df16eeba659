"""How many payloads came to what at this manager since its memory began, for whoever draws how fast things went.

Rule: counts only grow; of payloads the manager that looks after them counts each once. They begin at nothing with
every new memory, so nobody may take them for how far a task is: that is what the rows say.
"""

from collections import OrderedDict
from typing import Literal

import msgspec

MAX_TASKS = 1_000
"""Tasks counted by themselves, those that counted last; all are in the total."""


Outcome = Literal["ok", "failed", "tries_failed", "lost", "copies", "votes"]


class Counts(msgspec.Struct, kw_only=True):
    """What was counted."""

    ok: int = 0
    """Results accepted."""
    failed: int = 0
    """Payloads given up after failed tries."""
    tries_failed: int = 0
    lost: int = 0
    copies: int = 0
    votes: int = 0
    """Further results."""

    def less(self, before: "Counts") -> "Counts":
        """Return by how much these are more than earlier ones; earlier ones that are larger were of something else."""
        fits = all(getattr(self, name) >= getattr(before, name) for name in FIELDS)
        then = before if fits else Counts()
        return Counts(**{name: getattr(self, name) - getattr(then, name) for name in FIELDS})

    def __bool__(self) -> bool:
        """Tell whether anything was counted."""
        return any(getattr(self, name) for name in FIELDS)


FIELDS = Counts.__struct_fields__


class Counting:
    """Counts of all tasks together, and of some by themselves."""

    def __init__(self) -> None:
        self.total = Counts()
        self.tasks: OrderedDict[str, Counts] = OrderedDict()

    def add(self, task: str, name: Outcome, number: int) -> None:
        """Count what became of payloads of a task; it is on the way of every batch."""
        if not number:
            return
        counts = self.tasks.get(task)
        if counts is None:
            counts = self.tasks[task] = Counts()
            if len(self.tasks) > MAX_TASKS:
                self.tasks.popitem(last=False)
        self.tasks.move_to_end(task)
        setattr(self.total, name, getattr(self.total, name) + number)
        setattr(counts, name, getattr(counts, name) + number)
