"""Tasks that get their payloads by and by.

Rule: the log of segments in the store says how many payloads there are and whether more may come; the core follows it.
Of such a task there is one stretch, from 0; its owner alone makes it longer.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable

from disio_manager.core.book import Book, Out
from disio_manager.core.commands import Announce
from disio_manager.core.events import TaskGrown
from disio_manager.core.records import Growth, LoadedTask, SegmentHead
from disio_manager.core.tasks import TaskEntry
from disio_shared.payloads import StoredSpec


class Segments:
    """Sizes of the payloads of a growing task (an ``Extents``): exact for whole segments, evenly spread within one.

    Args:
        heads: From 0 on, without a gap.
    """

    def __init__(self, heads: Iterable[SegmentHead] = ()) -> None:
        self._starts, self._offsets = array("Q"), array("Q")
        self._count = self._end = 0
        for head in heads:
            self.add(head)

    def add(self, head: SegmentHead) -> None:
        """Take in what comes next."""
        assert head.start == self._count, "segments follow one another"
        if head.count:
            self._starts.append(head.start)
            self._offsets.append(self._end)
            self._count += head.count
            self._end += head.size

    def add_next(self, head: SegmentHead) -> int:
        """Take a segment in if it is what comes next; return by how many payloads that is more."""
        if head.start != self._count:
            return 0
        self.add(head)
        return head.count

    def __len__(self) -> int:
        return self._count

    def bytes_between(self, start: int, stop: int) -> int:
        """Return about how many bytes a run of payloads takes."""
        return self._place(stop) - self._place(start)

    def fitting(self, start: int, stop: int, limit: int) -> int:
        """Return about how many payloads from ``start`` on, up to ``stop``, take at most ``limit`` bytes."""
        most = self._place(start) + limit
        return bisect_right(range(start + 1, stop + 1), most, key=self._place)

    def _place(self, index: int) -> int:
        if index >= self._count:
            return self._end
        at = bisect_right(self._starts, index) - 1
        is_last = at + 1 == len(self._starts)
        first, offset = self._starts[at], self._offsets[at]
        stop, end = (self._count, self._end) if is_last else (self._starts[at + 1], self._offsets[at + 1])
        return offset + (index - first) * (end - offset) // (stop - first)


def on_grown(book: Book, event: TaskGrown, out: Out) -> None:
    """Hear of the log of a task; who does not look after it, or knows that already, does nothing."""
    entry = book.tasks.get(event.growth.task)
    if entry is not None:
        take_growth(book, entry, event.growth, event.at, out)


def take_growth(book: Book, entry: TaskEntry, growth: Growth, at: float, out: Out) -> None:
    """Make a task longer that this manager looks after; end it when no more payloads come and all are closed."""
    extents = entry.spec.extents if isinstance(entry.spec, StoredSpec) else None
    if not isinstance(extents, Segments) or 0 not in entry.stretches.own or not entry.record.growing:
        return
    added = sum(extents.add_next(head) for head in growth.segments)
    if added:
        entry.grow(added)
        out.changes += entry.progress()
        out.commands.append(Announce("task", entry.id))
        book.is_woken = True
        book.fresh.add(entry.id)
    if growth.end == len(extents):
        entry.record.growing = False
        if not book.settle(entry, at, out):
            book.save_task(entry, entry.record.state, out)


def take_log(entry: TaskEntry, loaded: LoadedTask) -> None:
    """Know the log of a task that was taken over."""
    if loaded.record.form:
        entry.spec, entry.record.growing = loaded.spec, loaded.record.growing
