"""Tasks that stop as soon as enough results are found: at one manager, over restarts, at two managers."""

from typing import Any

import pytest

from disio_manager.core.changes import AddResults, PutStretch, PutTask
from disio_manager.core.events import TaskEdited
from disio_shared import messages
from disio_shared.errors import IllegalVerb, InvalidDocument
from disio_shared.task_parts import Condition, StopWhen
from tests.unit.manager.core.pairs import indexes, make_pair, see
from tests.unit.manager.core.world import World

FOUND, OTHER = b'{"found":true}', b'{"found":false}'


def searching(count: int = 1, **policy: Any) -> World:
    """Return a world with a large task that stops at ``count`` finds, 100 payloads of which d and e hold each."""
    world = World()
    world.join("d")
    world.join("e")
    create(world, count, **policy)
    for session in ("d", "e"):
        world.ask(session, 100)
    world.sent.clear()
    return world


def create(world: World, count: int = 1, **policy: Any) -> None:
    stop = StopWhen(result=[Condition(path="found", equals=True)], count=count)
    world.create("t", '{"range": [0, 1000000000]}', stop_when=stop, **policy)


def test_the_task_is_done_in_the_commit_of_the_result_that_decides() -> None:
    world = searching()
    world.deliver("d", "t", [0, 1], values=[OTHER, OTHER])
    assert world.core.open_tasks() == ["t"]
    out = world.deliver("e", "t", [150, 151, 152], values=[OTHER, FOUND, OTHER])
    [rows] = [change for change in out.changes if isinstance(change, AddResults)]
    assert (rows.indexes, rows.matching) == ([150, 151, 152], [151])
    [put] = [change.record for change in out.changes if isinstance(change, PutTask)]
    assert (put.state, put.ended_by, put.finished_at) == ("done", "stop_when", world.wall)
    [stretch] = [change.record for change in out.changes if isinstance(change, PutStretch)]
    assert (stretch.done, stretch.matched) == (5, 1)
    assert world.core.open_tasks() == [] and world.rows.blocks == {} and world.rows.matches == {"t": {151}}


def test_whoever_holds_something_is_told_at_once_and_gets_nothing_more() -> None:
    world = searching()
    world.deliver("d", "t", [0], values=[FOUND])
    told = [(send.session, send.message) for send in world.sent if isinstance(send.message, messages.TaskState)]
    assert sorted(told) == [(session, messages.TaskState(task="t", state="done")) for session in ("d", "e")]
    world.ask("e", 100)
    assert [grant.blocks for grant in world.grants()] == [[]]
    out = world.deliver("e", "t", [100], values=[FOUND])
    assert not [change for change in out.changes if isinstance(change, AddResults)]
    assert len(world.take(messages.Committed, "e")) == 1, "what comes late is thanked for"


def test_several_finds_are_counted_over_batches_and_restarts() -> None:
    world = searching(3)
    world.deliver("d", "t", [0, 1], values=[FOUND, OTHER])
    world.deliver("d", "t", [0, 1], values=[FOUND, FOUND])
    view = world.core.task_view("t", world.now)
    assert view is not None and (view.record.done, view.record.matched) == (2, 1)
    world.restart()
    world.join("e", "e2")
    world.deliver("e2", "t", [150], values=[FOUND])
    assert world.core.open_tasks() == ["t"]
    world.deliver("e2", "t", [2, 3, 4], values=[FOUND, FOUND, OTHER])
    assert world.rows.tasks["t"].ended_by == "stop_when" and world.rows.matches["t"] == {0, 2, 3, 150}


def test_finds_that_were_stored_by_a_commit_that_broke_off_end_the_task_after_the_restart() -> None:
    world = searching(2)
    world.rows.results["t"] = {0: FOUND, 1: FOUND}
    world.rows.matches["t"] = {0, 1}
    world.restart()
    assert world.core.next_deadline() is not None
    world.tick()
    assert (world.rows.tasks["t"].state, world.rows.tasks["t"].ended_by) == ("done", "stop_when")


