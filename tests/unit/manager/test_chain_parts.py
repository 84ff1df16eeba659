"""Results as payloads: one by one, in lists, cut into segments."""

import json

import pytest

from disio_manager import chain_parts
from disio_manager.chain_parts import Gathering
from disio_manager.stores.rows import ResultRow
from disio_shared.values import RAW_MARK


def rows(*values: bytes, first: int = 0) -> list[ResultRow]:
    return [ResultRow(index, value, "c", 0.1) for index, value in enumerate(values, first)]


def test_without_a_batch_each_result_is_a_payload_as_it_is() -> None:
    gathering = Gathering(0)
    [part] = gathering.take([*rows(b"1", RAW_MARK + b"xy"), *rows(b"[2]", first=7)])
    assert part.values == [b"1", RAW_MARK + b"xy", b"[2]"] and part.runs == [(0, 2), (7, 8)]
    assert gathering.take([]) == [] and gathering.rest() == []


def test_a_batch_is_a_list_and_the_last_one_is_shorter() -> None:
    gathering = Gathering(3)
    assert gathering.take(rows(b"1", b"2")) == []
    [part] = gathering.take(rows(b'"x"', RAW_MARK + b"ab", b"5", b"6", b"7", first=2))
    assert [json.loads(value) for value in part.values] == [[1, 2, "x"], [{"$base64": "YWI="}, 5, 6]]
    assert part.runs == [(0, 6)], "what waits for its batch is not told of"
    [part] = gathering.rest()
    assert (part.values, part.runs) == ([b"[7]"], [(6, 7)])
    assert gathering.rest() == []


def test_large_results_make_smaller_batches_and_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_parts, "MAX_SEGMENT_BYTES", 10)
    [first, second] = Gathering(0).take(rows(b"12345", b"1234567", b"8"))
    assert (first.runs, second.runs) == ([(0, 1)], [(1, 3)])
    gathering = Gathering(100)
    parts = gathering.take(rows(b"12345", b"12345", b"1" * 20, b"2")) + gathering.rest()
    assert [value for part in parts for value in part.values] == [
        b"[12345]",
        b"[12345]",
        b"[" + b"1" * 20 + b"]",
        b"[2]",
    ]
    assert [part.runs for part in parts] == [[(0, 1)], [(1, 2)], [(2, 3)], [(3, 4)]]
