"""Repeats while no manager is there, and the votes they bring."""

from typing import Any

from disio_distributor.core import events
from disio_distributor.core.records import OutboxHead
from disio_distributor.core.tokens import read_token
from disio_distributor.core.votes import Votes
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, check, manifest
from tests.unit.distributor.core.scenes import assigned, reason, serving


def away(stop: int = 2, **changed: Any) -> Bench:
    """A bench whose only manager went away after ``a`` had computed everything."""
    bench = Bench()
    bench.admit()
    bench.grant(0, stop, manifest(**changed))
    bench.join("a")
    while (assign := bench.ready("a")) is not None:
        bench.results("a", assign.token, assign.indexes)
    bench.handle(events.ManagerLost("link"))
    return bench


def votes_of(bench: Bench) -> list[tuple[str, list[int]]]:
    """Who voted on what, as the cache has it."""
    return [(each.votes.clients[0], each.votes.indexes) for each in bench.cache.outbox if each.votes is not None]


def head(kind: str, client: str, start: int, stop: int) -> OutboxHead:
    return OutboxHead(id=1, cluster="k", manager="m", task="t", kind=kind, runs=[(start, stop)], client=client, bytes=1)


def test_an_idle_client_checks_results_of_others_and_its_answer_is_a_vote() -> None:
    bench = away()
    assert bench.to("a", messages.Idle), "it does not check itself"
    bench.handle(events.ClientLeft("a"))
    bench.join("b")
    repeat = assigned(bench, "b")
    assert repeat.indexes == [0, 1] and repeat.payloads == [b"0", b"1"]
    read = read_token(b"k" * 32, repeat.token)
    assert read is not None and read.is_repeat
    assert bench.results("b", repeat.token, [0, 1]).accepted == 2
    assert votes_of(bench) == [("b", [0, 1])]
    assert reason(bench, "b") == "no manager reachable"
    check(bench)
    bench.admit()
    votes = [part for each in bench.to_manager(messages.Deliver) for part in each.votes]
    assert [(each.indexes, each.clients) for each in votes] == [([0, 1], ["b"])]


def test_a_task_that_waits_is_not_repeated() -> None:
    bench = away(when_exhausted="wait")
    bench.join("b")
    assert reason(bench, "b") == "no manager reachable"


def test_a_client_that_waited_when_the_manager_went_is_served() -> None:
    bench = serving(stop=2)
    bench.join("a")
    assign = assigned(bench, "a")
    bench.join("b")
    bench.ready("b")
    bench.handle(events.ManagerLost("link"))
    assert not bench.to("b", messages.Assign)
    bench.results("a", assign.token, [0, 1])
    assert bench.to("b", messages.Assign)[0].indexes == [0]
    assert assigned(bench, "b").indexes == [1]


def test_nothing_is_repeated_more_often_than_the_task_wants_and_the_least_checked_first() -> None:
    bench = away(stop=4, max_redundancy=3)
    for name in ("b", "c"):
        bench.join(name, cores=2)
        repeat = assigned(bench, name, slots=2)
        bench.results(name, repeat.token, repeat.indexes[:1])
        bench.report(name, messages.Release(tokens=[repeat.token], indexes=[[]]))
    assert votes_of(bench) == [("b", [0]), ("c", [1])]
    bench.join("d", cores=1)
    assert bench.results("d", assigned(bench, "d", slots=1).token, [2]).accepted == 1
    seen = []
    for name in "efghijkl":
        bench.join(name, cores=4)
        while (further := bench.ready(name, slots=4)) is not None:
            seen += further.indexes
            bench.results(name, further.token, further.indexes)
    assert sorted(seen) == [0, 1, 2, 3, 3], "each had three results in the end"
    assert seen[0] == 3
    check(bench)


def test_a_failed_repeat_is_dropped_and_not_tried_again_by_the_same_client() -> None:
    bench = away(stop=1)
    bench.join("b")
    repeat = assigned(bench, "b")
    assert bench.failed("b", repeat.token, [0]).accepted == 0
    assert bench.cache.held.attempts == [] and bench.core._state.tallies() == []
    assert bench.ready("b") is None
    bench.join("c")
    assert assigned(bench, "c").indexes == [0]
    check(bench)


