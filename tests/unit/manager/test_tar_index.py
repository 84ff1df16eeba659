"""Where the files of an archive lie, and what is refused in one."""

import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_manager import tar_index
from disio_manager.blob_problem import BadBlob
from disio_manager.tar_index import WINDOW, Files, TarReader
from tests.unit.manager.tars import Member, tar_of, tar_with

PART = st.text(min_size=1, max_size=60).filter(lambda s: s not in (".", "..") and not {"/", "\0"} & set(s))
NAME = st.lists(PART, min_size=1, max_size=4).map("/".join).filter(lambda s: _is_text(s))


def _is_text(name: str) -> bool:
    try:
        return len(name.encode()) <= 1_000
    except UnicodeEncodeError:
        return False


def indexed(data: bytes) -> Files:
    """Read an archive the way the manager does, window by window."""
    reader = TarReader(len(data))
    for _ in range(len(data) // 512 + 2):
        if reader.is_over:
            return reader.found()
        reader.feed(data[reader.at : reader.at + WINDOW])
    raise AssertionError("it never ends")


def refused(data: bytes) -> str:
    with pytest.raises(BadBlob) as refusal:
        indexed(data)
    [problem] = refusal.value.problems
    assert problem.path == "payloads.blob"
    return problem.message


def contents(files: Files, data: bytes) -> list[Member]:
    places = zip(files.offsets, files.sizes, strict=True)
    return [(files.name(at), data[offset : offset + size]) for at, (offset, size) in enumerate(places)]


@given(st.dictionaries(NAME, st.binary(max_size=2_000), min_size=1, max_size=8))
def test_every_file_is_found_under_its_name(members: dict[str, bytes]) -> None:
    data = tar_of(list(members.items()))
    files = indexed(data)
    assert contents(files, data) == list(members.items())
    assert contents(Files.decode(files.encode()), data) == list(members.items())


def test_old_style_archives_and_files_beyond_a_window_are_read() -> None:
    large = [(f"large{at}", bytes([at]) * (WINDOW - 300)) for at in range(3)]
    members = [("a" * 90 + "/" + "b" * 90, b"x"), *large, ("empty", b""), ("z", b"last")]
    data = tar_of(members, tarfile.USTAR_FORMAT)
    assert contents(indexed(data), data) == members


def test_many_small_files_cross_windows() -> None:
    members = [(f"n{at:05d}-ü" * 12, b"%d" % at) for at in range(2_500)]
    data = tar_of(members)
    assert len(data) > 3 * WINDOW and contents(indexed(data), data) == members


def _info(name: str, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (_info("d", type=tarfile.DIRTYPE), "'d' is a directory"),
        (_info("l", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "'l' is a symbolic link"),
        (_info("h", type=tarfile.LNKTYPE, linkname="fine"), "'h' is a hard link"),
        (_info("c", type=tarfile.CHRTYPE), "'c' is a character device"),
        (_info("b", type=tarfile.BLKTYPE), "'b' is a block device"),
        (_info("p", type=tarfile.FIFOTYPE), "'p' is a named pipe"),
        (_info("q", type=b"q"), "'q' is of kind 'q'"),
        (_info("s", pax_headers={"GNU.sparse.major": "1"}), "'s' is a sparse file"),
        (_info("/etc/x"), "'/etc/x' has an absolute name"),
        (_info("a/../x"), "an empty part, '.' or '..'"),
        (_info("./x"), "an empty part, '.' or '..'"),
        (_info("a//x"), "an empty part, '.' or '..'"),
        (_info("fine"), "'fine' is there twice"),
        (_info("n" * 1_025), "not 1 to 1024 bytes"),
        (_info("n\udcff"), "not UTF-8"),
        (_info("x", pax_headers={"path": "../x"}), "an empty part, '.' or '..'"),
    ],
)
def test_what_is_no_plain_file_is_refused_by_its_name(info: tarfile.TarInfo, why: str) -> None:
    assert why in refused(tar_with([(_info("fine"), b"1"), (info, b"")]))


def test_limits_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    large = tar_of([("large", bytes(tar_index.MAX_FILE_BYTES + 1))])
    assert f"'large' has {tar_index.MAX_FILE_BYTES + 1} bytes, over the limit" in refused(large)
    assert len(indexed(tar_of([("fits", bytes(tar_index.MAX_FILE_BYTES))]))) == 1
    monkeypatch.setattr(tar_index, "MAX_FILES", 2)
    assert "'c' is one too many" in refused(tar_of([(name, b"") for name in "abc"]))
    monkeypatch.setattr(tar_index, "MAX_NAMES_BYTES", 1)
    assert "the names have more than" in refused(tar_of([(name, b"") for name in "abc"]))


def test_what_is_no_whole_archive_is_refused() -> None:
    whole = tar_of([("a", b"x" * 600), ("b", b"y")])
    assert "cut off" in refused(b"")
    assert "cut off" in refused(whole[:300])
    assert "'a' is cut off" in refused(whole[:1_000])
    assert "no end mark" in refused(whole[: 512 + 1024])
    assert "has no files" in refused(tar_of([]))
    assert "no uncompressed tar" in refused(b"PK\3\4" + bytes(5_000))
    assert "no uncompressed tar" in refused(whole[:512] + b"\xff" * 4_000)


@pytest.mark.parametrize("records", [b"0 path=x\n", b"-3 path=x\n", b"9999 path=x\n", b"path=x\n", b"11 pathxxxx\n"])
def test_an_extended_header_that_makes_no_sense_is_refused(records: bytes) -> None:
    header = _info("pax", type=tarfile.XHDTYPE)
    assert "extended header" in refused(tar_with([(header, records), (_info("a"), b"")], tarfile.USTAR_FORMAT))


def test_an_extended_header_without_bound_is_refused() -> None:
    header = _info("pax", type=tarfile.XHDTYPE)
    assert "an extended header of 70000 bytes" in refused(tar_with([(header, bytes(70_000))], tarfile.USTAR_FORMAT))


@given(st.binary(max_size=3_000))
def test_nothing_but_a_refusal_comes_of_noise(noise: bytes) -> None:
    for data in (noise, tar_of([("a", b"x")])[:512] + noise):
        try:
            indexed(data)
        except BadBlob as refusal:
            assert refusal.problems
