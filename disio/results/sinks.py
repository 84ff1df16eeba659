"""Where results go: the kinds of files, and the plain ones among them.

Rule: what was written before a ``save`` is there after a crash; what came after it may be, and is written again.
"""

import csv
import io
import os
from pathlib import Path
from typing import IO, Protocol

import msgspec

from disio.rest import ResultLine
from disio.results.flat import Cell, Columns
from disio.submitting.outputs import OutputProblem

FORMATS = ("values", "ndjson", "csv", "parquet", "sqlite", "dir")
PLAIN = ("values", "ndjson", "csv")
"""Those that may go to stdout."""
ENDINGS = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".parquet": "parquet",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}


class Sink(Protocol):
    """Something that takes results."""

    @property
    def columns(self) -> list[str]:
        """Of a table that has a head, as far as they are known; to be handed in again when it is opened again."""

    def write(self, rows: list[ResultLine]) -> None:
        """Take results.

        Raises:
            OutputProblem: They cannot be written.
        """

    def save(self) -> int:
        """Bring what was written to the disk; return the mark to go on from."""

    def finish(self) -> None:
        """Give the whole its name."""

    def close(self) -> None:
        """Let go of it, whole or not."""


class Writer:
    """Encodes results for a plain file.

    Args:
        kind: One of ``PLAIN``.
        columns: Of a CSV file that has its head already.
    """

    def __init__(self, kind: str, columns: list[str]) -> None:
        self._kind, self._table = kind, Columns(columns)
        if columns:
            self._table.freeze()

    @property
    def columns(self) -> list[str]:
        """Of a CSV file; empty = its head is not written."""
        return self._table.names if self._kind == "csv" else []

    def encode(self, rows: list[ResultLine]) -> bytes:
        """Return results as lines."""
        if self._kind == "ndjson":
            return b"".join(row.line + b"\n" for row in rows)
        if self._kind == "values":
            return b"".join(bytes(row.result) + b"\n" for row in rows)
        return self._csv(rows)

    def _csv(self, rows: list[ResultLine]) -> bytes:
        is_first = not self._table.names
        cells = [self._table.row(row) for row in rows]
        if is_first and any(name.count(".") for name in self._table.names):
            self._table.more()
        self._table.freeze()
        out = io.StringIO()
        writer = csv.writer(out)
        if is_first:
            writer.writerow(self._table.names)
        writer.writerows([_shown(row.get(name)) for name in self._table.names] for row in cells)
        return out.getvalue().encode()


def _shown(cell: Cell) -> str:
    """Return a cell as text: numbers as JSON writes them, bytes as their JSON form, nothing as nothing."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, bytes):
        return msgspec.json.encode({"$base64": cell}).decode()
    return msgspec.json.encode(cell).decode()


class Plain:
    """A plain file under its partial name.

    Args:
        path: What it is called in the end.
        part: What it is called until then.
        kind: One of ``PLAIN``.
        mark: Bytes that are kept of what is there.
        columns: See ``Sink``.

    Raises:
        OutputProblem: It cannot be written.
    """

    def __init__(self, path: Path, part: Path, kind: str, mark: int, columns: list[str]) -> None:
        self._path, self._part, self._writer = path, part, Writer(kind, columns)
        try:
            self._file: IO[bytes] = part.open("r+b" if mark else "wb")
            self._file.truncate(mark)
            self._file.seek(mark)
        except OSError as error:
            raise OutputProblem(path, error) from error

    @property
    def columns(self) -> list[str]:
        """Of a CSV file."""
        return self._writer.columns

    def write(self, rows: list[ResultLine]) -> None:
        """Take results."""
        try:
            self._file.write(self._writer.encode(rows))
        except OSError as error:
            raise OutputProblem(self._path, error) from error

    def save(self) -> int:
        """Bring what was written to the disk; return how many bytes there are."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()
        except OSError as error:
            raise OutputProblem(self._path, error) from error

    def finish(self) -> None:
        """Give the whole file its name."""
        self._file.close()
        replace(self._part, self._path)

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


def replace(part: Path, path: Path) -> None:
    """Give a file that is whole its name; a link stays one.

    Raises:
        OutputProblem: It cannot be.
    """
    try:
        part.replace(os.path.realpath(path))
    except OSError as error:
        raise OutputProblem(path, error) from error
