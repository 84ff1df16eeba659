"""The log of a growing task: its payloads in the order they were given, and where they end.

Rule: a segment is named by its task and the payload it begins with, so of two that come for the same place one is kept
and the other refused; the end is a segment of no payloads, so nothing comes behind it.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from disio_manager.core.records import Growth, SegmentHead
from disio_shared.errors import ConflictError
from disio_shared.ranges import Run

MAX_SEGMENT_BYTES = 4 << 20
"""Of payloads that one segment is made of, unless it is a single one."""
MAX_SEGMENTS = 1_000_000
"""Of one task, its end not counted."""
Segment = tuple[SegmentHead, bytes]
_values = msgspec.msgpack.Decoder(list[bytes])


class GrowthRefused(ConflictError):
    """These payloads are not what comes next."""

    code = "growth-refused"

    def __init__(self, task: str, total: int, why: str) -> None:
        self.total = total
        """The next payload would have this number."""
        super().__init__(f"task {task} does not take these: {why}")


class LastSegment(NamedTuple):
    """Where a log ends so far."""

    head: SegmentHead
    nth: int
    """Segments before it."""


class SegmentStore(Protocol):
    """Keeps the logs."""

    async def append(self, task: str, segment: Segment, mark: bytes = b"") -> bool:
        """Keep a segment, durable when this returns; one of no payloads closes the log.

        Args:
            task: Its id.
            segment: The payloads.
            mark: What whoever gives them wants to know of it later.

        Returns:
            False: this very segment was there.

        Raises:
            GrowthRefused: It is not what comes next, the log is closed, or it has ``MAX_SEGMENTS``.
            TaskNotFound: There is no such task.
        """
        ...

    async def marks(self, task: str) -> list[bytes]:
        """Return the marks of a task's segments in order, without empty ones."""
        ...

    async def growth(self, task: str, start: int) -> Growth:
        """Return the log from a payload on; nothing of a task that is gone."""
        ...

    async def values(self, task: str, runs: Sequence[Run]) -> list[bytes]:
        """Return payloads as wire values, in the order of ``runs``."""
        ...


class HasSegments(Protocol):
    """A store that keeps logs."""

    @property
    def segments(self) -> SegmentStore:
        """Where they are."""
        ...


def segment_of(start: int, values: Sequence[bytes]) -> Segment:
    """Return payloads as a segment."""
    return SegmentHead(start, len(values), sum(map(len, values))), msgspec.msgpack.encode(list(values))


def segments_of(values: Sequence[bytes]) -> list[Segment]:
    """Cut the first payloads of a task into segments."""
    segments: list[Segment] = []
    first = size = 0
    for at, value in enumerate(values):
        if at > first and size + len(value) > MAX_SEGMENT_BYTES:
            segments.append(segment_of(first, values[first:at]))
            first, size = at, 0
        size += len(value)
    return [*segments, segment_of(first, values[first:])] if values else []


def growth_of(task: str, heads: Sequence[SegmentHead]) -> Growth:
    """Return a log out of its rows, which are in order."""
    end = next((head.start for head in heads if not head.count), None)
    return Growth(task, [head for head in heads if head.count], end)


def check_next(task: str, last: LastSegment | None, head: SegmentHead) -> int:
    """Return how many segments come before this one.

    Raises:
        GrowthRefused: It does not follow the last one.
    """
    total = 0 if last is None else last.head.start + last.head.count
    nth = 0 if last is None else last.nth + 1
    if last is not None and not last.head.count:
        raise GrowthRefused(task, total, f"it is closed with {total} payloads")
    if head.start != total:
        raise GrowthRefused(task, total, f"the next payload is number {total}")
    if head.count and nth >= MAX_SEGMENTS:
        raise GrowthRefused(task, total, f"payloads came {nth} times, which is the most: give more of them at a time")
    return nth


def picked(bodies: Sequence[tuple[int, bytes]], runs: Sequence[Run]) -> list[bytes]:
    """Return the values of runs out of the segments that hold them (start and body, in order)."""
    decoded = [(start, _values.decode(body)) for start, body in bodies]
    found: list[bytes] = []
    for start, stop in runs:
        for first, values in decoded:
            found += values[max(0, start - first) : max(0, stop - first)]
    return found
