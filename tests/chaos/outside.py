"""What the outside saw of a run, in order: documents taken in, hand-outs, acknowledgements, cancels.

Rule: only facts that somebody outside the product observed are noted, each when it was observed; nothing is taken
back. Times are seconds of the machine's steady clock. `checker.py` reads the file that `write` makes.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Fact = dict[str, Any]


class Outside:
    """The facts, and a few sums over them."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.handed_out: Counter[str] = Counter()
        """Payloads assigned to volunteers, by task; a payload that was handed out twice counts twice."""
        self.computed: Counter[str] = Counter()
        """Payloads that volunteers computed, by task."""
        self.wasted: Counter[str] = Counter()
        """Payloads, by task, that volunteers who vanished had begun or finished and never reported."""
        self.acknowledged: Counter[str] = Counter()
        """Results whose arrival was acknowledged and counted, by task."""
        self.called_off: dict[str, set[str]] = {}
        """Volunteers, by task, that were told to stop all they had of it."""
        self.vanished = 0
        """Volunteers that went without a word."""
        self.idle_s = 0.0
        """Seconds that volunteers waited for work, all together, not counting the wait for their first batch."""

    def note(self, event: str, task: str, **facts: Any) -> None:
        """Note a fact."""
        self.facts.append({"event": event, "at": time.monotonic(), "task": task, **facts})

    def submitted(self, task: str, document: dict[str, Any], total: int) -> None:
        """A task was taken in: its document, and how many payloads the manager said it has."""
        self.note("submitted", task, document=document, total=total)

    def cancelled(self, task: str) -> None:
        """A cancel was acknowledged, and whoever hands out knows of it."""
        self.note("cancelled", task)

    def assigned(self, task: str, volunteer: str, indexes: Sequence[int]) -> None:
        """A volunteer received an Assign."""
        self.handed_out[task] += len(indexes)
        self.note("assigned", task, volunteer=volunteer, indexes=list(indexes))

    def stored(
        self, task: str, volunteer: str, indexes: Sequence[int], values: Sequence[bytes], accepted: int, dead: bool
    ) -> None:
        """A volunteer's results were acknowledged."""
        self.acknowledged[task] += accepted
        texts = [value.decode() for value in values]
        self.note(
            "stored", task, volunteer=volunteer, indexes=list(indexes), values=texts, accepted=accepted, dead=dead
        )

    def assigns_since(self, at: float) -> list[Fact]:
        """Return the hand-outs observed after a moment."""
        found = []
        for fact in reversed(self.facts):
            if fact["at"] <= at:
                break
            if fact["event"] == "assigned":
                found.append(fact)
        return found[::-1]

    def write(self, path: Path) -> None:
        """Write all facts as JSON lines."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(fact, separators=(",", ":")) + "\n" for fact in self.facts)