def test_what_is_found_counts_more_than_what_failed_in_the_same_batch() -> None:
    world = searching(max_task_failures=1)
    world.deliver("d", "t", [0], failed=[1], values=[FOUND])
    record = world.rows.tasks["t"]
    assert (record.state, record.ended_by) == ("done", "stop_when")
    with pytest.raises(IllegalVerb):
        world.command("t", "retry")


def test_a_search_that_finds_nothing_ends_like_any_task() -> None:
    world = World()
    world.join("d")
    stop = StopWhen(result=[Condition(path="found", equals=True)])
    world.create("t", '{"range": [0, 3]}', stop_when=stop)
    world.ask("d", 3)
    world.deliver("d", "t", [0, 1, 2], values=[OTHER] * 3)
    assert (world.rows.tasks["t"].state, world.rows.tasks["t"].ended_by) == ("done", "")


def test_a_paused_task_stops_too() -> None:
    world = searching()
    world.command("t", "pause")
    world.deliver("d", "t", [0], values=[FOUND])
    assert world.rows.tasks["t"].state == "done"


def test_what_is_searched_for_cannot_be_edited_and_is_told_of() -> None:
    world = searching(2)
    with pytest.raises(InvalidDocument):
        world.handle(TaskEdited("t", {"policy": {"stop_when": None}}))
    world.deliver("d", "t", [0, 1], values=[FOUND, OTHER])
    assert "It is done as soon as 2 results satisfy stop_when: 1 of 2 do so far." in world.core.explain("t", world.now)
    world.create("u", '{"range": [0, 3]}')
    assert not [line for line in world.core.explain("u", world.now) if "stop_when" in line]


# Two managers


def searching_pair(count: int = 1) -> tuple[World, World, list[int], list[int]]:
    """Return two managers and the indexes that the distributor of each holds."""
    a, b = make_pair()
    create(a, count)
    see(a, b)
    a.ask("da", 10)
    b.ask("db", 10)
    return a, b, indexes(a, "da"), indexes(b, "db")


def test_a_find_at_one_manager_ends_the_task_at_the_other() -> None:
    a, b, at_a, _ = searching_pair()
    b.sent.clear()
    a.deliver("da", "t", at_a[:1], values=[FOUND])
    assert a.rows.tasks["t"].ended_by == "stop_when" and a.core.open_tasks() == []
    see(a, b)
    assert b.core.open_tasks() == [] and messages.TaskState(task="t", state="done") in b.take(messages.TaskState, "db")


def test_finds_of_all_managers_add_up() -> None:
    a, b, at_a, at_b = searching_pair(3)
    a.deliver("da", "t", at_a[:1], values=[FOUND])
    b.deliver("db", "t", at_b[:2], values=[FOUND, FOUND])
    assert a.core.open_tasks() == b.core.open_tasks() == ["t"], "each knows its own alone"
    see(a, b)
    assert a.rows.tasks["t"].ended_by == "stop_when" and a.core.open_tasks() == b.core.open_tasks() == []
    assert sum(row.matched for row in a.rows.stretches.values()) == 3


def test_a_find_that_came_to_another_manager_counts_once() -> None:
    a, b, at_a, _ = searching_pair(2)
    b.deliver("db", "t", at_a[:2], values=[FOUND, OTHER])
    notices = list(a.rows.notices.items())
    assert [notice.matched for _, (_, _, notice) in notices] == [at_a[:1]]
    see(a, b)
    a.rows.notices.update(notices)
    see(a, b)
    view = a.core.task_view("t", a.now)
    assert view is not None and (view.record.done, view.record.matched) == (2, 1)
    a.deliver("da", "t", at_a[:3], values=[FOUND, FOUND, FOUND])
    assert a.rows.tasks["t"].ended_by == "stop_when" and a.rows.matches["t"] == {at_a[0], at_a[2]}


def test_finds_of_a_manager_that_is_gone_are_taken_over() -> None:
    a, b, at_a, at_b = searching_pair(2)
    a.deliver("da", "t", at_a[:1], values=[FOUND])
    b.look()
    b.take_over("a")
    b.deliver("db", "t", at_b[:1], values=[FOUND])
    assert b.rows.tasks["t"].ended_by == "stop_when"
