"""Inputs that are read from a file or a pipe: lines, NDJSON, CSV.

Rule: they go from disk to disk, however many there are; what comes through a pipe is kept in a file without a name
first, up to a limit. Few of them travel in the task document itself.
"""

import contextlib
import csv
import hashlib
import io
import os
import re
import stat
import sys
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import IO, Any, Literal, NamedTuple

import msgspec

from disio.submitting.archive import PIECE, Archived
from disio_manager.tar_index import MAX_FILE_BYTES
from disio_shared.errors import ConfigError

Format = Literal["lines", "ndjson", "csv"]
STDIN = "-"
SPOOL_LIMIT = 16 << 30
"""Bytes that are kept of a pipe."""
SMALL_BYTES, SMALL_COUNT = 256 << 10, 10_000
"""Inputs up to these travel in the document."""
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Records(NamedTuple):
    """Inputs that were read."""

    spec: dict[str, Any]
    """The payload spec."""
    archived: Archived | None = None
    """What is to be uploaded; None = the spec holds all."""
    file: IO[bytes] | None = None


@contextlib.contextmanager
def records_of(flag: str, name: str, kind: Format, spool_limit: int = SPOOL_LIMIT) -> Iterator[Records]:
    """Read inputs; yield them while their file is open.

    Args:
        flag: The option that names them.
        name: A file; ``-`` = stdin.
        kind: What a record is.
        spool_limit: Bytes at most that are kept of what is no regular file.

    Raises:
        ConfigError: They cannot be read, are too many, or are not what they should be.
    """
    with _opened(flag, name, spool_limit) as file:
        try:
            yield _read(flag, kind, file)
        except OSError as error:
            raise ConfigError(flag, f"{name} cannot be read: {error.strerror or error}") from error


@contextlib.contextmanager
def _opened(flag: str, name: str, limit: int) -> Iterator[IO[bytes]]:
    """Yield a file that can be read twice."""
    with contextlib.ExitStack() as stack:
        try:
            source = sys.stdin.buffer if name == STDIN else stack.enter_context(open(name, "rb"))
            if name == STDIN or not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                spool = stack.enter_context(tempfile.TemporaryFile())
                _spool(flag, source, spool, limit)
                source = spool
        except OSError as error:
            raise ConfigError(flag, f"{name} cannot be read: {error.strerror or error}", "name a file, or -") from error
        yield source


def _spool(flag: str, source: IO[bytes], spool: IO[bytes], limit: int) -> None:
    size = 0
    while piece := source.read(PIECE):
        size += len(piece)
        if size > limit:
            remedy = "write it into a file and name that, or give --spool-limit"
            raise ConfigError(flag, f"more than {limit} bytes come through the pipe", remedy)
        spool.write(piece)
    spool.seek(0)


def _read(flag: str, kind: Format, file: IO[bytes]) -> Records:
    start = file.read(SMALL_BYTES + 1)
    if not start.strip(b"" if kind == "lines" else None):
        raise ConfigError(flag, "there is nothing in it", "give it at least one input")
    numbers: list[str] = []
    if kind == "csv":
        file.seek(0)
        numbers = _numeric_columns(flag, file)
    items = _items(flag, kind, start, numbers) if len(start) <= SMALL_BYTES else None
    if items is not None:
        return Records({"list": items})
    archived = _hashed(file)
    spec: dict[str, Any] = {"blob": archived.sha256, "format": kind}
    return Records(spec | ({"numbers": numbers} if numbers else {}), archived, file)


def _hashed(file: IO[bytes]) -> Archived:
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    return Archived(digest.hexdigest(), size)


def _items(flag: str, kind: Format, data: bytes, numbers: list[str]) -> list[Any] | None:
    """Return few inputs as a list; None = they are many, or a document would say something else than the file."""
    if kind == "csv":
        items: list[Any] | None = _table(flag, data, numbers)
    elif kind == "lines":
        items = _text_lines(flag, data)
    else:
        items = _values(flag, data)
    return items if items is not None and len(items) <= SMALL_COUNT else None


def _text_lines(flag: str, data: bytes) -> list[str]:
    lines = data.removeprefix(BOM_UTF8).split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [_text(flag, at, line.removesuffix(b"\r")) for at, line in enumerate(lines, 1)]


