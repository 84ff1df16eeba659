"""Results in a Parquet file.

Rule: rows are written as parts of their own, which are joined at the end: a column whose values are of several kinds
is numbers if all of them are, else text.
"""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from disio.rest import ResultLine
from disio.results.flat import Cell, Columns
from disio.results.sinks import replace
from disio.submitting.outputs import OutputProblem
from disio_shared.errors import ConfigError

PART_ROWS = 100_000
LEAST, MOST = -(2**63), 2**63 - 1
EXACT = 2**53
"""Up to it every integer is a float."""
WIDE = b"disio-wide"


def arrow() -> Any:
    """Return pyarrow.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        pyarrow = import_module("pyarrow")
        import_module("pyarrow.parquet")
    except ImportError as error:
        remedy = "pip install 'disio[parquet]', or take --format sqlite, csv or ndjson"
        raise ConfigError("--format", "parquet needs pyarrow, which is not installed", remedy) from error
    return pyarrow


class Parquet:
    """A Parquet file, and the directory with its parts until it is whole.

    Args:
        path: What it is called in the end.
        parts: The directory.
        mark: Parts that are kept of what is there.

    Raises:
        ConfigError: pyarrow is not installed.
        OutputProblem: It cannot be written.
    """

    def __init__(self, path: Path, parts: Path, mark: int) -> None:
        self._arrow = arrow()
        self._path, self._parts, self._count = path, parts, mark
        self.columns: list[str] = []
        self._rows: list[dict[str, Cell]] = []
        self._table = Columns()
        try:
            parts.mkdir(exist_ok=True)
            for left in parts.iterdir():
                if left.name not in {_part_name(at) for at in range(mark)}:
                    left.unlink()
        except OSError as error:
            raise OutputProblem(path, error) from error

    def write(self, rows: list[ResultLine]) -> None:
        """Take results."""
        self._rows += [self._table.row(row) for row in rows]
        if len(self._rows) >= PART_ROWS:
            self._write_part()

    def save(self) -> int:
        """Write what was taken as a part; return how many parts there are."""
        if self._rows:
            self._write_part()
        return self._count

    def finish(self) -> None:
        """Join the parts."""
        whole = self._parts / "whole"
        try:
            self._join(whole)
        except OSError as error:
            raise OutputProblem(self._path, error) from error
        replace(whole, self._path)
        shutil.rmtree(self._parts, ignore_errors=True)

    def close(self) -> None:
        """Let go of it."""
        self._rows.clear()

    def _write_part(self) -> None:
        names = [name for name in self._table.names if any(name in row for row in self._rows)]
        cells = [[row.get(name) for row in self._rows] for name in names]
        arrays = [self._array(column) for column in cells]
        fields = [
            self._arrow.field(name, array.type, metadata={WIDE: b"1"} if _is_wide(column) else None)
            for name, array, column in zip(names, arrays, cells, strict=True)
        ]
        table = self._arrow.table(arrays, schema=self._arrow.schema(fields))
        partial = self._parts / "partial"
        try:
            self._arrow.parquet.write_table(table, partial)
            partial.replace(self._parts / _part_name(self._count))
        except OSError as error:
            raise OutputProblem(self._path, error) from error
        self._count += 1
        self._rows.clear()

    def _array(self, cells: list[Cell]) -> Any:
        kind = self._kind({type(cell) for cell in cells if cell is not None}, cells)
        if kind == self._arrow.string():
            cells = [None if cell is None else _text(cell) for cell in cells]
        elif kind == self._arrow.float64():
            cells = [None if cell is None else float(cell) for cell in cells]
        return self._arrow.array(cells, type=kind)

    def _kind(self, kinds: set[type], cells: list[Cell]) -> Any:
        one = {bool: self._arrow.bool_(), float: self._arrow.float64(), bytes: self._arrow.binary()}
        if kinds == {int} and all(cell is None or LEAST <= cell <= MOST for cell in cells):
            return self._arrow.int64()
        if kinds and kinds <= {int, float} and all(cell is None or not _is_wide([cell]) for cell in cells):
            return self._arrow.float64()
        if not kinds:
            return self._arrow.null()
        return one.get(next(iter(kinds)), self._arrow.string()) if len(kinds) == 1 else self._arrow.string()

    def _join(self, whole: Path) -> None:
        parts = [self._parts / _part_name(at) for at in range(self._count)]
        if not parts:
            parts = [self._empty()]
        schema = self._joined_schema([self._arrow.parquet.read_schema(part) for part in parts])
        with self._arrow.parquet.ParquetWriter(whole, schema) as writer:
            for part in parts:
                file = self._arrow.parquet.ParquetFile(part)
                for batch in file.iter_batches():
                    writer.write_batch(self._fitted(batch, schema))
                file.close()

    def _empty(self) -> Path:
        part = self._parts / _part_name(0)
        kinds = {"i": self._arrow.int64(), "payload": self._arrow.string(), "result": self._arrow.string()}
        self._arrow.parquet.write_table(self._arrow.schema(kinds).empty_table(), part)
        return part

    def _joined_schema(self, schemas: list[Any]) -> Any:
        kinds: dict[str, Any] = {}
        wide = {field.name for schema in schemas for field in schema if WIDE in (field.metadata or {})}
        for schema in schemas:
            for field in schema:
                known = kinds.get(field.name, field.type)
                kinds[field.name] = self._common(known, field.type, field.name in wide)
        string, null = self._arrow.string(), self._arrow.null()
        return self._arrow.schema({name: string if kind == null else kind for name, kind in kinds.items()})

    def _common(self, one: Any, other: Any, is_wide: bool) -> Any:
        """Return what holds values of both kinds; integers that no float holds are wide."""
        if one == other:
            return one
        null, numbers = self._arrow.null(), (self._arrow.int64(), self._arrow.float64())
        if one == null or other == null:
            return other if one == null else one
        are_numbers = one in numbers and other in numbers and not is_wide
        return self._arrow.float64() if are_numbers else self._arrow.string()

    def _fitted(self, batch: Any, schema: Any) -> Any:
        """Return a batch in the whole file's schema."""
        columns = []
        for field in schema:
            at = batch.schema.get_field_index(field.name)
            if at < 0:
                columns.append(self._arrow.nulls(batch.num_rows, field.type))
            elif batch.schema.field(at).type == field.type:
                columns.append(batch.column(at))
            else:
                cells = batch.column(at).to_pylist()
                cells = [None if cell is None else _widened(cell, field.type == self._arrow.string()) for cell in cells]
                columns.append(self._arrow.array(cells, type=field.type))
        return self._arrow.record_batch(columns, schema=schema)


def _is_wide(cells: list[Cell]) -> bool:
    """Tell whether there are integers that a float does not hold."""
    return any(isinstance(cell, int) and not -EXACT <= cell <= EXACT for cell in cells)


def _widened(cell: Cell, is_text: bool) -> Cell:
    return _text(cell) if is_text else float(cell)


def _text(cell: Cell) -> str:
    """Return a cell as text; only what is text already has no quotes."""
    return cell if isinstance(cell, str) else msgspec.json.encode(cell).decode()


def _part_name(at: int) -> str:
    return f"part-{at:06}"
