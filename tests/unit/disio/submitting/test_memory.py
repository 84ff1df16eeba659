"""What an output directory remembers."""

from pathlib import Path

import msgspec
import pytest

from disio.submitting.memory import MEMORY_FILE, Memory, OutputBusy, is_same_work, lock, memory_bytes, recall

MEMORY = Memory(cluster="c", program="p", work="w", key="k", task="t")


def test_what_is_remembered_is_recalled(tmp_path: Path) -> None:
    assert recall(tmp_path) is None
    (tmp_path / MEMORY_FILE).write_bytes(memory_bytes(MEMORY))
    assert recall(tmp_path) == MEMORY


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"version": 2}', b"[]"])
def test_what_is_not_understood_is_no_memory(text: bytes, tmp_path: Path) -> None:
    (tmp_path / MEMORY_FILE).write_bytes(text)
    assert recall(tmp_path) is None


def test_a_memory_of_another_version_is_none(tmp_path: Path) -> None:
    (tmp_path / MEMORY_FILE).write_bytes(memory_bytes(msgspec.structs.replace(MEMORY, version=2)))
    assert recall(tmp_path) is None


def test_a_work_is_the_same_until_it_ended_or_the_managers_are_others() -> None:
    fresh = msgspec.structs.replace(MEMORY, key="other", task="")
    assert is_same_work(MEMORY, fresh)
    assert not is_same_work(msgspec.structs.replace(MEMORY, is_ended=True), fresh)
    assert not is_same_work(MEMORY, msgspec.structs.replace(fresh, cluster="d"))
    assert not is_same_work(MEMORY, msgspec.structs.replace(fresh, work="v"))


def test_one_run_at_a_time_writes_to_a_directory(tmp_path: Path) -> None:
    held = lock(tmp_path)
    with pytest.raises(OutputBusy, match="another disio submit writes to"):
        lock(tmp_path)
    held.release()
    lock(tmp_path).release()
