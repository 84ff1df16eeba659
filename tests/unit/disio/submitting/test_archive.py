"""The archive of inputs, read back by tarfile."""

import contextlib
import hashlib
import io
import os
import random
import tarfile
import threading
import tracemalloc
from pathlib import Path

import pytest

from disio.submitting.archive import ArchiveProblem, InputChanged, Interrupted, write_archive

LONG = "/".join(["a directory with a long name"] * 9) + "/größe.txt"


def made(folder: Path, contents: dict[str, bytes]) -> tuple[bytes, str]:
    """Return the archive of files, and the hash that was told."""
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    out = io.BytesIO()
    archived = write_archive(folder, sorted(contents), out, threading.Event())
    assert archived.size == len(out.getvalue())
    return out.getvalue(), archived.sha256


def test_tarfile_reads_back_what_was_written(tmp_path: Path) -> None:
    source = random.Random(1)
    contents = {"a": b"", "b.txt": b"x" * 512, LONG: b"\0\xff", "big": source.randbytes(3_000_000), "ä/1": b"1"}
    data, sha256 = made(tmp_path, contents)
    assert sha256 == hashlib.sha256(data).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == sorted(contents)
        assert all(member.isreg() and (member.mtime, member.uid, member.gid) == (0, 0, 0) for member in members)
        for member in members:
            file = tar.extractfile(member)
            assert file is not None and file.read() == contents[member.name]


def test_the_same_inputs_make_the_same_bytes(tmp_path: Path) -> None:
    contents = {"a": b"1", "d/b": b"2"}
    first = made(tmp_path / "one", contents)
    second = made(tmp_path / "two", contents)
    os.utime(tmp_path / "two" / "a", ns=(5, 5))
    (tmp_path / "two" / "a").chmod(0o600)
    third = io.BytesIO()
    write_archive(tmp_path / "two", ["a", "d/b"], third, threading.Event())
    assert first == second and third.getvalue() == first[0]


def test_a_hash_alone_needs_no_file(tmp_path: Path) -> None:
    whole = made(tmp_path, {"a": b"1"})
    assert write_archive(tmp_path, ["a"], None, threading.Event()) == (whole[1], len(whole[0]))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here that is always full")
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_full_disk_is_told_with_what_it_takes(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(b"x" * size)
    out = Path("/dev/full").open("wb")  # noqa: SIM115 - closing it fails, too
    with pytest.raises(ArchiveProblem, match="No space left on device; they need as much room"):
        write_archive(tmp_path, ["a"], out, threading.Event())
    with contextlib.suppress(OSError):
        out.close()


def test_an_input_that_goes_away_is_named(tmp_path: Path) -> None:
    made(tmp_path, {"a": b"1"})
    with pytest.raises(InputChanged, match="the input b cannot be read: No such file"):
        write_archive(tmp_path, ["a", "b"], None, threading.Event())


def test_an_input_that_becomes_shorter_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5_000_000)

    class Shortening(io.BytesIO):
        def write(self, data: object, /) -> int:
            os.truncate(tmp_path / "a", 10)
            return 0

    with pytest.raises(InputChanged, match="the input a became shorter"):
        write_archive(tmp_path, ["a"], Shortening(), threading.Event())


def test_it_stops_when_nobody_waits_for_it(tmp_path: Path) -> None:
    made(tmp_path, {"a": b"1"})
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        write_archive(tmp_path, ["a"], None, stop)


def test_memory_does_not_grow_with_the_number_of_inputs(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    peaks = []
    for count in (100, 3_000):
        tracemalloc.start()
        write_archive(tmp_path, ["a"] * count, None, threading.Event())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000
