"""What operators want of a distributor: pause, stop, caps, drains that end, clients that are blocked."""

from disio_distributor.core import commands, events
from disio_distributor.core.obeying import BLOCKED
from disio_shared import messages
from disio_shared.messages import Orders
from tests.unit.distributor.core.bench import Bench, manifest
from tests.unit.distributor.core.scenes import assigned, reason, serving


def order(bench: Bench, version: int = 1, **wanted: object) -> None:
    bench.manager(Orders(version=version, **wanted))  # type: ignore[arg-type]


def test_a_pause_lets_what_runs_finish_hands_out_nothing_more_and_tells_why() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    order(bench, paused=True, reason="exams")
    assert not bench.to("a", messages.Cancel)
    asks = len(bench.to_manager(messages.Ask))
    assert reason(bench, "a") == "an operator has paused this distributor: exams"
    assert not bench.to_manager(messages.Return), "a unit of it runs still"
    assert bench.results("a", assign.token, assign.indexes).accepted == len(assign.indexes)
    assert bench.to_manager(messages.Return), "others may go on with what is left"
    bench.wait(100.0)
    assert len(bench.to_manager(messages.Ask)) == asks
    order(bench, version=2)
    assert len(bench.to_manager(messages.Ask)) == asks + 1
    bench.grant(2000, 2100)
    assert bench.to("a", messages.Assign)[-1].indexes[0] == 2000


def test_a_client_that_waits_hears_of_a_pause_at_once() -> None:
    bench = Bench()
    bench.admit()
    bench.join("a")
    bench.ready("a")
    order(bench, paused=True)
    assert bench.to("a", messages.Idle)[-1].reason == "an operator has paused this distributor"


def test_a_stop_ends_what_runs_and_gives_it_back_but_a_late_result_still_counts() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    order(bench, stopped=True)
    assert bench.to("a", messages.Cancel) == [messages.Cancel(task=assign.task, tokens=[assign.token])]
    assert [each.block for each in bench.to_manager(messages.Return)[-1].blocks] == ["t0"]


def test_one_task_is_stopped_and_another_goes_on() -> None:
    bench = serving()
    bench.grant(0, 1000, task=manifest("u"))
    bench.join("a")
    bench.join("b")
    first, second = assigned(bench, "a"), assigned(bench, "b")
    assert {first.task, second.task} == {"t", "u"}
    order(bench, tasks=["t"])
    stopped = bench.to("a" if first.task == "t" else "b", messages.Cancel)
    assert [each.task for each in stopped] == ["t"]
    for session in "abab":
        bench.ready(session)
    later = [each.task for session in "ab" for each in bench.to(session, messages.Assign)][2:]
    assert "t" not in later
    assert {ref.block for each in bench.to_manager(messages.Return) for ref in each.blocks} == {"t0"}


def test_slots_are_capped_and_the_oldest_clients_keep_theirs() -> None:
    bench = serving()
    bench.join("a", cores=2)
    bench.join("b", cores=2)
    order(bench, max_slots=3)
    assert bench.ready("a", 2) is not None
    assert reason(bench, "b") == "an operator allows this distributor 3 units at a time, and others run them"
    order(bench, version=2)
    assert bench.to("b", messages.Assign), "served as soon as it may be"


def test_fewer_clients_are_allowed_and_the_newest_are_sent_away() -> None:
    bench = Bench()
    bench.admit(siblings=["http://other"])
    bench.join("a")
    bench.join("b")
    order(bench, max_clients=1)
    assert not bench.to("a", messages.Redirect)
    assert [each.url for each in bench.to("b", messages.Redirect)] == ["http://other"]


def test_a_blocked_client_is_told_loses_its_payloads_and_its_session_and_cannot_come_back() -> None:
    bench = serving()
    bench.join("a")
    bench.join("b")
    assign = assigned(bench, "a")
    order(bench, blocked=["a"])
    assert bench.to("a", messages.Refused) == [messages.Refused(code="blocked", reason=BLOCKED)]
    assert commands.CloseClient("a") in bench.said
    second = assigned(bench, "b")
    assert second.indexes[0] == assign.indexes[0], "at once assignable"
    bench.join("a")
    assert len(bench.to("a", messages.Refused)) == 2


def test_a_drain_by_an_operator_ends_when_it_is_undone_but_one_of_a_process_that_stops_never() -> None:
    bench = serving()
    bench.join("a")
    order(bench, drained=True)
    assert bench.to("a", messages.Pause)
    assert reason(bench, "a") == "an operator has asked this distributor to move its clients away"
    order(bench, version=2)
    assert bench.to("a", messages.Resume)
    assert commands.Undrained() in bench.said
    bench.grant(2000, 2100)
    assert bench.to("a", messages.Assign)
    order(bench, version=3, drained=True)
    bench.handle(events.DrainAsked("the distributor stops"))
    order(bench, version=4)
    assert reason(bench, "a") == "this distributor is going away"


def test_orders_hold_after_a_restart_and_older_ones_change_nothing() -> None:
    bench = serving()
    order(bench, version=5, paused=True)
    order(bench, version=4)
    bench.restart()
    bench.join("a")
    assert reason(bench, "a") == "an operator has paused this distributor"
    bench.admit()
    order(bench, version=6)
    bench.grant(3000, 3100)
    assert bench.to("a", messages.Assign)
