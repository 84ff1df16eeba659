"""SQLite's own errors, brought about for real, as the user reads them."""

import errno
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from disio_shared.errors import StoreUnavailable
from disio_shared.sqlite_errors import sqlite_unavailable


def fill(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t (x)")
    connection.pragma("max_page_count", connection.pragma("page_count"))
    connection.execute("INSERT INTO t VALUES (zeroblob(100000))")


def lock_twice(path: Path) -> None:
    first, second = apsw.Connection(str(path)), apsw.Connection(str(path))
    first.execute("BEGIN EXCLUSIVE")
    second.execute("BEGIN EXCLUSIVE")


def write_what_is_for_reading(path: Path) -> None:
    apsw.Connection(str(path)).execute("CREATE TABLE t (x)")
    apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY).execute("INSERT INTO t VALUES (1)")


def open_a_folder(path: Path) -> None:
    path.mkdir()
    apsw.Connection(str(path))


def read_text_as_database(path: Path) -> None:
    path.write_text("no database at all, but long enough to have a header of 100 bytes" * 9)
    apsw.Connection(str(path)).execute("SELECT * FROM sqlite_schema")


def read_a_damaged_file(path: Path) -> None:
    with apsw.Connection(str(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    connection.close()
    damaged = bytearray(path.read_bytes())
    damaged[100:200] = b"x" * 100
    path.write_bytes(damaged)
    apsw.Connection(str(path)).execute("SELECT * FROM t").fetchall()


def make_a_folder_in_a_file(path: Path) -> None:
    path.write_text("x")
    (path / "folder").mkdir()


@pytest.mark.parametrize(
    ("act", "remedy"),
    [
        (fill, "make room on that disk"),
        (lock_twice, "stop the other program"),
        (write_what_is_for_reading, "make file and directory writable"),
        (open_a_folder, "make file and directory writable"),
        (read_text_as_database, "choose another file"),
        (read_a_damaged_file, "restore the file from a backup"),
        (make_a_folder_in_a_file, "--data-dir"),
    ],
)
def test_each_error_is_one_line_with_a_remedy(act: Callable[[Path], None], remedy: str, tmp_path: Path) -> None:
    with pytest.raises((apsw.Error, OSError)) as problem:
        act(tmp_path / "x.db")
    told = sqlite_unavailable("cache x.db", problem.value)
    assert told.store == "cache x.db" and told.problem and remedy in told.remedy and "\n" not in str(told)


def test_what_is_told_already_is_told_once() -> None:
    known = StoreUnavailable("x.db", "is closed")
    assert sqlite_unavailable("y.db", known) is known


def test_an_error_without_words_is_called_by_its_name() -> None:
    assert sqlite_unavailable("x.db", OSError()).problem == "OSError"
    assert sqlite_unavailable("x.db", OSError(errno.EACCES, "Permission denied", "x.db")).problem == "Permission denied"
