"""A dispatcher's behaviour, one promise a test."""

from disio_distributor.core import changes, commands, events
from disio_shared import messages
from disio_shared.messages import BlockGrant, BlockRef
from tests.unit.distributor.core.bench import Bench, check, manifest, results_of


def serving(stop: int = 1000, **settings: object) -> Bench:
    """A bench with a manager and one block."""
    bench = Bench(**settings)
    bench.admit()
    bench.grant(0, stop)
    return bench


def assigned(bench: Bench, session: str, slots: int = 2) -> messages.Assign:
    """What a client gets at once."""
    assign = bench.ready(session, slots)
    assert assign is not None
    return assign


def reason(bench: Bench, session: str) -> str:
    """Why a client gets nothing."""
    assert bench.ready(session) is None
    return bench.to(session, messages.Idle)[-1].reason


def test_a_ready_without_work_is_answered_when_work_appears() -> None:
    bench = Bench()
    bench.join("s")
    assert reason(bench, "s") == "no manager reachable"
    bench.admit()
    bench.manager(messages.Grant(request=1, waiting="all work is leased"))
    assert reason(bench, "s") == "all work is leased"
    bench.grant(0, 10)
    (assign,) = bench.to("s", messages.Assign)
    assert assign.indexes == [0, 1] and assign.payloads == [b"0", b"1"]
    check(bench)


def test_the_reason_names_what_the_client_lacks() -> None:
    bench = Bench()
    bench.admit()
    bench.grant(0, 10, manifest("w", language="wasm"))
    bench.join("s", languages=["javascript"])
    assert reason(bench, "s") == "no task runs here: needs wasm"
    bench.join("web", kind="web", memory_mb=100)
    bench.grant(0, 10, manifest("m", memory_mb=200, priority=1, language="wasm"))
    assert assigned(bench, "web").task == "w"


def test_nothing_is_handed_out_before_its_code_is_here() -> None:
    bench = Bench()
    bench.admit()
    bench.join("s")
    block = BlockGrant(block="b", lease=1, task="t", start=0, stop=10)
    bench.manager(messages.Grant(request=1, tasks=[manifest()], blocks=[block]))
    assert [each.workunit for each in bench.to_manager(messages.FetchWorkunit)] == ["c" * 64]
    assert "code" in reason(bench, "s")
    bench.manager(messages.WorkunitCode(workunit="c" * 64, language="javascript", code=b"x"))
    assert len(bench.to("s", messages.Assign)) == 1


def test_batches_grow_to_the_target_time_and_no_faster_than_eight_times() -> None:
    bench = serving(stop=100_000)
    bench.join("s")
    sizes = []
    for _ in range(6):
        assign = assigned(bench, "s")
        sizes.append(len(assign.indexes))
        bench.results("s", assign.token, assign.indexes, seconds=0.01)
    assert sizes == [2, 16, 128, 600, 600, 600]


def test_long_units_go_out_one_per_slot() -> None:
    bench = serving()
    bench.join("s")
    first = assigned(bench, "s")
    bench.results("s", first.token, first.indexes[:1], seconds=100.0)
    bench.results("s", first.token, first.indexes[1:], seconds=100.0)
    assert len(assigned(bench, "s").indexes) == 2
    assert bench.ready("s") is None, "both slots are busy"
    current = bench.to("s", messages.Assign)[-1]
    bench.results("s", current.token, current.indexes[:1], seconds=100.0)
    assert len(bench.to("s", messages.Assign)[-1].indexes) == 1, "the free slot is served without a new Ready"
    check(bench)


def test_at_the_tail_clients_share_what_is_left() -> None:
    bench = serving(stop=40)
    for session in ("a", "b"):
        bench.join(session)
        assign = assigned(bench, session)
        bench.results(session, assign.token, assign.indexes, seconds=0.001)
    assert len(assigned(bench, "a").indexes) == 9
    assert len(assigned(bench, "b").indexes) == 7


def test_a_higher_priority_goes_first_and_equals_share_by_weight() -> None:
    bench = Bench()
    bench.admit()
    bench.grant(0, 1000, manifest("light", weight=1.0))
    bench.grant(0, 1000, manifest("heavy", weight=3.0))
    bench.join("s")
    count = {"light": 0, "heavy": 0, "urgent": 0}
    for _ in range(40):
        assign = assigned(bench, "s")
        count[assign.task] += 1
        bench.results("s", assign.token, assign.indexes, seconds=2.0)
    assert 8 <= count["light"] <= 12 and 28 <= count["heavy"] <= 32
    bench.grant(0, 1000, manifest("urgent", priority=5))
    assert assigned(bench, "s").task == "urgent"


