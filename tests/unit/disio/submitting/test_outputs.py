"""Outputs: what is in them, and that there is never half of one."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from disio.submitting.failures import FailureLog
from disio.submitting.memory import lock
from disio.submitting.outputs import Output, OutputFolder, OutputProblem, output_bytes
from disio_shared.errors import ConfigError
from disio_shared.values import as_json, encode_value


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[OutputFolder]:
    made = OutputFolder(tmp_path / "out", "")
    made.make()
    yield made
    made.close()


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("value", "is_json", "found"),
    [
        (b"\0\xff raw", False, b"\0\xff raw"),
        (b"\0\xff raw", True, b"\0\xff raw"),
        (b"", False, b""),
        ('a "text"\nä', False, 'a "text"\nä'.encode()),
        ('a "text"\nä', True, '"a \\"text\\"\\nä"\n'.encode()),
        ({"a": [1, 2.50]}, False, b'{"a":[1,2.5]}\n'),
        (None, False, b"null\n"),
        (12, True, b"12\n"),
        ({"$base64": "eA==", "more": 1}, False, b'{"$base64":"eA==","more":1}\n'),
    ],
)
def test_what_an_output_holds(value: object, is_json: bool, found: bytes) -> None:
    assert output_bytes(bytes(as_json(encode_value(value))), is_json) == found


def test_numbers_stay_as_the_manager_wrote_them() -> None:
    assert output_bytes(b"1.0e3", False) == b"1.0e3\n"
    assert output_bytes(b"12345678901234567890", False) == b"12345678901234567890\n"


def test_outputs_are_written_whole_in_directories_that_are_made(folder: OutputFolder) -> None:
    written = [Output(f"d{at % 3}/deep/{at}", b"x" * at) for at in range(100)]
    folder.write(written)
    assert files(folder.root) == {output.name: output.data for output in written}
    folder.write([Output("d0/deep/0", b"again")])
    assert (folder.root / "d0/deep/0").read_bytes() == b"again"


def test_until_it_is_flushed_an_output_has_another_name(folder: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []

    def fsync(handle: int) -> None:
        flushed.append(handle)
        assert not (folder.root / "a").exists() or len(flushed) == 2, "renamed before it was flushed"

    monkeypatch.setattr(os, "fsync", fsync)
    folder.write([Output("a", b"whole")])
    assert len(flushed) == 2, "the file, then its directory"
    assert files(folder.root) == {"a": b"whole"}


def test_what_cannot_be_written_leaves_nothing_and_says_what_to_do(
    folder: OutputFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputProblem, match=r"out/a cannot be written: No space left on device; .* run it again"):
        folder.write([Output("a", b"x")])
    assert files(folder.root) == {}


def test_a_directory_that_is_gone_is_told_of_by_everything_that_writes_there(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "gone", "")
    gone = r"gone.* cannot be written: No such file or directory; see to its rights"
    with pytest.raises(OutputProblem, match=gone), folder.scratch_file():
        pass
    with pytest.raises(OutputProblem, match=gone):
        lock(folder.root)
    with pytest.raises(OutputProblem, match=gone), FailureLog(folder.root):
        pass
    with pytest.raises(OutputProblem, match=r"gone.* cannot be written"):
        folder.write_own("memory", b"")
    folder.close()


def test_a_directory_that_cannot_be_flushed_is_told_of(folder: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputProblem, match="out cannot be written: Input/output error"):
        folder.write([Output("a", b"x")])


def test_names_that_differ_in_case_alone_need_a_file_system_that_tells_them_apart(folder: OutputFolder) -> None:
    names = ["a", "A", "b", "d/Ä", "d/a\u0308", "D/c"]
    (folder.root / "own").write_bytes(b"")
    folder.refuse_clashes(names, "own")
    (folder.root / "OWN").symlink_to("own")  # as it is where upper and lower case are the same
    with pytest.raises(ConfigError, match="does not tell upper from lower case: A, a, d/a\u0308, d/Ä"):
        folder.refuse_clashes(names, "own")
    folder.refuse_clashes(["a", "b"], "own")


def test_only_inputs_without_output_are_missing(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "out", ".out")
    assert folder.missing(["a", "d/b"]) == ["a", "d/b"], "a directory that is not there has no outputs"
    folder.make()
    folder.write([Output("d/b", b"")])
    (tmp_path / "out" / "a").write_text("not an output: it lacks the suffix")
    assert folder.missing(["a", "d/b"]) == ["a"]
    folder.close()


def test_something_else_in_an_outputs_place_is_refused_by_name(folder: OutputFolder) -> None:
    (folder.root / "a").mkdir()
    (folder.root / "b").symlink_to(folder.root / "nowhere")
    with pytest.raises(ConfigError, match="under a, b"):
        folder.missing(["a", "b", "c"])


def test_a_suffix_that_makes_a_file_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"under a\.out"):
        OutputFolder(tmp_path, ".out").missing(["a", "a.out/b"])


def test_halves_of_a_killed_run_are_swept_away_and_nothing_else(folder: OutputFolder) -> None:
    folder.write([Output("d/a", b"x"), Output("b", b"y")])
    (folder.root / ".disio-partial-99-1").write_bytes(b"half")
    (folder.root / "d" / ".disio-partial-99-2").write_bytes(b"half")
    (folder.root / "d" / ".other").write_bytes(b"")
    folder.sweep(["d/a", "never/made"])
    assert set(files(folder.root)) == {"d/a", "b", "d/.other"}


def test_a_reader_never_sees_half_an_output(folder: OutputFolder) -> None:
    data = os.urandom(200_000)
    seen, stop = set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            for path in folder.root.glob("[0-9]*"):
                seen.add(path.stat().st_size)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        folder.write([Output(str(at), data) for at in range(20)])
    stop.set()
    reader.join()
    assert seen == {len(data)}
