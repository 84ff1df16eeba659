"""When a growing task that nothing more is given is ended."""

from pathlib import Path

import pytest

from disio_manager import idling
from disio_manager.core.records import TaskRecord
from disio_manager.idling import Idleness
from disio_shared import payload_parsing
from tests.unit.manager.registry import loaded
from tests.unit.manager.served import serve
from tests.waiting import wait_until


def record(done: int = 2, total: int = 2, idle_s: str = '"idle_s":60', state: str = "running") -> TaskRecord:
    found = loaded("t").record
    found.payloads = f'{{"open":[],{idle_s}}}'.encode() if idle_s else b'{"open":[]}'
    found.done, found.total, found.state, found.growing = done, total, state, True
    return found


def test_a_task_is_idle_once_nothing_of_it_is_open_and_nothing_came_for_its_time() -> None:
    idleness = Idleness()
    assert idleness.look([record()], 0.0) == [] and idleness.look([record()], 59.9) == []
    assert idleness.look([record(total=3)], 60.0) == [], "something came"
    assert idleness.look([record(total=3)], 500.0) == [], "and is computed"
    assert idleness.look([record(3, 3)], 559.9) == []
    assert [each.id for each in idleness.look([record(3, 3)], 560.0)] == ["t"]


def test_time_counts_from_what_came_even_if_it_was_computed_at_once() -> None:
    idleness = Idleness()
    idleness.look([record()], 0.0)
    assert idleness.look([record(5, 5)], 59.0) == []
    assert idleness.look([record(5, 5)], 118.9) == [] and len(idleness.look([record(5, 5)], 119.0)) == 1


def test_a_paused_task_and_one_without_such_a_time_are_left_alone() -> None:
    idleness = Idleness()
    for now in (0.0, 1e6):
        assert idleness.look([record(idle_s="")], now) == []
    idleness = Idleness()
    for now in (0.0, 1e6):
        assert idleness.look([record(state="paused")], now) == []
    assert idleness.look([record()], 1e6 + 59.9) == [] and len(idleness.look([record()], 1e6 + 60.0)) == 1


async def test_a_manager_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload_parsing, "LEAST_IDLE_S", 0.05)
    monkeypatch.setattr(idling, "LOOK_S", 0.02)
    async with serve(tmp_path / "data") as manager:
        task = await manager.create(payloads={"open": [1], "idle_s": 0.05})
        other = await manager.create(payloads={"open": [1]})
        peer = manager.peer()
        await peer.join()
        await peer.leased(2)
        for each in (task, other):
            await peer.deliver(each["id"], [0])

        async def is_done() -> bool:
            return bool((await manager.call("GET", f"/api/tasks/{task['id']}"))["state"] == "done")

        await wait_until(is_done)
        assert (await manager.call("GET", f"/api/tasks/{other['id']}"))["state"] == "running"