def test_results_are_stored_before_they_are_acknowledged_and_delivered_until_committed() -> None:
    bench = serving()
    bench.join("s")
    assign = assigned(bench, "s")
    stored = bench.results("s", assign.token, assign.indexes)
    assert (stored.accepted, stored.dead) == (2, False)
    assert [each.results.indexes for each in bench.cache.held.outbox if each.results] == [[0, 1]]
    (deliver,) = bench.to_manager(messages.Deliver)
    bench.wait(10.0)
    assert bench.to_manager(messages.Deliver)[-1] == deliver
    bench.manager(messages.Committed(batch=deliver.batch))
    assert bench.cache.held.outbox == []
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
    assert bench.cache.held.attempts == []


def test_a_silent_client_loses_its_lease_and_a_beating_one_never_does() -> None:
    bench = serving()
    bench.join("s")
    assign = assigned(bench, "s")
    for _ in range(500):
        bench.wait(20.0)
        bench.handle(events.ClientSaid("s", messages.Progress(token=assign.token, indexes=[], fractions=[])))
    assert 0 in bench.work().assigned
    bench.wait(61.0)
    assert 0 in bench.work().ready


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
    (entry,) = bench.cache.held.outbox
    assert entry.failures is not None and entry.failures.errors == [["one", "two", "three"]]
    assert bench.cache.held.attempts == []
    check(bench)


def test_a_client_that_is_alone_tries_again_itself() -> None:
    bench = serving(stop=1)
    bench.join("a")
    for _ in range(3):
        bench.failed("a", assigned(bench, "a", slots=1).token, [0])
    assert bench.cache.held.outbox[0].failures is not None


def test_a_capable_client_that_never_asks_does_not_hold_a_failed_payload_up() -> None:
    bench = serving(stop=1)
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


def test_a_revoked_block_is_cancelled_unless_its_lease_is_newer() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    bench.manager(messages.Revoke(blocks=[BlockRef(block="t0", lease=0)]))
    assert 0 in bench.work().assigned
    bench.manager(messages.Revoke(blocks=[BlockRef(block="t0", lease=1)]))
    assert bench.to("a", messages.Cancel) == [messages.Cancel(task="t", tokens=[assign.token])]
    check(bench)


def test_work_is_asked_for_once_by_what_the_clients_can_run() -> None:
    bench = Bench()
    bench.admit()
    assert bench.to_manager(messages.Ask) == []
    bench.join("a", languages=["javascript"], cores=3)
    (ask,) = bench.to_manager(messages.Ask)
    assert (ask.payloads, ask.languages, ask.kinds) == (12, ["javascript"], ["cli"])
    bench.join("b", languages=["wasm"])
    assert bench.to_manager(messages.Ask)[-1].languages == ["javascript", "wasm"]
    assert len(bench.to_manager(messages.Ask)) == 2
    bench.wait(30.0)
    assert len(bench.to_manager(messages.Ask)) == 3, "asked again when nothing came"


def test_quick_clients_make_the_distributor_ask_for_two_minutes_of_work() -> None:
    bench = serving(stop=100)
    bench.join("a")
    for _ in range(4):
        assign = assigned(bench, "a", slots=4)
        bench.wait(len(assign.indexes) / 8)
        bench.results("a", assign.token, assign.indexes, seconds=0.5)
    assert 700 < bench.to_manager(messages.Ask)[-1].payloads < 1400, "8 a second for 120 s"


def test_blocks_no_client_can_work_on_go_back() -> None:
    bench = serving(tidy_s=20.0)
    bench.join("a")
    bench.handle(events.ClientLeft("a"))
    bench.wait(100.0)
    assert bench.to_manager(messages.Return) == [messages.Return(blocks=[BlockRef(block="t0", lease=1)])]
    bench.wait(60.0)
    assert bench.cache.held.tasks == []


def test_status_names_the_held_blocks() -> None:
    bench = serving()
    bench.join("a", cores=2)
    bench.wait(5.0)
    status = bench.to_manager(messages.Status)[-1]
    assert (status.clients, status.slots, status.kinds) == (1, 2, {"cli": 1})
    assert status.held == [BlockRef(block="t0", lease=1)]


