"""How many bytes stored payloads take: each one's, or those of chunks of them.

Rule: sizes are told in runs, additive and monotone, without walking payload by payload; what is only known in chunks
is exact at their borders and evenly spread between.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Protocol

import msgspec

from disio_shared.values import RAW_MARK

MAX_CHUNKS = 1_000_000
"""Entries of ``ChunkExtents``: 16 bytes each."""


class Extents(Protocol):
    """Sizes of the payloads of one spec. Indexes: ``0 <= start <= stop <= len(self)``."""

    def __len__(self) -> int:
        """Return the number of payloads."""
        ...

    def bytes_between(self, start: int, stop: int) -> int:
        """Return how many bytes a run of payloads takes on the way to a distributor."""
        ...

    def fitting(self, start: int, stop: int, limit: int) -> int:
        """Return how many payloads from ``start`` on, up to ``stop``, take at most ``limit`` bytes; 0 is possible."""
        ...


class Unmeasured(msgspec.Struct, frozen=True):
    """Payloads of which nobody knows where they lie: nobody has looked yet, or they are lost. They count as empty."""

    count: int = 0

    def __len__(self) -> int:
        return self.count

    def bytes_between(self, start: int, stop: int) -> int:
        """Return 0."""
        return 0

    def fitting(self, start: int, stop: int, limit: int) -> int:
        """Return all of them."""
        return stop - start


class FileExtents(msgspec.Struct, frozen=True):
    """Payloads that are raw bytes of known sizes."""

    sizes: "array[int]"
    """Bytes of each; type code ``I``."""

    def __len__(self) -> int:
        return len(self.sizes)

    def bytes_between(self, start: int, stop: int) -> int:
        """Return the sum of the sizes, marks included."""
        return sum(self.sizes[start:stop]) + (stop - start) * len(RAW_MARK)

    def fitting(self, start: int, stop: int, limit: int) -> int:
        """Return how many fit."""
        return fitting_sizes((size + len(RAW_MARK) for size in self.sizes[start:stop]), limit)


class ChunkExtents(msgspec.Struct, frozen=True):
    """Payloads that lie one behind the other, and every so often it is known where one begins.

    Chunk ``k`` holds the payloads from ``firsts[k]`` up to ``firsts[k + 1]`` and the bytes from ``offsets[k]`` up to
    ``offsets[k + 1]``; the last one goes up to ``count`` and ``end``.
    """

    firsts: "array[int]"
    """First payload of each chunk, from 0, strictly ascending; type code ``Q``."""
    offsets: "array[int]"
    """Byte at which it begins, ascending; type code ``Q``."""
    count: int
    end: int

    def __len__(self) -> int:
        return self.count

    def chunk_at(self, index: int) -> int:
        """Return which chunk a payload is in."""
        return bisect_right(self.firsts, index) - 1

    def chunk_of(self, index: int) -> tuple[int, int, int, int]:
        """Return first payload, end payload, first byte and end byte of the chunk that a payload is in."""
        at = self.chunk_at(index)
        is_last = at + 1 == len(self.firsts)
        stop, end = (self.count, self.end) if is_last else (self.firsts[at + 1], self.offsets[at + 1])
        return self.firsts[at], stop, self.offsets[at], end

    def place(self, index: int) -> int:
        """Return about at which byte a payload begins: exactly when it is the first of a chunk."""
        if index >= self.count:
            return self.end
        first, stop, offset, end = self.chunk_of(index)
        return offset + (index - first) * (end - offset) // (stop - first)

    def bytes_between(self, start: int, stop: int) -> int:
        """Return about how many bytes lie between."""
        return self.place(stop) - self.place(start)

    def fitting(self, start: int, stop: int, limit: int) -> int:
        """Return about how many fit."""
        most = self.place(start) + limit
        return bisect_right(range(start + 1, stop + 1), most, key=self.place)


def fitting_sizes(sizes: Iterable[int], limit: int) -> int:
    """Return how many sizes from the first one on add up to ``limit`` at most."""
    number = 0
    for total in accumulate(sizes):
        if total > limit:
            break
        number += 1
    return number
