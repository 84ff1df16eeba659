"""What units write to their logs, until they are answered.

Rule: of each unit the end is kept, and a note says how much went before it; pure and bounded.
"""

from collections.abc import Iterable

MAX_CHARS = 4_000
"""Kept of one unit's log."""
MAX_MESSAGE_CHARS = 256_000
"""Of logs in one message."""
NO_ROOM = f"[log left out: logs of one message have {MAX_MESSAGE_CHARS:,} characters at most]"


class UnitLogs:
    """The logs of a run's open units."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._cut: dict[int, int] = {}
        """Characters that were dropped."""

    def add(self, index: int, line: str) -> None:
        """Take in a line that a unit wrote."""
        before = self._texts.get(index)
        text = line if before is None else f"{before}\n{line}"
        if len(text) > MAX_CHARS:
            self._cut[index] = self._cut.get(index, 0) + len(text) - MAX_CHARS
            text = text[-MAX_CHARS:]
        self._texts[index] = text

    def take(self, indexes: Iterable[int]) -> dict[int, str]:
        """Return and forget what these units wrote, of those that wrote anything."""
        if not self._texts:
            return {}
        return {index: self._with_note(index) for index in indexes if index in self._texts}

    def _with_note(self, index: int) -> str:
        text, cut = self._texts.pop(index), self._cut.pop(index, 0)
        return f"[{cut:,} characters before this are left out]\n{text}" if cut else text
