"""Where the payloads of a text of lines lie: one pass over it, and a few numbers for every so many of them.

Rule: reading a payload takes reading at most one chunk of the text more than its own bytes, and what is kept of a text
of any length takes a bounded amount of memory.
"""

import sys
from array import array
from collections.abc import Iterator

import msgspec

from disio_manager.blob_problem import BadBlob, some_lines
from disio_manager.line_formats import Cutter, LineFormat
from disio_shared.codec import MAX_PAYLOAD_BYTES
from disio_shared.extents import MAX_CHUNKS, ChunkExtents

MAX_PROBLEMS = 10
"""Wrong lines that are told of."""
CHUNK_PAYLOADS = 1_024
"""Payloads of a chunk; twice as many whenever there would be too many chunks."""
CHUNK_BYTES = 256 << 10
"""Bytes of a chunk, of the text or as they are handed out, whichever are more; grows in the same way."""
LARGE = 64 << 10
"""A payload of so many bytes is a chunk by itself: others' places are told by the middle of their chunk."""


class _Stored(msgspec.Struct):
    firsts: bytes
    offsets: bytes
    sent: bytes
    count: int
    size: int
    total: int
    names: list[str]


class LineIndex:
    """The chunks of one text: columns with an entry for each."""

    def __init__(self) -> None:
        self.firsts, self.offsets, self._sent = array("Q"), array("Q"), array("Q")
        """First payload; byte of the text at which it begins; bytes of all payloads before it, as they are handed out.
        """
        self.count = 0
        """Payloads of the text."""
        self.size = 0
        """Bytes of the text."""
        self.total = 0
        """Bytes of all payloads as they are handed out."""
        self.names: list[str] = []
        """Of the columns, if it has any."""

    @property
    def extents(self) -> ChunkExtents:
        """How large the payloads are; shares the columns."""
        return ChunkExtents(self.firsts, self._sent, self.count, self.total)

    @property
    def memory(self) -> int:
        """What it takes in memory, in bytes, about."""
        return 24 * len(self.firsts)

    def begin_of(self, index: int) -> tuple[int, int]:
        """Return the first payload of the chunk that a payload is in, and the byte of the text at which it begins."""
        at = self.extents.chunk_at(index)
        return self.firsts[at], self.offsets[at]

    def end_of(self, index: int) -> int:
        """Return the byte of the text at which the chunk of a payload ends at the latest."""
        after = self.extents.chunk_at(index) + 1
        return self.offsets[after] if after < len(self.offsets) else self.size

    def begin_chunk(self, offset: int) -> None:
        """Begin a chunk with the next payload."""
        self.firsts.append(self.count)
        self.offsets.append(offset)
        self._sent.append(self.total)

    def join(self, payloads: int, size: int) -> None:
        """Join neighbours as long as what comes out has at most so many payloads and bytes."""
        kept = [0]
        for at in range(1, len(self.firsts)):
            first = kept[-1]
            if self._spans(first, at, payloads, size):
                kept.append(at)
        for column in (self.firsts, self.offsets, self._sent):
            column[:] = array("Q", [column[at] for at in kept])

    def _spans(self, first: int, at: int, payloads: int, size: int) -> bool:
        """Tell whether the chunks from ``first`` on are full before chunk ``at`` is joined to them."""
        columns = ((self.firsts, self.count, payloads), (self.offsets, self.size, size), (self._sent, self.total, size))
        for column, end, limit in columns:
            stop = column[at + 1] if at + 1 < len(column) else end
            if stop - column[first] > limit:
                return True
        return False

    def encode(self) -> bytes:
        """Return it as bytes."""
        firsts, offsets, sent = map(_little_endian, (self.firsts, self.offsets, self._sent))
        return msgspec.msgpack.encode(_Stored(firsts, offsets, sent, self.count, self.size, self.total, self.names))

    @classmethod
    def decode(cls, data: bytes) -> "LineIndex":
        """Return what ``encode`` wrote.

        Raises:
            ValueError: It is something else.
        """
        stored, index = msgspec.msgpack.decode(data, type=_Stored), cls()
        pairs = ((index.firsts, stored.firsts), (index.offsets, stored.offsets), (index._sent, stored.sent))
        for column, values in pairs:
            column.frombytes(values)
            if sys.byteorder == "big":
                column.byteswap()
        if not 0 < len(index.firsts) == len(index.offsets) == len(index._sent):
            raise ValueError("columns of unequal length, or none")
        index.count, index.size, index.total, index.names = stored.count, stored.size, stored.total, stored.names
        return index


