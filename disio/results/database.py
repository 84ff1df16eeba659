"""Results in a SQLite file.

Rule: one table ``results``, a row for each result by its index; values keep their kinds.
"""

from pathlib import Path
from typing import Any

import apsw

from disio.rest import ResultLine
from disio.results.flat import Cell, Columns
from disio.results.sinks import replace
from disio.submitting.outputs import OutputProblem

TABLE = "results"
MOST_INTEGER = 2**63


class Database:
    """A SQLite file under its partial name.

    Args:
        path: What it is called in the end.
        part: What it is called until then.
        is_new: What is there is not gone on with.

    Raises:
        OutputProblem: It cannot be written.
    """

    def __init__(self, path: Path, part: Path, is_new: bool) -> None:
        self._path, self._part = path, part
        self.columns: list[str] = []
        try:
            if is_new:
                part.unlink(missing_ok=True)
                Path(f"{part}-journal").unlink(missing_ok=True)
            self._connection = apsw.Connection(str(part))
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (i INTEGER PRIMARY KEY)")
            known: list[Any] = self._connection.execute(f"PRAGMA table_info({TABLE})").fetchall()
            self._named = {str(row[1]): str(row[1]) for row in known}
            self._connection.execute("BEGIN")
        except (OSError, apsw.Error) as error:
            raise self._problem(error) from error
        self._table = Columns(list(self._named))

    def write(self, rows: list[ResultLine]) -> None:
        """Take results."""
        try:
            for row in rows:
                cells = self._table.row(row)
                places = [self._place(name) for name in cells]
                marks = ", ".join("?" * len(places))
                query = f"INSERT OR REPLACE INTO {TABLE} ({', '.join(places)}) VALUES ({marks})"
                self._connection.execute(query, tuple(_stored(cell) for cell in cells.values()))
        except apsw.Error as error:
            raise self._problem(error) from error

    def save(self) -> int:
        """Commit what was written."""
        try:
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN")
        except apsw.Error as error:
            raise self._problem(error) from error
        return 1

    def finish(self) -> None:
        """Give the whole file its name."""
        self.close()
        replace(self._part, self._path)

    def close(self) -> None:
        """Let go of it; what was not committed is gone."""
        self._connection.close()

    def _place(self, name: str) -> str:
        """Return a column as SQL names it, made when it is not there; SQLite does not tell upper from lower case."""
        if name not in self._named:
            taken = {each.casefold() for each in self._named.values()}
            chosen, at = name, 2
            while chosen.casefold() in taken:
                chosen, at = f"{name} {at}", at + 1
            self._connection.execute(f"ALTER TABLE {TABLE} ADD COLUMN {_quoted(chosen)}")
            self._named[name] = chosen
        return _quoted(self._named[name])

    def _problem(self, error: Exception) -> OutputProblem:
        return OutputProblem(self._path, error if isinstance(error, OSError) else OSError(str(error)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("\0", "") + '"'


def _stored(cell: Cell) -> Any:
    """Return a cell as SQLite keeps it: integers that are too large as texts, true and false as 1 and 0."""
    if isinstance(cell, int) and not -MOST_INTEGER <= cell < MOST_INTEGER:
        return str(cell)
    return cell
