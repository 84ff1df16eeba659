"""Task life cycle, leases, deliveries and sessions, through ``handle`` only."""

import pytest

from disio_manager.core import events
from disio_manager.core.changes import AddResults, PutDistributor
from disio_manager.core.commands import Announce
from disio_manager.core.lifecycle import TRANSITIONS, VERBS
from disio_shared import messages
from disio_shared.errors import IllegalVerb, InvalidDocument, MalformedMessage, TaskNotFound
from disio_shared.taskdoc import TaskStateName
from tests.unit.manager.core.world import World


def ref(block: str, lease: int = 1) -> messages.BlockRef:
    return messages.BlockRef(block=block, lease=lease)


@pytest.fixture
def world() -> World:
    """A task of 100 payloads, all of them leased to ``a``; ``b`` is there too."""
    world = World()
    world.join("a")
    world.join("b")
    world.create("t", '{"range": [0, 100]}')
    world.ask("a", 100)
    world.sent.clear()
    world.announced.clear()
    return world


def block_of(world: World, task: str = "t") -> messages.BlockRef:
    [row] = [row for row in world.rows.blocks.values() if row.task == task]
    return ref(row.id, row.lease)


def state(world: World, task: str = "t") -> str:
    return world.rows.tasks[task].state


def columns(**given: list[object]) -> messages.Deliver:
    whole = {"indexes": [1], "values": [b"x"], "seconds": [0.1], "clients": ["k"], "by": [0], **given}
    part = messages.ResultColumns(task="t", **whole)  # type: ignore[arg-type]
    return messages.Deliver(batch="b", results=[part])


# Deliveries


def test_a_task_is_done_when_every_payload_has_a_result(world: World) -> None:
    world.deliver("a", "t", list(range(99)))
    assert state(world) == "running"
    world.deliver("a", "t", [99])
    record = world.rows.tasks["t"]
    assert (record.state, record.done, record.finished_at) == ("done", 100, world.wall)
    assert not world.rows.blocks and world.core.task_view("t", world.now) is None
    assert [m.batch for m in world.take(messages.Committed, "a")] == ["x1", "x2"]  # type: ignore[attr-defined]
    assert world.core.next_deadline() is None


def test_columns_that_are_all_open_are_passed_on_as_they_came(world: World) -> None:
    deliver = columns(indexes=[5, 3], values=[b"x", b"y"], seconds=[1.0, 2.0], by=[0, 0])
    out = world.handle(events.MessageArrived("a", deliver, world.wall))
    [added] = [change for change in out.changes if isinstance(change, AddResults)]
    assert added.indexes is deliver.results[0].indexes and added.values is deliver.results[0].values


def test_repeats_and_nonsense_are_committed_and_change_nothing(world: World) -> None:
    world.deliver("a", "t", [3, 3, -1, 100, 10**15, 4])
    world.deliver("b", "t", [4, 3])
    world.deliver("b", "nothing", [1])
    assert world.rows.results["t"] == {3: b"3/1", 4: b"4/1"}
    assert len(world.take(messages.Committed)) == 3


def test_a_late_result_of_a_dead_lease_counts_while_the_index_is_open(world: World) -> None:
    world.tick(60.0)
    world.ask("b", 100)
    world.deliver("a", "t", list(range(100)))
    assert state(world) == "done"
    [revoke] = world.take(messages.Revoke, "b")
    assert [gone.lease for gone in revoke.blocks] == [2]  # type: ignore[attr-defined]


def test_results_of_a_closed_task_are_dropped_and_committed(world: World) -> None:
    world.command("t", "cancel")
    out = world.handle(events.MessageArrived("a", columns(), world.wall))
    assert out.changes == [] and len(world.take(messages.Committed)) == 1


@pytest.mark.parametrize(
    "bad", [{"values": []}, {"seconds": [1.0, 2.0]}, {"by": [1]}, {"by": [-1]}, {"indexes": [1, 2]}]
)
def test_columns_that_do_not_fit_are_refused_and_change_nothing(world: World, bad: dict[str, list[object]]) -> None:
    with pytest.raises(MalformedMessage, match="task t"):
        world.handle(events.MessageArrived("a", columns(**bad), world.wall))
    assert world.core.task_view("t", world.now).record.done == 0  # type: ignore[union-attr]


