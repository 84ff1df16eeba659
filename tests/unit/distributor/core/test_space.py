"""A cache that fills up, and an outbox that is larger than the memory for it."""

from typing import Any

from disio_distributor.core import commands, events
from disio_shared import messages
from tests.unit.distributor.core.bench import Bench, check, results_of
from tests.unit.distributor.core.scenes import assigned, reason, serving


def fill(bench: Bench, percent: int) -> None:
    bench.handle(events.SpaceSeen(percent, 100))


def answer(bench: Bench, session: str, message: Any) -> Any:
    """What a client's message is answered with."""
    decision = bench.handle(events.ClientSaid(session, message, 99))
    (reply,) = [each for each in decision.commands if isinstance(each, commands.Reply)]
    assert not any(isinstance(each, commands.CloseClient) for each in decision.commands)
    return reply.message


def test_nothing_is_handed_out_or_asked_for_from_80_percent_until_below_75() -> None:
    bench = serving()
    bench.join("a")
    asks = len(bench.to_manager(messages.Ask))
    fill(bench, 80)
    assert "80 % full" in reason(bench, "a")
    bench.wait(100.0)
    assert len(bench.to_manager(messages.Ask)) == asks
    assert bench.to_manager(messages.Status)[-1].space == 0.8
    fill(bench, 76)
    assert not bench.to("a", messages.Assign)
    fill(bench, 74)
    assert len(bench.to("a", messages.Assign)) == 1
    assert bench.core.stats(bench.now).space == 0.74


def test_results_are_taken_up_to_95_percent_and_then_kept_by_the_client() -> None:
    bench = serving(lease_s=60.0)
    bench.join("a")
    assign = assigned(bench, "a", slots=3)
    fill(bench, 94)
    assert bench.results("a", assign.token, assign.indexes[:1]).accepted == 1
    fill(bench, 95)
    before = bench.cache.load()
    for _ in range(3):
        bench.wait(50.0)
        said = answer(bench, "a", results_of(assign.token, assign.indexes[1:]))
        assert isinstance(said, messages.Error) and said.code == "full"
    failed = messages.Failed(token=assign.token, indexes=[1], errors=["x"], kinds=["error"])
    assert isinstance(answer(bench, "a", failed), messages.Error)
    assert bench.cache.load() == before
    fill(bench, 50)
    bench.join("b")
    assert not set(assigned(bench, "b").indexes) & set(assign.indexes), "they stayed its own all the time"
    assert bench.results("a", assign.token, assign.indexes[1:]).accepted == 2


def test_saved_states_are_not_taken_any_more_when_nothing_is_handed_out() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    checkpoint = messages.Checkpoint(token=assign.token, index=assign.indexes[0], state=b"1")
    fill(bench, 80)
    assert bench.report("a", checkpoint).accepted == 0
    fill(bench, 10)
    assert bench.report("a", checkpoint).accepted == 1


def test_what_was_added_since_the_measurement_counts() -> None:
    bench = serving()
    bench.join("a")
    assign = assigned(bench, "a")
    bench.handle(events.SpaceSeen(79_000, 100_000))
    said = messages.Results(token=assign.token, indexes=[0], values=[b'"' + b"x" * 1000 + b'"'], seconds=[1.0])
    bench.report("a", said)
    assert "80 % full" in reason(bench, "a")


def test_too_many_entries_are_a_full_cache_too() -> None:
    bench = serving(max_outbox_entries=10)
    bench.handle(events.ManagerLost("link"))
    bench.join("a")
    while not bench.to("a", messages.Idle):
        assign = bench.ready("a", 1)
        if assign is not None:
            bench.results("a", assign.token, assign.indexes, seconds=10.0)
    assert bench.core._state.outbox.entries == 8
    bench.restart()
    bench.join("a")
    assert "80 % full" in reason(bench, "a")


# An outbox larger than its memory


def backlog(entries: int, **settings: Any) -> Bench:
    """A bench whose manager was away while results came in, one by one."""
    bench = serving(max_outbox_memory=600, deliver_results=4, read_ahead=300, **settings)
    bench.join("a", cores=1)
    bench.handle(events.ManagerLost("link"))
    for _ in range(entries):
        assign = assigned(bench, "a", 1)
        for index in assign.indexes:
            bench.results("a", assign.token, [index], seconds=10.0)
    assert bench.core._state.outbox.memory <= 600
    return bench


def drain(bench: Bench) -> list[messages.Deliver]:
    """Commit whatever comes; return it in its order."""
    sent: list[messages.Deliver] = []
    while fresh := bench.to_manager(messages.Deliver)[len(sent) :]:
        state = bench.core._state
        assert len(state.outbox.flights) <= state.settings.max_flights
        assert state.outbox.memory <= 600 + 300
        sent.append(fresh[0])
        bench.manager(messages.Committed(batch=fresh[0].batch))
        check(bench)
    return sent


def indexes_of(sent: list[messages.Deliver]) -> list[int]:
    return [index for each in sent for part in each.results for index in part.indexes]


def test_an_outbox_larger_than_its_memory_is_read_back_and_delivered_once() -> None:
    bench = backlog(60)
    waiting = sorted(index for each in bench.cache.outbox if each.results for index in each.results.indexes)
    bench.admit()
    assert sorted(indexes_of(drain(bench))) == waiting
    assert bench.cache.outbox == [] and bench.core._state.outbox.memory == 0


def test_so_it_is_after_a_restart() -> None:
    bench = backlog(40)
    bench.restart()
    waiting = len(bench.cache.outbox)
    bench.admit()
    assert len(indexes_of(drain(bench))) == waiting
    assert bench.cache.outbox == []


def test_fresh_results_do_not_wait_behind_old_ones() -> None:
    bench = backlog(60)
    bench.admit()
    assign = assigned(bench, "a", 1)
    (fresh,) = assign.indexes
    old = len(bench.to_manager(messages.Deliver))
    bench.results("a", assign.token, [fresh], seconds=10.0)
    order = drain(bench)
    place = next(at for at, each in enumerate(order) if fresh in indexes_of([each]))
    assert len(order) > old + 6 and place <= old + 2


def test_results_that_the_cache_has_lost_are_done_again() -> None:
    bench = backlog(20)
    bench.restart()
    gone = bench.cache.held.outbox[0]
    del bench.cache.entries[gone.id]
    bench.admit()
    (returned,) = bench.to_manager(messages.Return)
    assert [each.block for each in returned.blocks] == ["t0"]
    drain(bench)
    assert bench.cache.held.outbox == []
