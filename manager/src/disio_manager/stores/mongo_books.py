"""Which results a manager has told of in the documents of its stretches, so that its start reads none of them.

Rule: a stretch's document names results that are there, and every one that was ever acknowledged; a row that a
commit wrote before it broke off is missing there, and a recount finds it later.

One write changes a stretch's counters, its frontier and what it names, so they always fit together.
"""

from itertools import pairwise

import msgspec

from disio_manager.core.records import StretchRecord
from disio_manager.stores.mongo_documents import Document
from disio_shared.ranges import RangeSet, Run

FIELD = "results"
MAX_RUNS = 1_000
"""Of one stretch; with more of them its document names none, and a start reads its rows."""
_bounds = msgspec.msgpack.Decoder(list[int])


class Books:
    """What one manager knows of the results in its own stretches."""

    def __init__(self) -> None:
        self._done: dict[int, RangeSet] = {}
        """By the task's number."""
        self._known: dict[int, dict[int, int]] = {}
        """The task's number to the starts and stops of stretches of which every told result is in ``_done``."""
        self._due: dict[int, RangeSet] = {}
        """Where there may be rows that nobody has told of."""

    def forget(self) -> None:
        """Know nothing any more: what is in the documents may be newer, or older."""
        for part in (self._done, self._known, self._due):
            part.clear()

    def drop(self, number: int) -> None:
        """Forget a task that is over."""
        for part in (self._done, self._known, self._due):
            part.pop(number, None)

    def open(self, number: int, start: int, stop: int, done: RangeSet) -> None:
        """Know a stretch from now on."""
        self._done.setdefault(number, RangeSet()).add_all(done.runs())
        self._known.setdefault(number, {})[start] = stop

    def grow(self, number: int, start: int, stop: int) -> None:
        """Know that a known stretch reaches further."""
        known = self._known.get(number, {})
        if start in known:
            known[start] = max(known[start], stop)

    def doubt(self, number: int, runs: list[Run]) -> None:
        """Have a recount look there."""
        if runs:
            self._due.setdefault(number, RangeSet()).add_all(runs)

    def due(self) -> list[tuple[int, list[Run]]]:
        """Return what a recount is to look at, by task number, and forget that."""
        due, self._due = self._due, {}
        return [(number, runs.runs()) for number, runs in due.items()]

    def add(self, number: int, runs: list[Run]) -> None:
        """Take in results that are in the database now."""
        self._done.setdefault(number, RangeSet()).add_all(runs)

    def unknown(self, number: int, rows: RangeSet) -> list[Run]:
        """Return which of some rows in known stretches nobody told of."""
        spans = [run for start, stop in self._known.get(number, {}).items() for run in rows.within(start, stop)]
        return RangeSet(spans).difference(self._done.get(number, RangeSet()).runs()).runs()

    def touched(self, number: int, runs: list[Run]) -> list[tuple[int, int]]:
        """Return the known stretches in which any of some runs lie."""
        rows = RangeSet(runs)
        return [span for span in self._known.get(number, {}).items() if rows.within(*span)]

    def text(self, number: int, start: int, stop: int) -> bytes | None:
        """Return what the document of a stretch is to name; None when that is not known, or too much."""
        if start not in self._known.get(number, {}):
            return None
        return named(self._done[number].within(start, stop))


def named(runs: list[Run]) -> bytes | None:
    """Return runs as bytes: MessagePack of the first bound and the distances to each next one."""
    if len(runs) > MAX_RUNS:
        return None
    bounds = [0, *(bound for run in runs for bound in run)]
    return msgspec.msgpack.encode([after - before for before, after in pairwise(bounds)])


def told_in(found: Document, stretch: StretchRecord) -> RangeSet | None:
    """Return the results that a stretch's document names; None when it names none, or others than it counts.

    A release before this one changes the counters and leaves what is named as it was.
    """
    text = found.get(FIELD)
    if text is None:
        return None
    done, at = RangeSet(), 0
    steps = iter(_bounds.decode(text))
    for step, length in zip(steps, steps, strict=True):
        start = at + step
        at = start + length
        done.add(start, at)
    fits = len(done) == stretch.done and len(RangeSet(done.within(stretch.start, stretch.frontier))) == len(done)
    return done if fits else None
