"""What of a directory is an input."""

import os
from pathlib import Path

import pytest

from disio.submitting.inputs import find_inputs
from disio_manager.tar_index import MAX_FILE_BYTES
from disio_shared.errors import ConfigError


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_regular_files_are_inputs_at_any_depth_sorted_by_name(tmp_path: Path) -> None:
    fill(tmp_path, "b.txt", "a/z.txt", "a/b/c", "ä", "a-b", "empty")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "no files here").mkdir()
    found = find_inputs(tmp_path)
    assert found.names() == ["a-b", "a/b/c", "a/z.txt", "b.txt", "empty", "ä"]
    assert found.hidden == 0 and found.inputs[4].size == 0


def test_hidden_files_and_directories_are_left_out_and_counted(tmp_path: Path) -> None:
    fill(tmp_path, "a", ".DS_Store", ".git/config", "d/.x.swp")
    found = find_inputs(tmp_path)
    assert found.names() == ["a"] and found.hidden == 3


def test_the_digest_tells_of_every_change(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    digests = {find_inputs(tmp_path).digest()}
    assert find_inputs(tmp_path).digest() in digests
    (tmp_path / "a").write_text("longer")
    digests.add(find_inputs(tmp_path).digest())
    os.utime(tmp_path / "b", ns=(1, 1))
    digests.add(find_inputs(tmp_path).digest())
    fill(tmp_path, "c")
    digests.add(find_inputs(tmp_path).digest())
    (tmp_path / "c").rename(tmp_path / "d")
    digests.add(find_inputs(tmp_path).digest())
    assert len(digests) == 5


def test_what_is_no_regular_file_is_named_with_its_reason(tmp_path: Path) -> None:
    fill(tmp_path, "a", "d/b")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "d" / "folder link").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError) as refused:
        find_inputs(tmp_path)
    text = str(refused.value)
    assert "'link' (a symbolic link)" in text and "'d/folder link' (a symbolic link)" in text
    assert "'pipe' (a device, pipe or socket)" in text and "'a'" not in text


def test_a_file_that_is_gone_before_it_was_looked_at_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a", "b")
    scandir = os.scandir

    def while_somebody_deletes(folder: Path) -> list[os.DirEntry[str]]:
        entries = list(scandir(folder))
        (tmp_path / "b").unlink(missing_ok=True)
        return entries

    monkeypatch.setattr(os, "scandir", while_somebody_deletes)
    with pytest.raises(ConfigError, match=r"'b' \(No such file or directory\)"):
        find_inputs(tmp_path)


def test_a_name_that_is_not_utf8_is_refused_in_characters_that_can_be_shown(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"\xff"))).write_text("x")
    with pytest.raises(ConfigError, match="not UTF-8") as refused:
        find_inputs(tmp_path)
    str(refused.value).encode()


def test_what_a_manager_would_refuse_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    with (tmp_path / "big").open("wb") as big:
        big.truncate(MAX_FILE_BYTES)
    find_inputs(tmp_path)
    with (tmp_path / "big").open("wb") as big:
        big.truncate(MAX_FILE_BYTES + 1)
    fill(tmp_path, "/".join(["d" * 200] * 6))
    with pytest.raises(ConfigError) as refused:
        find_inputs(tmp_path)
    assert "'big' (it is over the limit of 14680063 bytes)" in str(refused.value)
    assert "(its name is over the limit of 1024 bytes)" in str(refused.value)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file in"):
        find_inputs(tmp_path)
    fill(tmp_path, ".hidden")
    with pytest.raises(ConfigError, match="hidden files do not count"):
        find_inputs(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_are_named(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    (tmp_path / "a").chmod(0)
    with pytest.raises(ConfigError, match=r"'a' \(may not be read\)"):
        find_inputs(tmp_path)
