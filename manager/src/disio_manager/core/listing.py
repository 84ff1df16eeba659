"""Which payloads of an open task are handed out to distributors, and which wait.

Rule: nothing is gathered beyond the page that is asked for, however many there are.
"""

from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple

from disio_manager.core.tasks import Block, TaskEntry


class Listed(NamedTuple):
    """A payload that is neither done nor failed."""

    payload: int
    """Its index."""
    state: str
    """``leased`` and ``ready`` in a block, ``waiting`` for one."""
    holder: str
    """Distributor id, or empty."""


class Listing(NamedTuple):
    """A page of them, by index."""

    items: list[Listed]
    next: int | None
    """Index to go on from."""
    total: int
    elsewhere: int
    """Open ones that other managers look after, and which are not listed here."""


Piece = tuple[int, int, str, str]
"""A run of payloads that stand alike: start, stop, state, holder."""


def listing(entry: TaskEntry, is_leased: bool, start: int, limit: int) -> Listing:
    """Return up to ``limit`` payloads from an index on that are handed out, or that wait."""
    blocks = sorted((block for block in entry.blocks.values() if block.stop > start), key=lambda block: block.start)
    pieces = _in_blocks(blocks, is_leased, start)
    total = entry.leased_here
    if not is_leased:
        pieces = merge(pieces, _uncut(entry))
        total = entry.unleased + entry.unclaimed
    items: list[Listed] = []
    others = entry.stretches.others.values()
    elsewhere = sum(each.stop - each.start - each.done - each.failed for each in others)
    for first, stop, state, holder in pieces:
        for index in range(max(start, first), stop):
            if len(items) == limit:
                return Listing(items, index, total, elsewhere)
            items.append(Listed(index, state, holder))
    return Listing(items, None, total, elsewhere)


def _in_blocks(blocks: list[Block], is_leased: bool, start: int) -> Iterator[Piece]:
    for block in blocks:
        if bool(block.holder) == is_leased:
            for first, stop in block.remaining.within(start, block.stop):
                yield first, stop, "leased" if is_leased else "ready", block.holder


def _uncut(entry: TaskEntry) -> Iterator[Piece]:
    """Yield what was never in a block, own stretches first; they lie below what nobody has claimed."""
    for stretch in sorted(entry.stretches.own.values(), key=lambda each: each.start):
        yield stretch.frontier, stretch.stop, "waiting", ""
    yield entry.stretches.end, entry.record.total, "waiting", ""