def test_a_drain_moves_clients_waits_for_results_returns_blocks_and_ends() -> None:
    bench = serving()
    bench.manager(messages.Siblings(urls=["http://other"]))
    bench.join("a")
    assign = assigned(bench, "a")
    bench.handle(events.DrainAsked("maintenance"))
    assert bench.to("a", messages.Redirect) == [messages.Redirect(url="http://other", reason="maintenance")]
    assert bench.ready("a") is None
    bench.results("a", assign.token, assign.indexes)
    assert bench.to_manager(messages.Return) == [messages.Return(blocks=[BlockRef(block="t0", lease=1)])]
    assert commands.Drained() not in bench.said
    bench.manager(messages.Committed(batch=bench.to_manager(messages.Deliver)[0].batch))
    assert bench.said.count(commands.Drained()) == 1


def test_a_drain_ends_although_nobody_answers() -> None:
    bench = serving()
    bench.join("a")
    assigned(bench, "a")
    bench.handle(events.DrainAsked("stop"))
    assert bench.to("a", messages.Pause) == [messages.Pause(reason="stop")]
    bench.wait(20.0)
    assert bench.said.count(commands.Drained()) == 1


def test_listed_payloads_come_from_their_blocks() -> None:
    bench = Bench()
    bench.admit()
    listed = manifest("l", payloads=b"")
    bench.grant(0, 2, listed, payloads=[b'"a"', b'"b"'])
    bench.grant(2, 4, listed, payloads=[b'"c"', b'"d"'])
    bench.join("a", cores=4)
    assert assigned(bench, "a", slots=4).payloads == [b'"a"', b'"b"', b'"c"', b'"d"']
    bench.restart()
    bench.join("a", cores=4)
    assert assigned(bench, "a", slots=4).payloads == [b'"a"', b'"b"', b'"c"', b'"d"']


def test_large_payloads_are_spread_over_messages_and_impossible_ones_fail() -> None:
    bench = Bench(max_batch_bytes=100, max_payload_bytes=200)
    bench.admit()
    bench.grant(0, 4, manifest("l", payloads=b""), payloads=[b"1" * 60, b"1" * 60, b"1" * 300, b"1"])
    bench.join("a", cores=4)
    assert assigned(bench, "a", slots=4).indexes == [0]
    assert bench.ready("a", slots=4) is not None
    failures = [each.failures for each in bench.cache.held.outbox if each.failures]
    assert [each.indexes for each in failures] == [[2]]
    check(bench)


def test_a_grant_that_is_not_understood_goes_back_and_is_not_asked_for_again_at_once() -> None:
    bench = Bench()
    bench.admit()
    bench.join("a")
    block = BlockGrant(block="b", lease=3, task="unknown", start=0, stop=5)
    bench.manager(messages.Grant(request=1, blocks=[block]))
    assert bench.to_manager(messages.Return) == [messages.Return(blocks=[BlockRef(block="b", lease=3)])]
    assert len(bench.to_manager(messages.Ask)) == 1


def test_a_full_outbox_stops_new_work_until_a_manager_has_taken_it() -> None:
    bench = serving(max_outbox_bytes=10)
    bench.join("a")
    assign = assigned(bench, "a")
    bench.results("a", assign.token, assign.indexes)
    assert "manager" in reason(bench, "a")
    bench.manager(messages.Committed(batch=bench.to_manager(messages.Deliver)[0].batch))
    assert len(bench.to("a", messages.Assign)) == 2


def test_odd_times_of_clients_are_made_sane() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a", slots=4)
    said = messages.Results(
        token=assign.token,
        indexes=assign.indexes,
        values=[b"1"] * 4,
        seconds=[float("nan"), -3.0, 1e300, 2.0],
    )
    bench.report("a", said)
    entry = bench.cache.held.outbox[0]
    assert entry.results is not None and entry.results.seconds == [0.0, 0.0, 120.0, 2.0]


def test_stats_count() -> None:
    bench = serving(stop=10)
    bench.join("a", cores=2)
    assign = assigned(bench, "a")
    bench.results("a", assign.token, [0])
    stats = bench.core.stats(bench.now)
    assert (stats.clients, stats.slots, stats.held_payloads, stats.assigned_payloads) == (1, 2, 9, 1)
    assert (stats.outbox_entries, stats.outbox_results, stats.blocks, stats.tasks, stats.managers) == (1, 1, 1, 1, 1)
    assert stats.rate > 0 and results_of(assign.token, [1]).indexes == [1]


def test_managers_soon_learn_that_clients_came_in_one_status_for_all() -> None:
    bench = serving()
    bench.wait(5.0)
    before = len(bench.to_manager(messages.Status))
    for name in ("a", "b", "c"):
        bench.join(name)
    bench.wait(1.0)
    status = bench.to_manager(messages.Status)
    assert len(status) == before + 1
    assert status[-1].clients == 3
