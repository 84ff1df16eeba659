"""Lines of a text as payloads: random access says what reading from the beginning says, and wrong lines are named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_manager import line_formats, line_index
from disio_manager.blob_index import decode_index, index_kind, reader_of
from disio_manager.blob_problem import BadBlob
from disio_manager.line_formats import format_of
from disio_manager.line_index import LARGE, LineIndex, LinePicker, LineReader
from disio_shared.payloads import StoredKind, StoredSpec
from disio_shared.values import decode_value

MARK = b"\xef\xbb\xbf"
ENDS = st.sampled_from(["\n", "\r\n"])
TEXT = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12)
CELL = st.one_of(st.text("ab,\"\n\r é€𝄞\0'", max_size=8), TEXT)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(-1e300, 1e300), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


def spec(kind: StoredKind, *numbers: str) -> StoredSpec:
    return StoredSpec(kind, "ab" * 32, numbers=numbers)


def indexed(of: StoredSpec, data: bytes, window: int = 64) -> LineIndex:
    """Look through a text the way the manager does, and keep what was found as it is kept."""
    reader = reader_of(of, len(data))
    while not reader.is_over:
        reader.feed(data[reader.at : reader.at + window])
    again = decode_index(of, reader.found().encode())
    assert isinstance(again, LineIndex)
    return again


def picked(of: StoredSpec, index: LineIndex, data: bytes, indexes: list[int], window: int = 64) -> list[Any]:
    picker = LinePicker(format_of(of, index.names), index, iter(indexes))
    values: list[bytes] = []
    while not picker.is_over:
        values += picker.feed(data[picker.at : picker.at + window])
    return [decode_value(value) for value in values]


def refused(of: StoredSpec, data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(BadBlob) as refusal:
        indexed(of, data)
    return [(problem.path, problem.message) for problem in refusal.value.problems]


def holds(of: StoredSpec, data: bytes, expected: list[Any], draw: st.DataObject) -> None:
    """See that a text holds these payloads, whichever of them are read, in windows and chunks of any size."""
    window = draw.draw(st.integers(1, 80), label="window")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_index, "CHUNK_PAYLOADS", draw.draw(st.integers(1, 5), label="payloads"))
        patch.setattr(line_index, "CHUNK_BYTES", draw.draw(st.integers(1, 60), label="bytes"))
        patch.setattr(line_index, "LARGE", draw.draw(st.integers(1, 60), label="large"))
        patch.setattr(line_index, "MAX_CHUNKS", most := draw.draw(st.integers(2, 6), label="chunks"))
        if not expected:
            assert refused(of, data) == [("payloads.blob", "has no payloads: there is no line in it that would be one")]
            return
        index = indexed(of, data, window)
        assert len(index.firsts) <= most
    assert len(index.extents) == len(expected)
    at = draw.draw(st.lists(st.integers(0, len(expected) - 1), min_size=1, max_size=8, unique=True).map(sorted))
    assert picked(of, index, data, at, window) == [expected[one] for one in at]
    assert picked(of, index, data, list(range(len(expected))), window) == expected
    whole = picked_bytes(of, index, data)
    assert index.total == index.extents.bytes_between(0, len(expected)) == sum(map(len, whole))
    for first, stop in zip(index.firsts, [*index.firsts[1:], len(expected)], strict=True):
        assert index.extents.bytes_between(first, stop) == sum(map(len, whole[first:stop]))


def picked_bytes(of: StoredSpec, index: LineIndex, data: bytes) -> list[bytes]:
    return LinePicker(format_of(of, index.names), index, iter(range(index.count))).feed(data[index.offsets[0] :])


@given(st.lists(st.tuples(TEXT, ENDS)), TEXT, st.booleans(), st.data())
def test_each_line_is_a_text(lines: list[tuple[str, str]], last: str, is_marked: bool, draw: st.DataObject) -> None:
    expected = [text if end == "\r\n" else text.removesuffix("\r") for text, end in lines] + ([last] if last else [])
    data = "".join(text + end for text, end in lines) + last
    is_marked = is_marked or data.startswith("\ufeff")  # one that is meant for a letter needs another before it
    holds(spec("lines"), MARK * is_marked + data.encode(), expected, draw)


@given(st.lists(st.tuples(VALUE, st.sampled_from(["", " ", "\t \t"]), ENDS, st.integers(0, 2))), st.data())
def test_each_line_that_is_not_blank_is_a_json_value(
    lines: list[tuple[Any, str, str, int]], draw: st.DataObject
) -> None:
    data = "".join(f"{pad}{json.dumps(value)}{pad}{end}" + f"{pad}{end}" * blank for value, pad, end, blank in lines)
    data = data.removesuffix("\n") if draw.draw(st.booleans()) else data
    holds(spec("ndjson"), data.encode(), [value for value, *_ in lines], draw)


def test_json_is_handed_out_as_it_was_written() -> None:
    data = b' {"b": 1.50,\t"a" :"\\u00e9" }\r\n\n12345678901234567890\n'
    of = spec("ndjson")
    assert picked_bytes(of, indexed(of, data), data) == [b'{"b": 1.50,\t"a" :"\\u00e9" }', b"12345678901234567890"]


def record(cells: list[str], is_quoted: bool) -> str:
    """Write a record as RFC 4180 has it; a single empty cell is quoted, or the line would be blank."""
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if is_quoted or set(cell) & set('",\r\n') or cells == [""] else cell
        for cell in cells
    )


@given(st.lists(CELL.filter(bool), min_size=1, max_size=4, unique=True), st.data())
def test_each_record_below_the_header_is_an_object(names: list[str], draw: st.DataObject) -> None:
    rows = draw.draw(st.lists(st.lists(CELL, min_size=len(names), max_size=len(names)), max_size=6))
    end = draw.draw(ENDS)
    records = [record(cells, draw.draw(st.booleans())) + end for cells in [names, *rows]]
    data = "".join(records).removesuffix(end if draw.draw(st.booleans()) else "")
    mark = MARK if draw.draw(st.booleans()) or data.startswith("\ufeff") else b""
    holds(spec("csv"), mark + data.encode(), [dict(zip(names, row, strict=True)) for row in rows], draw)


def test_blank_lines_between_records_are_none_and_cells_stay_as_they_are() -> None:
    data = b'\r\na,"b ""x"""\r\n\n1, two\r\n"",\n\n"line\r\nbreak","q""q"'
    of = spec("csv")
    names = ["a", 'b "x"']
    expected = [["1", " two"], ["", ""], ["line\r\nbreak", 'q"q']]
    index = indexed(of, data)
    assert index.names == names
    assert picked(of, index, data, [0, 1, 2]) == [dict(zip(names, row, strict=True)) for row in expected]


