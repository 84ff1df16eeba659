"""Texts of which every line, or record, is a payload: where one ends, and what payload it is.

Rule: what a record is made into depends on that record, the format and the header alone, so a payload is the same
whether a text is read from its beginning or from somewhere in it. CSV: RFC 4180, read by Python's ``csv``.
"""

import csv
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from disio_manager.blob_problem import BadBlob
from disio_shared.codec import MAX_PAYLOAD_BYTES
from disio_shared.payloads import StoredSpec

MAX_RECORD = MAX_PAYLOAD_BYTES
"""Bytes of one record, its line end included."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SHOWN = 60
"""Characters of a wrong cell that are told."""
_BLANKS = b" \t\r\n"
_encode = msgspec.json.Encoder().encode
_json = msgspec.json.Decoder()
_number = msgspec.json.Decoder(int | float)
csv.field_size_limit(MAX_RECORD)  # of the whole process; Python's own is 128 KiB


class LineFormat(Protocol):
    """One way to make payloads of records."""

    has_quotes: bool
    """A line end between quotes does not end a record."""

    def take_header(self, record: bytes) -> bool:
        """Take a record for the header if there is one to come; return whether it was.

        Raises:
            ValueError: It cannot be; says why.
            BadBlob: It lacks a column that the spec names.
        """
        ...

    def is_blank(self, record: bytes) -> bool:
        """Tell whether a record is none, and makes no payload."""
        ...

    def payload(self, record: bytes) -> bytes:
        """Return the payload of a record as a wire value.

        Raises:
            ValueError: There is none; says why.
        """
        ...

    def check(self, payload: bytes) -> None:
        """Check what ``payload`` leaves unchecked because one look is enough.

        Raises:
            ValueError: It is wrong; says why.
        """
        ...


class Lines:
    """Each line is a text, an empty one too."""

    has_quotes = False

    def take_header(self, record: bytes) -> bool:
        """Return False."""
        return False

    def is_blank(self, record: bytes) -> bool:
        """Return False."""
        return False

    def payload(self, record: bytes) -> bytes:
        """Return the line without its end, as JSON text."""
        return _encode(_text(record))

    def check(self, payload: bytes) -> None:
        """Do nothing."""


class JsonLines:
    """Each line is a JSON value; lines with nothing but blanks are none."""

    has_quotes = False

    def take_header(self, record: bytes) -> bool:
        """Return False."""
        return False

    def is_blank(self, record: bytes) -> bool:
        """Tell whether there are blanks alone."""
        return not record.strip(_BLANKS)

    def payload(self, record: bytes) -> bytes:
        """Return what is written, less blanks before and after it."""
        return record.strip(_BLANKS)

    def check(self, payload: bytes) -> None:
        """Decode it."""
        try:
            _json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"is no JSON that can be handed out: {error}") from error


class Csv:
    """Each record is an object with one field a column; the first record names the columns.

    Args:
        numbers: Columns whose cells are numbers, or nothing (null); all others are texts.
        names: All columns, when the header was read before.
    """

    has_quotes = True

    def __init__(self, numbers: Sequence[str], names: Sequence[str] = ()) -> None:
        self._numbers = numbers
        self.names = list(names)
        self._texts: list[str] = []
        """The record that the reader is to take: making a reader for each takes longer than reading."""
        self._reader = csv.reader(iter(self._texts.pop, None), strict=True)

    def take_header(self, record: bytes) -> bool:
        """Take the first record."""
        if self.names:
            return False
        names = self._cells(record)
        if not names or len(set(names)) < len(names) or "" in names:
            raise ValueError("the header must name every column, each by another name")
        for at, name in enumerate(self._numbers):
            if name not in names:
                raise BadBlob(f"the header has no column {name[:SHOWN]!r}", field=f"numbers.{at}")
        self.names = names
        return True

    def is_blank(self, record: bytes) -> bool:
        """Tell whether there is not even an empty cell between two commas."""
        return record in (b"\n", b"\r\n")

    def payload(self, record: bytes) -> bytes:
        """Return an object."""
        cells = self._cells(record)
        if len(cells) != len(self.names):
            raise ValueError(f"has {len(cells)} cells, the header {len(self.names)}")
        fields: dict[str, Any] = dict(zip(self.names, cells, strict=True))
        for name in self._numbers:
            fields[name] = _number_text(name, fields[name])
        return _encode(fields)

    def _cells(self, record: bytes) -> list[str]:
        text = _text(record)
        if '"' not in text and "\r" not in text:
            return text.split(",")
        self._texts.append(text)
        try:
            return next(self._reader)
        except csv.Error as error:
            raise ValueError(f"is no CSV as RFC 4180 has it: {error}") from error
        except IndexError as error:  # it asked for what comes next
            raise ValueError("is no CSV as RFC 4180 has it: a quote is not closed") from error

    def check(self, payload: bytes) -> None:
        """Do nothing."""


def format_of(spec: StoredSpec, names: Sequence[str] = ()) -> LineFormat:
    """Return the format of a spec that is made of lines.

    Args:
        names: Of the columns, when a header was read before.
    """
    if spec.kind == "csv":
        return Csv(spec.numbers, names)
    return JsonLines() if spec.kind == "ndjson" else Lines()


class Cutter:
    """Cuts a text that comes in windows into records.

    Args:
        at: Byte at which the first window begins, and a record.
        size: Bytes of the whole text.
        has_quotes: A line end between quotes does not end a record.
    """

    def __init__(self, at: int, size: int, has_quotes: bool) -> None:
        self.at, self._size, self._has_quotes = at, size, has_quotes
        self._rest = b""

    def cut(self, window: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the records that end in a window, each with the byte at which it begins; line ends are in them.

        To be exhausted before the next window comes.

        Raises:
            ValueError: One is too long.
        """
        data = self._rest + window
        self.at += len(window)
        offset, start = self.at - len(data), 0
        if offset == 0 and data.startswith(BYTE_ORDER_MARK):
            start = len(BYTE_ORDER_MARK)
        while end := _record_end(data, start, self._has_quotes):
            yield offset + start, data[start:end]
            start = end
        self._rest = data[start:]
        if len(self._rest) > MAX_RECORD:
            raise ValueError(f"is over the limit of {MAX_RECORD} bytes")
        if self._rest and self.at >= self._size:
            yield offset + start, self._rest


def _record_end(data: bytes, start: int, has_quotes: bool) -> int:
    """Return the byte after the record that begins at ``start``; 0 when its end is not there."""
    end = data.find(b"\n", start) + 1
    if not has_quotes or not end:
        return end
    at, quotes = start, 0
    while end:
        quotes += data.count(b'"', at, end)
        if quotes % 2 == 0:  # RFC 4180: a quote within quotes is doubled
            return end
        at, end = end, data.find(b"\n", end) + 1
    return 0


def _text(record: bytes) -> str:
    try:
        return record.removesuffix(b"\r\n").removesuffix(b"\n").decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: {error.reason} at byte {error.start} of it") from error


def _number_text(name: str, cell: str) -> msgspec.Raw:
    text = cell.strip(" \t")
    try:
        if text:
            _number.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"column {name[:SHOWN]!r}: {text[:SHOWN]!r} is no number") from error
    return msgspec.Raw(text.encode() or b"null")