def _values(flag: str, data: bytes) -> list[Any] | None:
    values = []
    for at, line in enumerate(data.removeprefix(BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        _raw(flag, at, line)
        try:
            value = msgspec.json.decode(line)
            msgspec.json.encode(value)
        except (msgspec.MsgspecError, OverflowError, ValueError, RecursionError):
            return None  # a number that Python's own do not hold: the file's text stays as it is
        if isinstance(value, dict) and value.keys() == {"$base64"}:
            return None  # in a list it would mean bytes
        values.append(value)
    if not values:
        raise ConfigError(flag, "there is no value in it", "write one a line")
    return values


def _raw(flag: str, at: int, line: bytes) -> msgspec.Raw:
    try:
        return msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(flag, f"line {at} is no JSON value: {error}") from error


def _text(flag: str, at: int, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(flag, f"line {at} is not UTF-8 text", "give files of bytes with --input") from error


def _rows(flag: str, file: IO[bytes]) -> Iterator[list[str]]:
    """Yield a CSV file's records, its head first; all of them are as long as the head.

    Raises:
        ConfigError: They are not.
    """
    csv.field_size_limit(MAX_FILE_BYTES)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    head: list[str] | None = None
    try:
        for row in filter(None, reader):  # blank lines are none
            head = _checked_head(flag, row) if head is None else head
            if len(row) != len(head):
                problem = f"line {reader.line_num} has {len(row)} cells, and the first line {len(head)}"
                raise ConfigError(flag, problem, "cells with commas need quotes")
            yield row
    except UnicodeDecodeError as error:
        raise ConfigError(flag, f"line {reader.line_num + 1} is not UTF-8 text", "write it in UTF-8") from error
    except csv.Error as error:
        raise ConfigError(flag, f"line {reader.line_num} is no CSV: {error}") from error
    finally:
        text.detach()


def _checked_head(flag: str, head: list[str]) -> list[str]:
    if not all(head) or len(set(head)) < len(head):
        raise ConfigError(flag, "the first line must name each column, and each once", "write its names there")
    return head


def _numeric_columns(flag: str, file: IO[bytes]) -> list[str]:
    """Return the columns that hold numbers, as JSON writes them, or nothing; at least one of them a number."""
    rows = _rows(flag, file)
    head = next(rows)
    maybe, has_one, count = set(range(len(head))), set[int](), 0
    for row in rows:
        count += 1
        for at in list(maybe):
            if not row[at]:
                continue
            if _JSON_NUMBER.fullmatch(row[at]):
                has_one.add(at)
            else:
                maybe.discard(at)
    if not count:
        raise ConfigError(flag, "there is no record in it", "write them below the line with names")
    return [name for at, name in enumerate(head) if at in maybe & has_one]


def _table(flag: str, data: bytes, numbers: list[str]) -> list[Any] | None:
    rows = _rows(flag, io.BytesIO(data))
    head, numeric = next(rows), frozenset(numbers)
    try:
        return [_record(head, row, numeric) for row in rows]
    except (msgspec.MsgspecError, OverflowError):
        return None


def _record(head: list[str], row: list[str], numeric: frozenset[str]) -> dict[str, Any]:
    return {name: _cell(text) if name in numeric else text for name, text in zip(head, row, strict=True)}


def _cell(text: str) -> Any:
    return msgspec.json.decode(text.encode()) if text else None


def record_values(spec: dict[str, Any], file: IO[bytes]) -> Iterator[Any]:
    """Yield the payloads of inputs that were read, one after the other.

    Args:
        spec: Of ``records_of``, naming an upload.
        file: Theirs, at its start.

    Raises:
        ConfigError: A record is not what it should be.
    """
    kind, numeric = spec["format"], frozenset(spec.get("numbers", ()))
    flag = f"--{kind}"
    if kind == "csv":
        rows = _rows(flag, file)
        head = next(rows)
        yield from (_record(head, row, numeric) for row in rows)
        return
    for at, line in enumerate(file, 1):
        text = line.removeprefix(BOM_UTF8 if at == 1 else b"").removesuffix(b"\n").removesuffix(b"\r")
        if kind == "lines":
            yield _text(flag, at, text)
        elif text.strip():
            yield _raw(flag, at, text)
