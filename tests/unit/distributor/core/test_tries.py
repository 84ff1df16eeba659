"""Failed and lost: who is blamed, two counts, two limits, and leases that live as long as their client does."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disio_distributor.core import events
from disio_distributor.core.records import Attempt
from disio_distributor.core.tries import MAX_CARRIED, MAX_CARRIED_CHARS, carried
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, check, manifest
from tests.unit.distributor.core.scenes import assigned, serving


def limited(stop: int = 1, **changed: Any) -> Bench:
    bench = Bench()
    bench.admit()
    bench.grant(0, stop, manifest(**changed))
    return bench


def vanish(bench: Bench, session: str) -> None:
    """A client goes away and does not come back in time."""
    bench.handle(events.ClientLeft(session))
    bench.wait(15.0)


def test_a_payload_that_clients_vanish_with_is_given_up_at_its_own_limit() -> None:
    bench = limited(max_lost=3, max_failures=2)
    for number in range(3):
        bench.join(f"s{number}")
        assign = assigned(bench, f"s{number}")
        if number == 1:
            bench.failed("s1", assign.token, [0], "boom")
            assert bench.cache.outbox == []
            bench.join("s1b")
            assigned(bench, "s1b")
            vanish(bench, "s1b")
        else:
            vanish(bench, f"s{number}")
    (entry,) = bench.cache.outbox
    assert entry.failures is not None
    assert entry.failures.errors == [["boom", "lost: 3 clients vanished while they ran it"]]
    assert bench.cache.held.attempts == []
    bench.wait(5.0)
    assert bench.to_manager(messages.Status)[-1].tallies == [messages.TaskTally(task="t", lost=3, failed=1)]
    check(bench)


def test_tries_go_back_with_their_block_and_count_at_whoever_gets_it_next() -> None:
    first = limited(stop=3, max_failures=3)
    for session in ("a", "b"):
        first.join(session)
        first.failed(session, assigned(first, session, 1).token, [0], f"{session} failed")
    first.handle(events.ClientLeft("a"))
    first.join("c")
    assigned(first, "c", 3)
    vanish(first, "c")
    first.handle(events.DrainAsked("stop"))
    (returned,) = first.to_manager(messages.Return)
    (tries,) = returned.tries
    assert tries.errors[:2] == ["a failed", "b failed"] and True in tries.lost
    assert first.cache.held.attempts == []

    second = Bench()
    second.admit()
    second.grant(0, 3, manifest(max_failures=3), tries=tries)
    second.restart()
    second.admit()
    second.join("a", cores=1)
    second.join("d")
    assert 0 not in assigned(second, "a", 1).indexes, "it failed it at the other distributor"
    assign = assigned(second, "d", 1)
    assert assign.indexes[0] == 0
    second.failed("d", assign.token, [0], "d failed")
    (entry,) = second.cache.outbox
    assert entry.failures is not None and entry.failures.indexes == [0]
    assert entry.failures.errors[0][:3] == ["a failed", "b failed", "d failed"]
    check(second)


def test_of_a_payload_that_is_done_or_tried_here_nothing_is_taken_in() -> None:
    bench = Bench()
    bench.admit()
    known = messages.TryColumns(
        task="t", indexes=[0, 1, 5], clients=["x"] * 3, errors=["bad"] * 3, lost=[False, True, False]
    )
    bench.grant(0, 3, manifest(), done=[(0, 1)], tries=known)
    assert [(each.index, each.outcome) for each in bench.cache.held.attempts] == [(1, "lost")]
    bench.grant(0, 3, manifest(), lease=2, done=[(0, 1)], tries=known)
    assert len(bench.cache.held.attempts) == 1
    check(bench)


def test_what_goes_back_is_bounded_and_whole() -> None:
    bench = limited(stop=400, max_lost=9, max_failures=9)
    work = bench.work()
    for index in range(400):
        for number in range(3):
            work.note(Attempt(task="t", index=index, client=f"c{number}", error="x" * 900, number=number))
    (tries,) = carried(work, [(0, 400)])
    assert len(tries.indexes) == MAX_CARRIED // 3 * 3 and set(Counter(tries.indexes).values()) == {3}
    assert {len(text) for text in tries.errors} == {MAX_CARRIED_CHARS}


def test_losses_survive_a_restart() -> None:
    bench = limited(max_lost=2)
    for session in ("a", "b"):
        bench.join(session)
        assigned(bench, session)
        vanish(bench, session)
        bench.restart()
        bench.admit()
    assert bench.cache.outbox[0].failures is not None


@pytest.mark.parametrize("client", ["a", "b", "c", "d", "e", "f"])
def test_only_what_may_have_been_running_is_blamed(client: str) -> None:
    # Both leases end at one moment, in an order that the tokens decide.
    bench = serving(stop=1000)
    bench.join(client, cores=2)
    for _ in range(3):
        assign = assigned(bench, client)
        bench.results(client, assign.token, assign.indexes, seconds=0.1)
    running, queued = assigned(bench, client), assigned(bench, client)
    bench.handle(events.ClientSaid(client, messages.Progress(token=running.token, indexes=[], fractions=[])))
    vanish(bench, client)
    blamed = [(each.index, each.outcome) for each in bench.cache.held.attempts]
    assert blamed == [(running.indexes[0], "lost"), (running.indexes[1], "lost")]
    assert len(running.indexes) > 2 and queued.indexes
    assert not bench.work().assigned
    check(bench)


def test_a_clean_leave_counts_nothing_and_gives_back_at_once() -> None:
    bench = serving(stop=2)
    bench.join("a")
    assign = assigned(bench, "a")
    bench.join("b")
    bench.ready("b")
    bench.report("a", messages.Release(tokens=[assign.token], indexes=[[]]))
    assert bench.to("b", messages.Assign)[0].indexes == [0]
    assert bench.cache.held.attempts == []


def test_what_was_lost_waits_behind_the_rest() -> None:
    bench = serving(stop=4)
    bench.join("a", cores=1)
    assigned(bench, "a", slots=1)
    vanish(bench, "a")
    bench.join("b", cores=2)
    assert assigned(bench, "b").indexes == [1, 2]


def test_a_client_that_was_taken_for_lost_keeps_what_nobody_else_got() -> None:
    bench = serving(stop=2)
    bench.join("a", "client")
    assign = assigned(bench, "a")
    vanish(bench, "a")
    bench.join("a2", "client", holding=[assign.token])
    assert not bench.to("a2", messages.Cancel)
    assert len(bench.work().assigned) == 2
    assert bench.results("a2", assign.token, [0, 1]).accepted == 2
    check(bench)


@settings(max_examples=25, deadline=None)
@given(gaps=st.lists(st.floats(0.1, 59.9), min_size=1, max_size=60))
def test_a_client_that_shows_life_never_loses_its_lease(gaps: list[float]) -> None:
    bench = serving(stop=50, tidy_s=10_000.0)
    bench.join("a")
    first, second = assigned(bench, "a"), bench.ready("a")
    for gap in gaps:
        bench.wait(gap)
        bench.handle(events.ClientSaid("a", messages.Progress(token=first.token, indexes=[], fractions=[])))
        assert set(first.indexes) <= set(bench.work().assigned.indexes())
    assert second is None and bench.cache.held.attempts == []


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5), clean=st.booleans(), data=st.data())
def test_whoever_leaves_gives_all_back_at_once_or_at_the_deadline(
    sizes: list[int], clean: bool, data: st.DataObject
) -> None:
    bench = serving(stop=40)
    held: dict[str, messages.Assign] = {}
    for number, slots in enumerate(sizes):
        bench.join(f"s{number}", cores=slots)
        held[f"s{number}"] = assigned(bench, f"s{number}", slots=slots)
    gone = data.draw(st.sampled_from(sorted(held)))
    kept = {index for name, assign in held.items() if name != gone for index in assign.indexes}
    if clean:
        bench.report(gone, messages.Release(tokens=[held[gone].token], indexes=[[]]))
    bench.handle(events.ClientLeft(gone))
    assert (len(bench.work().assigned) == len(kept)) == clean
    bench.wait(15.0)
    assert set(bench.work().assigned.indexes()) == kept
    check(bench)


def test_copies_whose_leases_run_out_at_the_same_moment_end_together() -> None:
    bench = limited(max_lost=1)
    for name in ("one", "two"):
        bench.join(name)
    first = assigned(bench, "one", slots=1)
    work = bench.work()
    session = bench.core._state.roster.sessions["two"]
    runs = [(first.indexes[0], first.indexes[0] + 1)]
    work.copy(runs)
    bench.core._state.assign(session, work, runs, bench.now)
    for name in ("one", "two"):
        bench.handle(events.ClientLeft(name))
    bench.now += 1_000.0
    bench.handle(events.Ticked())
    (entry,) = bench.cache.outbox
    assert entry.failures is not None and entry.failures.indexes == first.indexes
    assert not bench.core._state.assignments.by_token
    check(bench)
