"""Results as Parquet, where pyarrow is installed."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from disio.rest import ResultLine
from disio.results import parquet
from disio.results.parquet import Parquet
from disio_shared.errors import ConfigError

pq: Any = import_module("pyarrow.parquet")
"""It has no types."""


def line(index: int, result: Any, payload: Any = None) -> ResultLine:
    row = {"i": index, "payload": payload, "result": result, "client": "c", "seconds": 0.5}
    return msgspec.json.decode(json.dumps(row), type=ResultLine)


def written(folder: Path, batches: list[list[Any]], again_at: int = -1) -> list[dict[str, Any]]:
    """Write batches, each a part; open it anew before one of them."""
    out, parts = folder / "out.parquet", folder / "parts"
    sink, mark, index = Parquet(out, parts, 0), 0, 0
    for at, batch in enumerate(batches):
        if at == again_at:
            sink.write([line(99, "not saved")])
            sink.close()
            (parts / "part-000099").write_bytes(b"half")
            sink = Parquet(out, parts, mark)
        sink.write([line(index + offset, value) for offset, value in enumerate(batch)])
        mark, index = sink.save(), index + len(batch)
    sink.finish()
    assert not parts.exists()
    rows: list[dict[str, Any]] = pq.read_table(out).to_pylist()
    assert [row["i"] for row in rows] == list(range(index))
    return rows


def test_columns_are_of_one_kind_and_follow_what_comes(tmp_path: Path) -> None:
    rows = written(tmp_path, [[{"a": 1, "b": "x"}, {"a": 2}], [{"a": 2.5, "c": [1]}], ["text", {"$base64": "AP8="}]], 1)
    assert [row["result.a"] for row in rows] == [1.0, 2.0, 2.5, None, None]
    assert [row["result.b"] for row in rows] == ["x", None, None, None, None]
    assert [row["result.c"] for row in rows] == [None, None, "[1]", None, None]
    assert [row["result"] for row in rows] == [None, None, None, "text", '"AP8="']
    assert {row["client"] for row in rows} == {"c"} and {row["seconds"] for row in rows} == {0.5}


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([[1, 2], [3]], [1, 2, 3]),
        ([[1], [None], [2.5]], [1.0, None, 2.5]),
        ([[2**62], [0.5]], [str(2**62), "0.5"]),
        ([[2**70], [1]], [str(2**70), "1"]),
        ([[True], [1]], ["true", "1"]),
        ([[None], [None]], [None, None]),
        ([[{"$base64": "AP8="}], [{"$base64": ""}]], [b"\x00\xff", b""]),
        ([["a"], [[1, {"b": 2}]]], ["a", '[1,{"b":2}]']),
        ([[{}]], ["{}"]),
    ],
)
def test_a_column_is_numbers_only_if_none_is_changed_by_that(
    batches: list[list[Any]], expected: list[Any], tmp_path: Path
) -> None:
    assert [row["result"] for row in written(tmp_path, batches)] == expected


def test_no_results_make_a_file_without_rows(tmp_path: Path) -> None:
    assert written(tmp_path, []) == []


def test_many_rows_are_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "PART_ROWS", 7)
    rows = written(tmp_path, [list(range(at, at + 5)) for at in range(0, 50, 5)])
    assert [row["result"] for row in rows] == list(range(50))


def test_a_damaged_library_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError, match="parquet needs pyarrow"):
        parquet.arrow()
