"""What a manager writes down of what it sees."""

from pathlib import Path
from typing import Any

from disio_manager.history import Point, Row, start_of
from disio_manager.recording import MAX_TASKS
from disio_shared import messages
from tests.unit.manager.served import Served, serve


async def delivered(manager: Served) -> tuple[dict[str, Any], Any]:
    """Return a task of which three results came, and the distributor that is online."""
    made = await manager.create()
    peer = manager.peer()
    await peer.join()
    await peer.say(
        messages.Status(clients=3, slots=8, kinds={"web": 2, "cli": 1}, rate=1.0, outbox=0, held=[], paused=[])
    )
    await peer.leased(10)
    await peer.deliver(made["id"], [0, 1, 2])
    return made, peer


def of(answer: dict[str, Any], name: str) -> list[Any]:
    """Return what is in a column."""
    return [each for each in answer[name] if each is not None]


async def test_results_and_clients_are_in_the_history_of_all_and_of_their_task(manager: Served) -> None:
    made, _ = await delivered(manager)
    assert sum(of(await manager.call("GET", "/api/history"), "ok")) == 0
    await manager.app.watching.recording.note()
    for span in ("6h", "2d", "90d"):
        shown = await manager.call("GET", f"/api/history?span={span}")
        assert sum(of(shown, "ok")) == 3, span
        assert max(of(shown, "most_clients")) == 3 and max(of(shown, "most_slots")) == 8
        assert max(of(shown, "most_queue")) == 7
        assert len({len(shown[name]) for name in ("ok", "seconds", "queue", "slots", "lost")}) == 1
    own = await manager.call("GET", f"/api/tasks/{made['id']}/history?span=6h")
    assert (own["task"], sum(of(own, "ok")), own["is_left_out"], own["clients"]) == (made["id"], 3, False, {})
    assert own["ok"][0] is None, "there was no such task then"
    await manager.call("GET", "/api/tasks/never/history", 404)
    await manager.call("GET", "/api/history?span=1y", 400)


async def test_a_restart_goes_on_with_the_points_that_are_not_over(tmp_path: Path) -> None:
    async with serve(tmp_path) as first:
        made, peer = await delivered(first)
        await first.app.watching.recording.note()
        await peer.deliver(made["id"], [3], "b2")  # told by the note that the stop takes
    async with serve(tmp_path) as second:
        recording = second.app.watching.recording
        await recording.resume()
        await recording.note()
        for path in ("/api/history?span=90d", f"/api/tasks/{made['id']}/history?span=90d"):
            assert sum(of(await second.call("GET", path), "ok")) == 4


async def test_more_tasks_than_fit_are_told_of(manager: Served) -> None:
    made, _ = await delivered(manager)
    recording = manager.app.watching.recording
    await recording.note()
    hour = recording._hour
    recording._active |= {f"other{nth}": hour for nth in range(MAX_TASKS - 1)}
    assert recording._has_room(made["id"]) and not recording._has_room("one-more")
    assert (recording.left_out, recording.is_left_out("one-more")) == (1, True)
    recording._begin_hour(hour + 3_600)
    assert recording.left_out == 0 and made["id"] in recording._active
    recording._begin_hour(hour + 3 * 3_600)
    assert made["id"] not in recording._active and made["id"] not in recording._series


async def test_what_a_database_did_not_take_is_kept_and_written_later(manager: Served) -> None:
    await delivered(manager)
    recording: Any = manager.app.watching.recording
    at = start_of(recording._clock.wall() - 100, 10)
    row = Row("", 10, at, Point(ok=1))
    recording._unsaved[("", 10, at)] = row
    await recording.note()
    assert recording._unsaved == {}
    (kept,) = await recording._store.history.read("", 10, at, at + 1)
    assert kept.row == row