def test_a_result_too_large_for_a_database_becomes_a_failure_that_says_so(world: World) -> None:
    deliver = columns(indexes=[1, 2], values=[bytes(9 << 20), b"ok"], seconds=[1.0, float("nan")], by=[0, 0])
    out = world.handle(events.MessageArrived("a", deliver, world.wall))
    assert list(world.rows.results["t"]) == [2]
    assert world.rows.failures["t"] == {1: ["the result is 9437184 bytes, over the limit of 8388608 bytes"]}
    assert [change.seconds for change in out.changes if isinstance(change, AddResults)] == [[0.0]]


# Leases


def test_a_lease_lasts_until_its_deadline_and_status_extends_it(world: World) -> None:
    held = block_of(world)
    assert world.core.next_deadline() == world.now + 60
    world.now += 50
    world.status("a", [held])
    assert world.core.next_deadline() == world.now + 60
    world.tick(59.9)
    assert world.rows.blocks[held.block].holder == "a"
    world.tick(0.1)
    assert world.rows.blocks[held.block].holder == ""


def test_results_extend_the_lease_of_their_block(world: World) -> None:
    world.now += 50
    world.deliver("a", "t", [3])
    assert world.core.next_deadline() == world.now + 60


def test_one_who_comes_back_keeps_its_block_when_nobody_else_got_it(world: World) -> None:
    held = block_of(world)
    world.leave("a")
    world.tick(60.0)
    world.join("a", "a2", [held, ref("never-there")])
    assert world.rows.blocks[held.block].holder == "a" and world.rows.blocks[held.block].lease == 1
    [admitted] = world.take(messages.Admitted, "a2")
    assert admitted.revoked == [ref("never-there")]  # type: ignore[attr-defined]
    assert world.take(messages.TaskState, "a2") == [messages.TaskState(task="t", state="running")]


def test_one_who_comes_back_too_late_is_told_that_its_block_is_gone(world: World) -> None:
    held = block_of(world)
    world.tick(60.0)
    world.ask("b", 100)
    world.status("a", [held])
    assert world.take(messages.Revoke, "a") == [messages.Revoke(blocks=[held])]
    assert world.rows.blocks[held.block].holder == "b"


def test_an_older_lease_of_a_ready_block_is_not_taken_up_again(world: World) -> None:
    held = block_of(world)
    world.tick(60.0)
    world.ask("b", 100)
    world.give_back("b", [ref(held.block, 2)])
    world.status("a", [held])
    assert world.take(messages.Revoke, "a") == [messages.Revoke(blocks=[held])]
    assert world.rows.blocks[held.block].holder == ""


def test_after_a_restart_held_blocks_get_a_fresh_deadline(world: World) -> None:
    held = block_of(world)
    world.now += 59
    world.restart()
    assert world.core.next_deadline() == world.now + 60
    world.join("a", "a2", [held])
    world.deliver("a2", "t", list(range(100)))
    assert state(world) == "done"


def test_a_task_that_was_complete_when_the_manager_died_ends_at_once_after_the_restart(world: World) -> None:
    world.deliver("a", "t", list(range(99)))
    world.rows.results["t"][99] = b"stored, but the task's own row was not"
    world.restart()
    assert world.core.next_deadline() == world.now
    world.tick()
    assert state(world) == "done"


def test_a_session_that_never_joined_is_asked_to(world: World) -> None:
    world.deliver("stranger", "t", [1])
    [error] = world.take(messages.Error, "stranger")
    assert error.code == "unjoined" and "t" not in world.rows.results  # type: ignore[attr-defined]


# Verbs


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("before", TaskStateName.__args__)  # type: ignore[attr-defined]
def test_a_verb_is_carried_out_or_refused_as_the_table_says(world: World, verb: str, before: str) -> None:
    bring_to(world, before)
    legal = before in TRANSITIONS[verb]
    if not legal:
        with pytest.raises(IllegalVerb, match=f"is {before}"):
            world.command("t", verb)
        assert state(world) == before
        return
    if verb == "retry" and before != "failed":
        world.deliver("a", "t", [], [0])
    world.command("t", verb)
    after = TRANSITIONS[verb][before]
    assert ("t" not in world.rows.tasks) if after == "deleted" else state(world) == after


