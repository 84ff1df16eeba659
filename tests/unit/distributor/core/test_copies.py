"""Speculative copies: when, of what, for whom, and who wins."""

from disio_distributor.core import events
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, check, manifest
from tests.unit.distributor.core.scenes import assigned, serving


def tail(stuck_with: int = 2, **settings: object) -> tuple[Bench, messages.Assign]:
    """A bench whose last payloads are with a client that is silent about them; others took 1 s a unit."""
    bench = serving(stop=6 + stuck_with, **settings)
    bench.join("quick", cores=6)
    first = assigned(bench, "quick", slots=6)
    bench.results("quick", first.token, first.indexes, seconds=1.0)
    bench.join("slow", cores=stuck_with)
    stuck = bench.ready("slow", slots=stuck_with) or bench.to("slow", messages.Assign)[-1]
    while len(bench.work().assigned) < stuck_with:
        assert bench.ready("slow", slots=stuck_with) is not None
    return bench, stuck


def copies_of(bench: Bench, session: str) -> list[int]:
    """All that a session was assigned."""
    return [index for each in bench.to(session, messages.Assign) for index in each.indexes]


def test_a_waiting_client_gets_a_copy_after_twice_the_usual_time_and_no_sooner() -> None:
    bench, stuck = tail(stuck_with=1)
    bench.join("idle")
    assert bench.ready("idle") is None
    bench.wait(1.9)
    assert not bench.to("idle", messages.Assign)
    bench.wait(0.4)
    (copy,) = bench.to("idle", messages.Assign)
    assert copy.indexes == stuck.indexes and copy.token != stuck.token
    assert [(each.task, each.copies) for each in bench.core._state.tallies()] == [("t", 1)]
    check(bench)


def test_the_first_result_wins_and_the_loser_is_told_to_stop_just_that() -> None:
    bench, _ = tail(stuck_with=2)
    bench.join("idle", cores=1)
    bench.ready("idle", slots=1)
    bench.wait(3.0)
    copy = bench.to("idle", messages.Assign)[-1]
    assert len(copy.indexes) == 1
    assert bench.results("idle", copy.token, copy.indexes).accepted == 1
    (cancel,) = bench.to("slow", messages.Cancel)
    assert (cancel.task, len(cancel.tokens), cancel.indexes) == ("t", 1, [copy.indexes])
    assert bench.results("slow", cancel.tokens[0], copy.indexes).accepted == 0
    check(bench)


def test_the_one_who_was_stuck_may_win_too() -> None:
    bench, stuck = tail(stuck_with=1)
    bench.join("idle")
    bench.ready("idle")
    bench.wait(3.0)
    copy = bench.to("idle", messages.Assign)[-1]
    assert bench.results("slow", stuck.token, stuck.indexes).accepted == 1
    assert bench.to("idle", messages.Cancel) == [messages.Cancel(task="t", tokens=[copy.token], indexes=[copy.indexes])]
    check(bench)


def test_there_are_at_most_two_and_never_both_with_one_client() -> None:
    bench, _ = tail(stuck_with=1)
    bench.join("twin", "slow")
    assert bench.ready("twin") is None
    bench.wait(5.0)
    assert not bench.to("twin", messages.Assign)
    for session in ("second", "third"):
        bench.join(session)
        bench.ready(session)
        bench.wait(5.0)
    assert len(copies_of(bench, "second")) == 1
    assert copies_of(bench, "third") == []
    check(bench)


def test_a_copy_keeps_the_payload_assigned_when_the_other_batch_ends() -> None:
    for last_of in ("slow", "idle"):
        bench, stuck = tail(stuck_with=1)
        bench.join("idle")
        bench.ready("idle")
        bench.wait(3.0)
        copy = bench.to("idle", messages.Assign)[-1]
        token = {"slow": copy.token, "idle": stuck.token}[last_of]
        other = {"slow": "idle", "idle": "slow"}[last_of]
        bench.report(other, messages.Release(tokens=[token], indexes=[[]]))
        assert bench.work().ready_count == 0 and len(bench.work().assigned) == 1
        check(bench)
        bench.handle(events.ClientLeft(last_of))
        bench.wait(16.0)
        assert bench.work().is_open(stuck.indexes[0]) and not bench.work().copied
        check(bench)


def test_a_copy_that_fails_counts_as_a_try_and_leaves_the_other_at_work() -> None:
    bench, stuck = tail(stuck_with=1)
    bench.join("idle")
    bench.ready("idle")
    bench.wait(3.0)
    copy = bench.to("idle", messages.Assign)[-1]
    assert bench.failed("idle", copy.token, copy.indexes).accepted == 1
    assert (bench.work().ready_count, len(bench.work().assigned)) == (0, 1)
    bench.ready("idle")
    bench.wait(20.0)
    assert len(bench.to("idle", messages.Assign)) == 1, "who failed it gets it no more"
    assert bench.results("slow", stuck.token, stuck.indexes).accepted == 1
    assert bench.cache.held.attempts == []
    check(bench)


def test_no_copies_while_anything_is_ready_or_before_enough_is_known() -> None:
    bench = serving(stop=3)
    for session in ("a", "b"):
        bench.join(session, cores=1)
    assigned(bench, "a", slots=1)
    second = assigned(bench, "b", slots=1)
    bench.results("b", second.token, second.indexes, seconds=0.01)
    assert len(assigned(bench, "b", slots=1).indexes) == 1
    bench.join("idle")
    bench.ready("idle")
    bench.wait(30.0)
    assert not bench.to("idle", messages.Assign), "one time is no measure"


