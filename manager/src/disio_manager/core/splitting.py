"""How large a block is, and how failed payloads become blocks again.

Rule: a block never has more payloads or payload bytes than the settings allow, and spans of blocks never overlap.
"""

from collections.abc import Iterable

from disio_manager.core.records import StretchRecord
from disio_manager.core.settings import CoreSettings
from disio_manager.core.tasks import Block, TaskEntry
from disio_shared.payloads import PayloadSpec, carried_bytes, fitting
from disio_shared.ranges import Run


def share(unleased: int, takers: int, asked: int) -> int:
    """Return how many payloads one Ask gets: what was asked, at most a fair part of what is left, at least 1."""
    return max(1, min(asked, -(-unleased // max(1, takers))))


def span_stop(spec: PayloadSpec, start: int, stop: int, settings: CoreSettings) -> int:
    """Return the largest end not after ``stop`` of a block that begins at ``start``; always above ``start``."""
    stop = min(stop, start + settings.max_block)
    return start + _fitting(spec, [(start, stop)], settings)


def payload_bytes(spec: PayloadSpec, runs: Iterable[Run]) -> int:
    """Return how many bytes of payloads a grant with these open indexes carries; 0 when they are generated."""
    return sum(carried_bytes(spec, start, stop) for start, stop in runs)


def cut_at(entry: TaskEntry, block: Block, size: int, settings: CoreSettings) -> int:
    """Return the index before which a block has ``size`` open ones, fewer when their bytes are too many for a block."""
    runs = block.remaining.runs()
    size = min(size, _fitting(entry.spec, runs, settings))
    for start, stop in runs:
        if size < stop - start:
            return start + size
        size -= stop - start
        if size == 0:
            break
    return block.stop if stop == runs[-1][1] else stop


def is_carried(spec: PayloadSpec, runs: list[Run], settings: CoreSettings) -> bool:
    """Tell whether one block may carry all these payloads."""
    return _fitting(spec, runs, settings) == sum(stop - start for start, stop in runs)


def _fitting(spec: PayloadSpec, runs: list[Run], settings: CoreSettings) -> int:
    """Return how many of these payloads one block may carry, at least 1."""
    number, left = 0, settings.max_block_bytes
    for start, stop in runs:
        fits = fitting(spec, start, stop, left)
        number += fits
        if fits < stop - start:
            return max(1, number)
        left -= carried_bytes(spec, start, stop)
    return number


def retry_spans(
    entry: TaskEntry, stretch: StretchRecord, failed: list[Run], settings: CoreSettings
) -> tuple[list[Run], list[Run]]:
    """Sort failed indexes of an own stretch: runs inside live blocks, and spans of new blocks for the others."""
    inside: list[Run] = []
    outside: list[Run] = []
    for start, stop in failed:
        while start < stop:
            block = entry.block_at(start)
            end = min(stop, block.stop if block else entry.next_start(start, stretch.frontier))
            (inside if block else outside).append((start, end))
            start = end
    return inside, _gather(entry, stretch, outside, settings)


def failed_in(entry: TaskEntry, stretch: StretchRecord) -> list[Run]:
    """Return the failed runs of an own stretch."""
    outside = [(0, stretch.start), (stretch.stop, entry.record.total)]
    return entry.failed.difference([run for run in outside if run[0] < run[1]]).runs()


def _gather(entry: TaskEntry, stretch: StretchRecord, runs: list[Run], settings: CoreSettings) -> list[Run]:
    """Join neighbouring runs into spans, as far as no live block lies between and the limits allow."""
    spans: list[Run] = []
    limit = 0
    for start, stop in runs:
        while start < stop:
            if spans and start < limit and entry.next_start(spans[-1][0], stretch.frontier) >= min(stop, limit):
                first = spans.pop()[0]
            else:
                first = start
                limit = span_stop(entry.spec, start, stretch.frontier, settings)
            start = min(stop, limit)
            spans.append((first, start))
    return spans