def test_named_columns_are_numbers_and_empty_cells_of_them_null() -> None:
    data = b"n,t,x\n1,1,-2.5e3\n, 2 , 7\t\n12345678901234567890,,0\n"
    of = spec("csv", "x", "n")
    index = indexed(of, data)
    assert picked_bytes(of, index, data) == [
        b'{"n":1,"t":"1","x":-2.5e3}',
        b'{"n":null,"t":" 2 ","x":7}',
        b'{"n":12345678901234567890,"t":"","x":0}',
    ]


@pytest.mark.parametrize("cell", ["one", "1,5", "01", "+1", ".5", "NaN", "Infinity", "1e999", "0x10", "1_000", "true"])
def test_what_is_no_number_is_refused_with_line_and_column(cell: str) -> None:
    data = f'text,"the number"\n"two\nlines",1\nx,"{cell}"\ny,2\n'.encode()
    assert refused(spec("csv", "the number"), data) == [
        ("payloads.blob", f"line 4: column 'the number': '{cell}' is no number")
    ]


@pytest.mark.parametrize(
    ("data", "path", "told"),
    [
        (b"a,a\n1,2\n", "blob", "line 1: the header must name every column"),
        (b"a,\n1,2\n", "blob", "line 1: the header must name every column"),
        (b"\n\r\r\n", "blob", "line 2: the header must name every column"),
        (b"a,b\n1,2\n", "numbers.1", "the header has no column 'c'"),
        (b"a,c\n1,2\n3\n4,5\n6,7,8\n", "blob", "line 3: has 1 cells, the header 2"),
        (b'a,c\n1,2"3\n4",5\n', "blob", "line 2: is no CSV as RFC 4180 has it"),
        (b'a,c\n1,"2"3\n', "blob", "line 2: is no CSV as RFC 4180 has it"),
        (b'a,c\n1,2\n3,"4\n5,6\n', "blob", "line 3: is no CSV as RFC 4180 has it"),
        (b"a,c\n1,\xff\n", "blob", "line 2: is not UTF-8: invalid start byte at byte 2 of it"),
        (b"a,c\n", "blob", "has no payloads"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(data: bytes, path: str, told: str) -> None:
    found = refused(spec("csv", "a", "c"), data)
    assert found[0][0] == f"payloads.{path}" and found[0][1].startswith(told)


@pytest.mark.parametrize(
    "line", [b"{", b"nul", b"[1,]", b"'a'", b"NaN", b"1e999", b'"\\ud800"', b'"\xff"', b"1 2", b"\x0b", b"[" * 100_000]
)
def test_what_is_no_json_is_refused_with_its_line(line: bytes) -> None:
    found = refused(spec("ndjson"), b"1\n\n" + line + b"\n4\n")
    assert [path for path, _ in found] == ["payloads.blob"] and found[0][1].startswith("line 3: is no JSON")


def test_lines_that_are_no_text_are_told_of_together_up_to_a_limit() -> None:
    assert [message[:7] for _, message in refused(spec("lines"), b"a\n\xff\nb\n\xfe\n")] == ["line 2:", "line 4:"]
    assert len(refused(spec("lines"), b"\xff\n" * 50)) == line_index.MAX_PROBLEMS


def test_a_line_that_is_too_long_is_refused_before_it_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_formats, "MAX_RECORD", 1_000)
    reader = LineReader(format_of(spec("lines")), 10**12)
    reader.feed(b"short\n")
    with pytest.raises(BadBlob, match="line 2: is over the limit of 1000 bytes"):
        for _ in range(100):
            reader.feed(b"x" * 100)
    assert reader.at < 2_000


def test_a_payload_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_index, "MAX_PAYLOAD_BYTES", 100)
    quotes = b'"' * 60
    found = refused(spec("lines"), b"x\n" + quotes + b"\n" + b"y" * 90)
    assert found == [("payloads.blob", "line 2: makes a payload of 122 bytes, over the limit of 100")]


def test_a_large_payload_is_a_chunk_by_itself() -> None:
    lines = [b"1", b"2" * LARGE, b"3", b"4", b"5" * LARGE, b"6" * LARGE, b"7"]
    of = spec("lines")
    data = b"\n".join(lines)
    index = indexed(of, data, 1 << 20)
    assert list(index.firsts) == [0, 1, 2, 4, 5, 6]
    assert index.extents.bytes_between(1, 2) == LARGE + 2


def test_a_text_that_was_cut_off_meanwhile_is_told() -> None:
    reader = LineReader(format_of(spec("lines")), 100)
    reader.feed(b"abc\n")
    with pytest.raises(BadBlob, match="cut off"):
        reader.feed(b"")


def test_blanks_are_never_read_to_get_at_a_payload() -> None:
    data = b'"a"\n' + b"\n" * 1_000_000 + b'"b"\n' + b" \n" * 500_000
    of = spec("ndjson")
    index = indexed(of, data, 1 << 20)
    for wanted, expected in ((0, "a"), (1, "b")):
        picker = LinePicker(format_of(of), index, iter([wanted]))
        assert [decode_value(one) for one in picker.feed(data[picker.at : picker.at + 10])] == [expected]


def test_an_index_of_many_lines_is_small_and_reads_little() -> None:
    data = b"".join(b'{"n":%d}\n' % at for at in range(300_000))
    of = spec("ndjson")
    index = indexed(of, data, 1 << 20)
    assert len(index.encode()) < 10_000 and index.count == 300_000
    for at in (0, 1, 1_023, 1_024, 150_000, 299_999):
        first, offset = index.begin_of(at)
        assert at - first < 1_024 and index.end_of(at) - offset < 32_000
        picker = LinePicker(format_of(of), index, iter([at]))
        assert picker.feed(data[offset : index.end_of(at)]) == [b'{"n":%d}' % at]


def test_what_is_no_index_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        LineIndex.decode(LineIndex().encode())


def test_specs_of_one_blob_share_an_index_when_it_says_the_same() -> None:
    assert index_kind(spec("csv", "a", "b")) == index_kind(spec("csv", "b", "a"))
    others = [spec("files"), spec("lines"), spec("ndjson"), spec("csv"), spec("csv", "a"), spec("csv", "a", "b")]
    assert len({index_kind(one) for one in others}) == len(others)