def bring_to(world: World, state_name: str) -> None:
    """Bring the world's task to a state."""
    if state_name == "queued":
        world.command("t", "delete")
        world.create("t", '{"range": [0, 100]}')
    elif state_name == "paused":
        world.command("t", "pause")
    elif state_name == "done":
        world.deliver("a", "t", list(range(100)))
    elif state_name == "failed":
        world.deliver("a", "t", list(range(99)), [99])
    elif state_name == "cancelled":
        world.command("t", "cancel")
    elif state_name == "expired":
        world.handle(events.TaskEdited("t", {"deadline": world.wall - 1}))
    assert state(world) == state_name


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_on_a_task_nobody_knows_are_refused(world: World, verb: str) -> None:
    with pytest.raises(TaskNotFound):
        world.command("nothing", verb)


@pytest.mark.parametrize(("verb", "told"), [("pause", "paused"), ("cancel", "cancelled"), ("delete", "cancelled")])
def test_those_who_hold_blocks_are_told_of_a_verb_and_nobody_else(world: World, verb: str, told: str) -> None:
    world.command("t", verb)
    assert world.take(messages.TaskState, "a") == [messages.TaskState(task="t", state=told)]
    assert world.take(messages.TaskState) == []
    topic = "task-deleted" if verb == "delete" else "task"
    assert Announce(topic, "t") in world.announced


def test_a_paused_task_that_was_never_granted_is_queued_again(world: World) -> None:
    world.create("u", '{"range": [0, 5]}')
    world.command("u", "pause")
    world.command("u", "resume")
    assert state(world, "u") == "queued"


def test_retry_hands_out_failed_payloads_again_and_only_those(world: World) -> None:
    world.deliver("a", "t", [i for i in range(100) if i not in (7, 8, 50)], [7, 8, 50])
    assert state(world) == "failed"
    world.restart()
    world.join("b", "b2")
    world.command("t", "retry")
    record = world.rows.tasks["t"]
    assert (record.state, record.failed, record.finished_at, world.rows.failures) == ("running", 0, None, {})
    world.ask("b2", 100)
    [block] = world.grants("b2")[-1].blocks
    assert (block.start, block.stop, block.done) == (7, 51, [(9, 50)])
    world.deliver("b2", "t", [7, 8, 50])
    assert state(world) == "done"


def test_retry_of_a_running_task_gives_the_index_back_to_its_live_block(world: World) -> None:
    world.deliver("a", "t", [1, 2], [3])
    world.command("t", "retry")
    view = world.core.task_view("t", world.now)
    assert view is not None and (view.leased, view.blocks, view.record.failed) == (98, 1, 0)


def test_too_many_failures_end_the_task_and_a_retry_finds_its_open_payloads(world: World) -> None:
    world.create("u", '{"range": [0, 50]}', max_task_failures=2)
    world.ask("a", 20, tasks=["u"])
    world.sent.clear()
    world.deliver("a", "u", [0, 1], [2, 3])
    assert state(world, "u") == "failed"
    assert world.take(messages.TaskState, "a") == [messages.TaskState(task="u", state="failed")]
    world.deliver("a", "u", [4])
    world.command("u", "retry")
    view = world.core.task_view("u", world.now)
    assert view is not None and (view.record.done, view.ready, view.leased) == (2, 48, 0)


def test_a_task_expires_at_its_deadline_by_the_wall_clock(world: World) -> None:
    world.create("u", '{"range": [0, 50]}', deadline=world.wall + 30)
    assert world.core.next_deadline() == world.now + 30
    world.tick(29.0)
    assert state(world, "u") == "queued"
    world.tick(1.0)
    assert (state(world, "u"), state(world)) == ("expired", "running")


# Edits