class LineReader:
    """Reads a text once from its beginning to its end, checks it, and notes where the payloads lie.

    Args:
        form: What the lines are.
        size: Bytes of the text.
    """

    def __init__(self, form: LineFormat, size: int) -> None:
        self._form, self._size = form, size
        self._cutter = Cutter(0, size, form.has_quotes)
        self._index = LineIndex()
        self._line = 1
        self._problems: list[tuple[int, str]] = []
        self._payloads, self._bytes = CHUNK_PAYLOADS, CHUNK_BYTES
        self._taken = self._weight = 0
        """Payloads and bytes of the chunk that is filled now."""

    @property
    def at(self) -> int:
        """Where the next window is to begin."""
        return self._cutter.at

    @property
    def is_over(self) -> bool:
        """Whether the end was read."""
        return self.at >= self._size

    def found(self) -> LineIndex:
        """Return what was found, after the end.

        Raises:
            BadBlob: Lines are wrong, or there is no payload.
        """
        if self._problems:
            raise some_lines(self._problems)
        if not self._index.count:
            raise BadBlob("has no payloads: there is no line in it that would be one")
        self._index.size = self._size
        self._index.names = list(getattr(self._form, "names", ()))
        return self._index

    def feed(self, window: bytes) -> None:
        """Take in the bytes from ``at`` on.

        Raises:
            BadBlob: Too many lines are wrong, or a single one that makes the others worthless.
        """
        if not window:
            raise BadBlob("is cut off: upload it again")
        try:
            for offset, record in self._cutter.cut(window):
                self._take(offset, record)
                self._line += record.count(b"\n") if self._form.has_quotes else 1
        except ValueError as error:
            self._note(error)
            raise some_lines(self._problems) from error

    def _take(self, offset: int, record: bytes) -> None:
        if self._form.is_blank(record):
            self._weight += len(record)  # a chunk is to be read quickly, blanks and all
            return
        if not self._form.take_header(record):
            try:
                payload = self._form.payload(record)
                self._form.check(payload)
                if len(payload) > MAX_PAYLOAD_BYTES:
                    raise ValueError(f"makes a payload of {len(payload)} bytes, over the limit of {MAX_PAYLOAD_BYTES}")
            except ValueError as error:
                self._note(error)
            else:
                self._add(offset, len(record), len(payload))

    def _note(self, error: ValueError) -> None:
        self._problems.append((self._line, str(error)))
        if len(self._problems) >= MAX_PROBLEMS:
            raise some_lines(self._problems)

    def _add(self, offset: int, size: int, sent: int) -> None:
        index, weight = self._index, max(size, sent)
        is_full = self._taken >= self._payloads or self._weight >= self._bytes
        if not index.firsts or is_full or weight >= LARGE:
            self._begin_chunk(offset)
        index.count += 1
        index.total += sent
        self._taken += 1
        self._weight += weight if weight < LARGE else self._bytes

    def _begin_chunk(self, offset: int) -> None:
        index = self._index
        while len(index.firsts) >= MAX_CHUNKS:
            self._payloads, self._bytes = 2 * self._payloads, 2 * self._bytes
            index.size = offset
            index.join(self._payloads, self._bytes)
        index.begin_chunk(offset)
        self._taken = self._weight = 0


class LinePicker:
    """Picks payloads out of a text, of which some are read already.

    Args:
        form: What the lines are.
        index: Where they lie.
        indexes: The payloads that are wanted, ascending.
    """

    def __init__(self, form: LineFormat, index: LineIndex, indexes: Iterator[int]) -> None:
        self._form, self._indexes = form, indexes
        self._wanted = next(indexes, None)
        assert self._wanted is not None, "nothing is wanted"
        self._next, start = index.begin_of(self._wanted)
        self._cutter = Cutter(start, index.size, form.has_quotes)

    @property
    def at(self) -> int:
        """Where the next window is to begin."""
        return self._cutter.at

    @property
    def is_over(self) -> bool:
        """Whether everything was picked."""
        return self._wanted is None

    def feed(self, window: bytes) -> list[bytes]:
        """Return the payloads that are wanted and end in the bytes from ``at`` on.

        Raises:
            ValueError: The text is not what was looked into.
        """
        found: list[bytes] = []
        for _, record in self._cutter.cut(window):
            if self._form.is_blank(record):
                continue
            if self._next == self._wanted:
                found.append(self._form.payload(record))
                self._wanted = next(self._indexes, None)
                if self._wanted is None:
                    break
            self._next += 1
        return found


def _little_endian(column: "array[int]") -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()
