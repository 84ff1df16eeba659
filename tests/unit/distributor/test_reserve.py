"""Room that is held beside the embedded cache for the day when the disk is full."""

from pathlib import Path

import pytest

from disio_distributor.stores import reserve as reserve_module
from disio_distributor.stores.reserve import Reserve


def test_room_is_held_given_up_owed_and_held_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 40_000
    monkeypatch.setattr(reserve_module, "_free", lambda _path: free)
    file = tmp_path / "d.db-reserve"
    reserve = Reserve(file)
    reserve.open()
    assert (file.stat().st_size, reserve.free()) == (10_000, 40_000)
    reserve.give_up()
    free = 12_000
    assert (file.exists(), reserve.free()) == (False, 2_000)
    free = 5_000
    assert reserve.free() == 0
    free = 20_000
    assert (reserve.free(), file.stat().st_size) == (20_000, 10_000)
    again = Reserve(file)
    again.open()
    assert file.stat().st_size == 10_000, "what is held already stays"