def test_copies_of_the_more_urgent_task_come_first_and_paused_ones_not_at_all() -> None:
    bench = Bench()
    bench.admit()
    for name, priority in (("low", 0), ("high", 5), ("paused", 9)):
        bench.grant(0, 6, manifest(name, priority=priority))
        bench.join(f"{name}-1", cores=5)
        assign = assigned(bench, f"{name}-1", slots=5)
        bench.results(f"{name}-1", assign.token, assign.indexes, seconds=1.0)
        bench.join(f"{name}-2", cores=1)
        assert assigned(bench, f"{name}-2", slots=1).task == name
    bench.manager(messages.TaskState(task="paused", state="paused"))
    bench.wait(10.0)
    bench.join("idle", cores=1)
    assert assigned(bench, "idle", slots=1).task == "high"


def test_what_waits_behind_a_stuck_unit_is_copied_too() -> None:
    bench = serving(stop=100)
    bench.join("a", cores=1)
    for _ in range(3):
        assign = assigned(bench, "a", slots=1)
        bench.results("a", assign.token, assign.indexes, seconds=0.1)
    held = assigned(bench, "a", slots=1)
    while bench.ready("a", slots=1) is not None:
        pass
    bench.join("idle", cores=4)
    taken = bench.ready("idle", slots=4)
    while taken is not None:
        bench.results("idle", taken.token, taken.indexes, seconds=0.1)
        taken = bench.ready("idle", slots=4)
    bench.wait(2.0)
    copy = bench.to("idle", messages.Assign)[-1]
    assert copy.indexes == held.indexes[:4], "as many as it has slots"
    check(bench)


def test_a_copy_of_what_is_given_up_is_taken_back() -> None:
    bench, stuck = tail(stuck_with=1)
    bench.failed("slow", stuck.token, stuck.indexes)
    second = assigned(bench, "quick", slots=6)
    bench.failed("quick", second.token, second.indexes)
    bench.join("third", cores=1)
    third = assigned(bench, "third", slots=1)
    bench.join("idle", cores=1)
    bench.ready("idle", slots=1)
    bench.wait(3.0)
    copy = bench.to("idle", messages.Assign)[-1]
    bench.failed("idle", copy.token, copy.indexes)
    assert bench.to("third", messages.Cancel)[-1].tokens == [third.token]
    assert bench.cache.outbox[-1].failures is not None
    check(bench)


def stuck_among_others(priority: int, others: int) -> Bench:
    """A bench on which a client, ``slow``, says nothing about its unit of a task while ``busy`` gets on with others."""
    bench = Bench()
    bench.admit()
    bench.grant(0, 7, manifest("stuck", priority=priority))
    bench.join("busy", cores=6)
    assign = assigned(bench, "busy", slots=6)
    bench.results("busy", assign.token, assign.indexes, seconds=1.0)
    bench.join("slow", cores=1)
    assert assigned(bench, "slow", slots=1).task == "stuck"
    bench.grant(0, 1000, manifest("others", priority=others))
    return bench


def kept_busy(bench: Bench, seconds: float) -> list[str]:
    """The tasks that a client which works on for so long is given, in order; what it has it finishes in a second."""
    seen = len(bench.to("busy", messages.Assign))
    for _ in range(int(seconds)):
        bench.ready("busy", slots=1)
        bench.wait(1.0)
        for each in bench.to("busy", messages.Assign)[seen:]:
            bench.results("busy", each.token, each.indexes, seconds=1.0)
    return [each.task for each in bench.to("busy", messages.Assign)[seen:]]


def test_a_stuck_task_whose_turn_it_would_be_is_copied_though_other_work_is_ready() -> None:
    for priority in (0, 5):
        bench = stuck_among_others(priority=priority, others=0)
        bench.work("stuck").served = 0.0
        given = kept_busy(bench, 8.0)
        assert given[0] == "others" and given.count("stuck") == 1
        assert not bench.work("stuck").open_count
        check(bench)


def test_a_stuck_task_of_lower_priority_waits_for_the_others() -> None:
    bench = stuck_among_others(priority=-1, others=0)
    assert set(kept_busy(bench, 8.0)) == {"others"}
    check(bench)


def test_a_batch_that_never_got_its_turn_is_stuck_when_later_ones_of_its_client_move() -> None:
    bench = Bench()
    bench.admit()
    bench.grant(0, 7, manifest("stuck"))
    bench.join("busy", cores=6)
    assign = assigned(bench, "busy", slots=6)
    bench.results("busy", assign.token, assign.indexes, seconds=1.0)
    bench.join("leaky", cores=1)
    lost = assigned(bench, "leaky", slots=1)
    bench.ready("busy", slots=1)
    bench.grant(0, 1000, manifest("others", priority=-1))
    for _ in range(8):
        later = bench.ready("leaky", slots=1) or bench.to("leaky", messages.Assign)[-1]
        bench.wait(1.0)
        bench.results("leaky", later.token, later.indexes, seconds=1.0)
    (own,) = [each for each in bench.to("busy", messages.Assign) if each.task == "others"]
    bench.results("busy", own.token, own.indexes, seconds=1.0)
    bench.ready("busy", slots=1)
    copies = [each for each in bench.to("busy", messages.Assign) if each.indexes == lost.indexes]
    assert [each.task for each in copies] == ["stuck"]
    check(bench)
