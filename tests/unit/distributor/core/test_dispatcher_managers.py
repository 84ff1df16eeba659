"""The managers' side: asking for work, telling how it goes, draining, odd grants."""

from disio_distributor.core import commands, events
from disio_shared import messages
from disio_shared.messages import BlockGrant, BlockRef
from tests.unit.distributor.core.bench import Bench, check, manifest, results_of
from tests.unit.distributor.core.scenes import assigned, serving


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


def test_blocks_no_client_can_work_on_go_back() -> None:
    bench = serving(tidy_s=20.0)
    bench.join("a")
    bench.handle(events.ClientLeft("a"))
    bench.wait(100.0)
    assert bench.to_manager(messages.Return) == [messages.Return(blocks=[BlockRef(block="t0", lease=1, manager="m")])]
    bench.wait(60.0)
    assert bench.cache.held.tasks == []


def test_blocks_go_back_when_the_only_client_stays_connected_but_asks_no_more() -> None:
    bench = serving(tidy_s=20.0, active_s=120.0)
    bench.join("a")
    assign = assigned(bench, "a")
    bench.handle(events.ClientSaid("a", results_of(assign.token, assign.indexes), 1))
    bench.wait(60.0)
    assert not bench.to_manager(messages.Return)
    bench.wait(200.0)
    assert bench.to_manager(messages.Return) == [messages.Return(blocks=[BlockRef(block="t0", lease=1, manager="m")])]
    asks = len(bench.to_manager(messages.Ask))
    bench.wait(200.0)
    assert len(bench.to_manager(messages.Ask)) == asks
    bench.ready("a", 2)
    assert len(bench.to_manager(messages.Ask)) == asks + 1


def test_status_names_the_held_blocks() -> None:
    bench = serving()
    bench.join("a", cores=2)
    bench.wait(5.0)
    status = bench.to_manager(messages.Status)[-1]
    assert (status.clients, status.slots, status.kinds) == (1, 2, {"cli": 1})
    assert status.held == [BlockRef(block="t0", lease=1, manager="m")]


def test_a_drain_moves_clients_waits_for_results_returns_blocks_and_ends() -> None:
    bench = serving()
    bench.manager(messages.Siblings(urls=["http://other"]))
    bench.join("a")
    assign = assigned(bench, "a")
    bench.handle(events.DrainAsked("maintenance"))
    assert bench.to("a", messages.Redirect) == [messages.Redirect(url="http://other", reason="maintenance")]
    assert bench.ready("a") is None
    bench.results("a", assign.token, assign.indexes)
    assert bench.to_manager(messages.Return) == [messages.Return(blocks=[BlockRef(block="t0", lease=1, manager="m")])]
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
    failures = [each.failures for each in bench.cache.outbox if each.failures]
    assert [each.indexes for each in failures] == [[2]]
    check(bench)


def test_a_grant_that_is_not_understood_goes_back_and_is_not_asked_for_again_at_once() -> None:
    bench = Bench()
    bench.admit()
    bench.join("a")
    block = BlockGrant(block="b", lease=3, task="unknown", start=0, stop=5)
    bench.manager(messages.Grant(request=1, blocks=[block]))
    assert bench.to_manager(messages.Return) == [messages.Return(blocks=[BlockRef(block="b", lease=3, manager="m")])]
    assert len(bench.to_manager(messages.Ask)) == 1


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
    entry = bench.cache.outbox[0]
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
