"""What clients send back: results, failures, checkpoints, silence, and what managers take over."""

from disio_distributor.core import changes, commands, events
from disio_shared import messages
from disio_shared.messages import BlockRef
from tests.unit.distributor.core.bench import Bench, check
from tests.unit.distributor.core.scenes import assigned, reason, serving


def test_results_are_stored_before_they_are_acknowledged_and_delivered_until_committed() -> None:
    bench = serving()
    bench.join("s")
    assign = assigned(bench, "s")
    stored = bench.results("s", assign.token, assign.indexes)
    assert (stored.accepted, stored.dead) == (2, False)
    assert [each.results.indexes for each in bench.cache.outbox if each.results] == [[0, 1]]
    (deliver,) = bench.to_manager(messages.Deliver)
    bench.wait(10.0)
    assert bench.to_manager(messages.Deliver)[-1] == deliver
    bench.manager(messages.Committed(batch=deliver.batch))
    assert bench.cache.outbox == []
    assert bench.cache.held.blocks[0].done == [(0, 2)]
    check(bench)


def test_a_finished_block_is_forgotten_with_its_last_commit() -> None:
    bench = serving(stop=2)
    bench.join("s")
    assign = assigned(bench, "s")
    bench.results("s", assign.token, assign.indexes)
    decision = bench.handle(
        events.ManagerSaid("link", messages.Committed(batch=bench.to_manager(messages.Deliver)[0].batch))
    )
    assert [type(each) for each in decision.changes] == [changes.DropOutbox, changes.DropBlock]


def test_the_outbox_survives_a_manager_that_is_away_and_a_restart() -> None:
    bench = serving()
    bench.join("s")
    assign = assigned(bench, "s")
    bench.handle(events.ManagerLost("link"))
    bench.results("s", assign.token, assign.indexes)
    assert assigned(bench, "s").indexes, "work goes on"
    bench.restart()
    bench.admit("other")
    (deliver,) = bench.to_manager(messages.Deliver, "other")
    assert deliver.results[0].indexes == [0, 1]
    check(bench)


def test_a_second_manager_of_the_cluster_takes_over_what_was_under_way() -> None:
    bench = serving()
    bench.admit("second")
    bench.join("s")
    assign = assigned(bench, "s")
    bench.results("s", assign.token, assign.indexes)
    (deliver,) = bench.to_manager(messages.Deliver)
    bench.handle(events.ManagerLost("link"))
    assert bench.to_manager(messages.Deliver, "second") == [deliver]


def test_at_most_four_deliveries_are_under_way() -> None:
    bench = serving()
    bench.join("s")
    for _ in range(9):
        assign = assigned(bench, "s")
        bench.results("s", assign.token, assign.indexes, seconds=10.0)
    delivers = bench.to_manager(messages.Deliver)
    assert len(delivers) == 4
    bench.manager(messages.Committed(batch=delivers[0].batch))
    rest = bench.to_manager(messages.Deliver)[4]
    assert len(rest.results) == 1 and len(rest.results[0].indexes) == 10, "what waited travels together"


def test_a_lost_client_is_waited_for_and_then_replaced_without_a_failure() -> None:
    bench = serving(stop=2)
    bench.join("s")
    assigned(bench, "s")
    bench.handle(events.ClientLeft("s"))
    bench.join("other")
    assert bench.ready("other") is None
    bench.wait(14.9)
    assert not bench.to("other", messages.Assign)
    bench.wait(0.2)
    assert bench.to("other", messages.Assign)[0].indexes == [0, 1]
    assert [(each.index, each.outcome) for each in bench.cache.held.attempts] == [(0, "lost"), (1, "lost")]


def test_a_silent_client_loses_its_lease_and_a_beating_one_never_does() -> None:
    bench = serving()
    bench.join("s")
    assign = assigned(bench, "s")
    for _ in range(500):
        bench.wait(20.0)
        bench.handle(events.ClientSaid("s", messages.Progress(token=assign.token, indexes=[], fractions=[])))
    assert 0 in bench.work().assigned
    bench.wait(61.0)
    assert 0 not in bench.work().assigned and bench.work().is_open(0)


def test_a_late_result_counts_while_its_index_is_open_even_with_another_client() -> None:
    bench = serving(stop=2)
    bench.join("slow")
    slow = assigned(bench, "slow")
    bench.wait(61.0)
    bench.join("quick")
    quick = assigned(bench, "quick", slots=1)
    assert bench.results("slow", slow.token, [0]).accepted == 1
    again = bench.results("quick", quick.token, [0])
    assert (again.accepted, again.dead) == (0, True)
    check(bench)


def test_a_returning_client_keeps_what_nobody_else_has_even_after_a_restart() -> None:
    bench = serving(stop=20)
    bench.join("s", "client")
    assign = assigned(bench, "s")
    bench.restart()
    bench.join("s2", "client", holding=[assign.token, "nonsense"])
    assert [each.tokens for each in bench.to("s2", messages.Cancel)] == [["nonsense"]]
    bench.join("other")
    assert assigned(bench, "other").indexes == [2, 3]
    assert bench.results("s2", assign.token, [0, 1]).accepted == 2


def test_the_dead_end_of_a_broken_connection_is_closed_when_its_client_returns() -> None:
    bench = serving()
    bench.join("old", "client")
    assign = assigned(bench, "old")
    bench.join("new", "client", holding=[assign.token])
    assert commands.CloseClient("old") in bench.said
    bench.handle(events.ClientLeft("old"))
    bench.wait(30.0)
    assert 0 in bench.work().assigned, "the lease moved to the new session"