def test_an_invalid_repeat_is_no_vote_and_a_saved_state_of_one_is_not_kept() -> None:
    bench = away(stop=1)
    bench.join("b")
    repeat = assigned(bench, "b")
    bench.report("b", messages.Checkpoint(token=repeat.token, index=0, state=b"[1]"))
    said = messages.Results(token=repeat.token, indexes=[0], values=[b"{"], seconds=[1.0])
    assert bench.report("b", said).accepted == 0
    assert votes_of(bench) == [] and bench.cache.held.checkpoints == {} and bench.cache.held.attempts == []


def test_no_repeats_when_the_manager_is_back_and_late_ones_are_votes_even_after_a_restart() -> None:
    bench = away(stop=4)
    bench.handle(events.ClientLeft("a"))
    bench.join("b", cores=2)
    repeat = assigned(bench, "b")
    assert repeat.indexes == [0, 1, 2, 3]
    bench.restart()
    bench.admit()
    bench.join("b", cores=2)
    assert bench.ready("b") is None
    assert bench.results("b", repeat.token, [0]).accepted == 1
    assert bench.results("b", repeat.token, [0]).accepted == 0, "not twice"
    assert votes_of(bench) == [("b", [0])]
    for deliver in bench.to_manager(messages.Deliver):
        bench.manager(messages.Committed(batch=deliver.batch))
    assert bench.results("b", repeat.token, [1]).accepted == 0, "thanked and dropped"
    check(bench)


def test_repeats_do_not_hold_up_a_drain_or_count_as_lost() -> None:
    bench = away(stop=2)
    bench.join("b")
    assigned(bench, "b")
    bench.handle(events.ClientLeft("b"))
    bench.wait(16.0)
    assert bench.cache.held.attempts == [] and bench.core._state.tallies() == []
    bench.join("c")
    assert assigned(bench, "c").indexes == [0]
    assert not bench.core._state.assignments.are_awaited
    check(bench)


def test_fresh_work_goes_before_repeats() -> None:
    bench = serving(stop=6)
    bench.join("a", cores=2)
    assign = assigned(bench, "a")
    bench.results("a", assign.token, assign.indexes, seconds=50.0)
    bench.handle(events.ManagerLost("link"))
    bench.join("b", cores=2)
    fresh = assigned(bench, "b")
    assert fresh.indexes == [2]
    bench.results("b", fresh.token, fresh.indexes, seconds=50.0)
    while min((fresh := assigned(bench, "b")).indexes) > 1:
        bench.results("b", fresh.token, fresh.indexes, seconds=50.0)
    assert not bench.work().ready_count


def test_who_computed_what_is_rebuilt_from_the_heads_in_any_order() -> None:
    heads = [head("votes", "b", 0, 3), head("results", "a", 0, 5), head("failures", "", 5, 9), head("votes", "c", 2, 4)]
    votes = Votes(heads)
    assert [layer.runs() for layer in votes._layers] == [[(0, 5)], [(0, 4)], [(2, 3)]]
    assert votes.offer("z", 10, 64, max_results=5) == [(0, 5)]
    assert votes.offer("z", 3, 64, max_results=2) == [(4, 5)]
    assert votes.offer("b", 10, 64, max_results=5) == [(3, 5)]
    assert votes.offer("a", 10, 64, max_results=5) == []


def test_a_question_over_many_results_is_answered_in_windows() -> None:
    votes = Votes([head("results", "a", 0, 100_000)])
    votes.voted("b", [(0, 99_000)])
    assert votes.offer("c", 2_000, 64, max_results=5) == [(0, 1000), (99_000, 100_000)]
    votes.committed([(0, 99_500)])
    assert votes.offer("c", 2_000, 64, max_results=5) == [(99_500, 100_000)]
    assert votes.wanted_of("b", [(98_000, 99_600)], max_results=5) == [(99_500, 99_600)]
