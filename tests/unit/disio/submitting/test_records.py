"""Inputs from files and pipes."""

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio.submitting import records
from disio.submitting.records import Format, record_values, records_of
from disio_shared.errors import ConfigError


def read(path: Path, kind: Format) -> tuple[dict[str, Any], list[Any]]:
    """Return the spec of a file, and its payloads."""
    with records_of(f"--{kind}", str(path), kind) as found:
        if found.file is None:
            return found.spec, found.spec["list"]
        found.file.seek(0)
        return found.spec, [json.loads(json.dumps(plain(value))) for value in record_values(found.spec, found.file)]


def plain(value: Any) -> Any:
    return json.loads(bytes(value)) if type(value).__name__ == "Raw" else value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "inputs"


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("lines", b"a\n b \r\n\n1\n", ["a", " b ", "", "1"]),
        ("lines", "ü\nno end".encode(), ["ü", "no end"]),
        ("lines", b"\n", [""]),
        ("lines", b"\xef\xbb\xbfa\n", ["a"]),
        ("ndjson", b"\xef\xbb\xbf1\n", [1]),
        ("csv", b"\xef\xbb\xbfid\n\n1\n\n\n2\n", [{"id": 1}, {"id": 2}]),
        ("ndjson", b'1\n\n {"a": [2]} \r\n"x"', [1, {"a": [2]}, "x"]),
        ("csv", b'id,name\r\n1,"a,\n""b"""\r\n2,\r\n', [{"id": 1, "name": 'a,\n"b"'}, {"id": 2, "name": ""}]),
        ("csv", b"a,b,c,d\n1,007,,1e3\n,8,,-2.50\n", [
            {"a": 1, "b": "007", "c": "", "d": 1000.0},
            {"a": None, "b": "8", "c": "", "d": -2.5},
        ]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_large", [False, True])
def test_each_form_gives_the_same_payloads_few_or_many(
    kind: Format, text: bytes, expected: list[Any], is_large: bool, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(text)
    if is_large:
        monkeypatch.setattr(records, "SMALL_COUNT", 0)
    spec, found = read(file, kind)
    assert found == expected and spec.keys() == (
        {"blob", "format"} | ({"numbers"} if kind == "csv" else set()) if is_large else {"list"}
    )
    if is_large and kind == "csv":
        assert spec["numbers"] == (["id"] if b"id" in text else ["a", "d"])


@given(
    lines=st.lists(
        st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), min_size=1, max_size=20
    )
)
def test_lines_come_back_as_they_were_written(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    assert records._text_lines("--lines", text) == lines
    assert list(record_values({"format": "lines"}, io.BytesIO(text))) == lines


def test_what_a_document_would_change_is_uploaded_as_it_is(file: Path) -> None:
    for text in (b'{"$base64": "AA=="}', b"1e999"):
        file.write_bytes(text + b"\n")
        with records_of("--ndjson", str(file), "ndjson") as found:
            assert found.archived is not None and found.archived.size == len(text) + 1
            assert found.spec == {"blob": found.archived.sha256, "format": "ndjson"}


def test_a_pipe_is_kept_on_disk_up_to_its_limit(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    for limit in (1 << 20, 1000):
        os.mkfifo(pipe)
        writing = threading.Thread(target=lambda: fill(pipe))
        writing.start()
        try:
            if limit > 1000:
                with records_of("--lines", str(pipe), "lines", limit) as found:
                    assert found.archived is not None and found.file is not None and found.archived.size == 600_000
                    assert sum(1 for _ in found.file) in (0, 100_000)
            else:
                told = "more than 1000 bytes come through the pipe"
                with pytest.raises(ConfigError, match=told), records_of("--lines", str(pipe), "lines", limit):
                    pass
        finally:
            writing.join()
            pipe.unlink()


def fill(pipe: Path) -> None:
    try:
        pipe.write_bytes(b"12345\n" * 100_000)
    except BrokenPipeError:
        return


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("lines", b"", "there is nothing in it"),
        ("ndjson", b" \n\n", "there is nothing in it"),
        ("lines", b"a\n\xff\n", "line 2 is not UTF-8 text"),
        ("ndjson", b"1\n{,}\n", "line 2 is no JSON value"),
        ("ndjson", b"NaN\n", "line 1 is no JSON value"),
        ("csv", b"a,b\n1,2\n3\n", "line 3 has 1 cells, and the first line 2"),
        ("csv", b"a,a\n1,2\n", "must name each column, and each once"),
        ("csv", b"a,\n1,2\n", "must name each column"),
        ("csv", b"a,b\n", "there is no record in it"),
        ("csv", b'a\n"1"x\n', "line 2 is no CSV"),
        ("csv", b"a\n\xff\n", "is not UTF-8 text"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_line(kind: Format, text: bytes, told: str, file: Path) -> None:
    file.write_bytes(text)
    with pytest.raises(ConfigError, match=f"--{kind}: .*{told}"), records_of(f"--{kind}", str(file), kind):
        pass


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    for name in (tmp_path / "no", tmp_path):
        told = r"cannot be read: .* \(name a file, or -\)"
        with pytest.raises(ConfigError, match=told), records_of("--lines", str(name), "lines"):
            pass