def test_a_token_is_believed_only_from_its_owner_and_for_its_indexes() -> None:
    bench = serving()
    bench.join("a")
    bench.join("b")
    assign = assigned(bench, "a")
    assert bench.results("b", assign.token, assign.indexes).accepted == 0
    assert bench.results("a", assign.token, [500]).accepted == 0
    assert bench.results("a", assign.token, [*assign.indexes, *assign.indexes]).accepted == 2


def test_columns_of_different_lengths_close_that_peer_alone() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    broken = messages.Results(token=assign.token, indexes=[0, 1], values=[b"1"], seconds=[0.0, 0.0])
    decision = bench.handle(events.ClientSaid("a", broken, 7))
    assert [type(each) for each in decision.commands] == [commands.Reply, commands.CloseClient]
    assert not decision.changes


def test_a_session_from_before_this_core_is_closed() -> None:
    bench = serving()
    assert bench.handle(events.ClientSaid("ghost", messages.Ready(slots=1))).commands == [commands.CloseClient("ghost")]


def test_a_failed_payload_goes_to_another_client_and_is_quarantined_with_its_errors() -> None:
    bench = serving(stop=1)
    bench.join("a")
    bench.join("b")
    first = assigned(bench, "a", slots=1)
    bench.failed("a", first.token, [0], "one")
    assert bench.ready("a") is None, "b is there and has not tried it"
    second = assigned(bench, "b", slots=1)
    bench.failed("b", second.token, [0], "two")
    third = bench.to("a", messages.Assign)[-1]
    bench.failed("a", third.token, [0], "three")
    (entry,) = bench.cache.outbox
    assert entry.failures is not None and entry.failures.errors == [["one", "two", "three"]]
    assert bench.cache.held.attempts == []
    check(bench)


def test_a_client_that_is_alone_tries_again_itself() -> None:
    bench = serving(stop=1)
    bench.join("a")
    for _ in range(3):
        bench.failed("a", assigned(bench, "a", slots=1).token, [0])
    assert bench.cache.outbox[0].failures is not None


def test_a_capable_client_that_never_asks_does_not_hold_a_failed_payload_up() -> None:
    bench = serving(stop=1, tidy_s=1000.0)
    bench.join("mute")
    bench.wait(200.0)
    bench.join("a")
    bench.failed("a", assigned(bench, "a", slots=1).token, [0])
    assert assigned(bench, "a", slots=1).indexes == [0]


def test_a_result_that_is_no_value_or_too_large_is_a_failure_of_its_index_alone() -> None:
    bench = serving(max_result_bytes=10)
    bench.join("a")
    assign = assigned(bench, "a", slots=3)
    values = [b"1", b"{", b'"0123456789"']
    said = messages.Results(token=assign.token, indexes=assign.indexes, values=values, seconds=[0.0] * 3)
    assert bench.report("a", said).accepted == 1
    assert [(each.index, each.error[:7]) for each in bench.cache.held.attempts] == [(1, "result:"), (2, "result:")]


def test_a_checkpoint_travels_to_the_next_client_and_goes_with_the_result() -> None:
    bench = serving(stop=1)
    bench.join("a")
    first = assigned(bench, "a", slots=1)
    assert bench.report("a", messages.Checkpoint(token=first.token, index=0, state=b"[1]")).accepted == 1
    assert bench.report("a", messages.Checkpoint(token=first.token, index=0, state=b"1" * 2_000_000)).accepted == 0
    bench.report("a", messages.Release(tokens=[first.token], indexes=[[]]))
    bench.join("b")
    second = assigned(bench, "b", slots=1)
    assert second.states == {0: b"[1]"}
    bench.results("b", second.token, [0])
    assert bench.cache.held.checkpoints == {"t": {}}
    check(bench)


def test_paused_work_waits_and_dropped_work_is_cancelled() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    bench.manager(messages.TaskState(task="t", state="paused"))
    assert reason(bench, "a") == "paused"
    bench.manager(messages.TaskState(task="t", state="running"))
    assert len(bench.to("a", messages.Assign)) == 1, "it has as much as its slots take"
    bench.manager(messages.TaskState(task="t", state="cancelled"))
    assert bench.to("a", messages.Cancel) == [messages.Cancel(task="t")]
    assert bench.results("a", assign.token, [0]).dead
    assert (bench.cache.held.tasks, bench.cache.held.blocks) == ([], [])


def test_status_names_paused_tasks_whose_blocks_it_holds() -> None:
    bench = serving()
    bench.join("a")
    assert last_status(bench).paused == []
    bench.manager(messages.TaskState(task="t", state="paused"))
    assert last_status(bench).paused == ["t"]
    bench.manager(messages.TaskState(task="t", state="running"))
    assert last_status(bench).paused == []


def last_status(bench: Bench) -> messages.Status:
    """Let the next Status be sent and return it."""
    bench.wait(5.0)
    return bench.to_manager(messages.Status)[-1]


def test_a_revoked_block_is_cancelled_unless_its_lease_is_newer() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    bench.manager(messages.Revoke(blocks=[BlockRef(block="t0", lease=0)]))
    assert 0 in bench.work().assigned
    bench.manager(messages.Revoke(blocks=[BlockRef(block="t0", lease=1)]))
    assert bench.to("a", messages.Cancel) == [messages.Cancel(task="t", tokens=[assign.token], indexes=[[0, 1]])]
    check(bench)


def test_what_is_under_way_is_not_computed_again_when_its_task_comes_back() -> None:
    bench = serving(stop=2)
    bench.join("c")
    first = assigned(bench, "c")
    bench.results("c", first.token, [0])
    assert bench.to_manager(messages.Deliver), "0 is under way"
    bench.manager(messages.TaskState(task="t", state="cancelled"))
    bench.grant(0, 2)
    assert assigned(bench, "c").indexes == [1]
    check(bench)