def test_fields_can_be_changed_flat_or_under_policy(world: World) -> None:
    changes = {"name": "new", "tags": ["x"], "priority": 3, "policy": {"weight": 2.0}}
    world.handle(events.TaskEdited("t", changes))
    record = world.rows.tasks["t"]
    assert (record.name, record.tags, record.policy.priority, record.policy.weight) == ("new", ["x"], 3, 2.0)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"state": "done"}, "state"),
        ({"policy": {"redundancy": 2}}, "policy.redundancy"),
        ({"policy": 5}, "policy"),
        ({"priority": "high"}, "policy.priority"),
        ({"weight": 0.0}, "policy.weight"),
    ],
)
def test_edits_that_are_not_allowed_name_the_field(world: World, changes: dict[str, object], path: str) -> None:
    before = world.rows.tasks["t"]
    with pytest.raises(InvalidDocument) as problem:
        world.handle(events.TaskEdited("t", changes))
    assert problem.value.problems[0].path == path and world.rows.tasks["t"] == before


# Fleet


def test_the_others_hear_of_one_who_comes_and_goes(world: World) -> None:
    world.join("c")
    assert world.take(messages.Siblings, "a") == [messages.Siblings(urls=["http://b", "http://c"])]
    [admitted] = world.take(messages.Admitted, "c")
    assert sorted(admitted.siblings) == ["http://a", "http://b"]  # type: ignore[attr-defined]
    world.leave("b")
    assert world.take(messages.Siblings, "c")[-1] == messages.Siblings(urls=["http://a"])
    assert {row.id: row.state for row in world.core.fleet()} == {"a": "online", "b": "offline", "c": "online"}


def test_an_old_session_that_ends_does_not_end_the_new_one(world: World) -> None:
    world.join("a", "a2")
    world.leave("a")
    assert world.core.distributor_of("a2") == "a" and world.core.distributor_of("a") is None
    assert world.core.fleet()[0].state == "online"


def test_a_full_fleet_refuses_newcomers_but_not_those_who_come_back() -> None:
    world = World(max_distributors=1)
    world.join("a")
    world.join("b")
    [refused] = world.take(messages.Refused, "b")
    assert refused.code == "full" and refused.retry_after_s > 0  # type: ignore[attr-defined]
    world.join("a", "a2")
    assert world.take(messages.Admitted, "a2")


def test_the_one_away_for_longest_is_forgotten_when_there_are_too_many() -> None:
    world = World(max_fleet=2)
    for name in "abc":
        world.join(name)
        world.now += 1
        world.leave(name)
    assert sorted(world.rows.distributors) == ["b", "c"]


def test_status_feeds_the_fleet_view_without_a_write(world: World) -> None:
    status = messages.Status(clients=3, slots=12, kinds={"web": 3}, rate=4.5, outbox=7)
    out = world.handle(events.MessageArrived("a", status, world.wall))
    assert not any(isinstance(change, PutDistributor) for change in out.changes)
    row = world.core.fleet()[0]
    assert (row.clients, row.slots, row.rate, row.outbox, row.blocks) == (3, 12, 4.5, 7, 1)
    stats = world.core.stats(world.now)
    assert (stats.clients, stats.slots, stats.distributors, stats.tasks["running"]) == (3, 12, 2, 1)


# Views


def test_rate_and_eta_follow_what_is_delivered(world: World) -> None:
    for index in range(0, 60, 2):
        world.now += 1
        world.deliver("a", "t", [index, index + 1])
    view = world.core.task_view("t", world.now)
    assert view is not None and view.rate == pytest.approx(2, rel=0.1)
    assert view.eta_s == pytest.approx(40 / view.rate)
    later = world.core.task_view("t", world.now + 300)
    assert later is not None and later.eta_s is None


def test_explain_names_what_is_missing() -> None:
    world = World()
    world.create("t", '{"range": [0, 100]}')
    assert "No distributor is connected" in world.core.explain("t", world.now)[-1]
    world.join("a")
    world.ask("a", 1, languages=["python"])
    assert "No connected client runs JavaScript" in world.core.explain("t", world.now)[-1]
    world.command("t", "pause")
    assert "resume" in world.core.explain("t", world.now)[-1]


def test_a_task_of_a_billion_payloads_costs_no_memory() -> None:
    world = World()
    world.join("a")
    world.create("t", '{"range": [0, 1000000000]}')
    world.ask("a", 10_000)
    view = world.core.task_view("t", world.now)
    assert view is not None and (view.leased, view.ready, view.blocks) == (10_000, 999_990_000, 1)
