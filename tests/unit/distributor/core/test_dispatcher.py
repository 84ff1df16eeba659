"""Handing work out: who gets what, how much, and why not."""

from disio_shared import messages
from disio_shared.messages import BlockGrant
from tests.unit.distributor.core.bench import Bench, check, manifest
from tests.unit.distributor.core.scenes import assigned, reason, serving


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
    assert reason(bench, "s") == "no task runs here: needs WebAssembly"
    bench.join("web", kind="web", memory_mb=100)
    bench.grant(0, 10, manifest("m", memory_mb=200, priority=1, language="wasm"))
    assert assigned(bench, "web").task == "w"


def test_native_python_is_for_clients_whose_owner_trusts_the_cluster() -> None:
    bench = Bench()
    bench.admit()
    bench.grant(0, 10, manifest("n", language="python-native:k"))
    bench.join("s", languages=["python", "python-native:other"])
    why = "no task runs here: needs native Python, trusted for cluster k"
    assert reason(bench, "s") == f"{why}; if you trust it: disio-client --trust-native k"
    bench.join("tab", kind="web", languages=["python"])
    assert reason(bench, "tab") == why
    bench.join("own", languages=["python-native:k"])
    assert assigned(bench, "own").task == "n"


def test_a_manager_hears_of_native_python_for_its_own_cluster_alone() -> None:
    bench = Bench()
    bench.admit()
    others = [f"python-native:x{at}" for at in range(30)]
    bench.join("s", languages=["wasm", *others, "python-native:k"])
    bench.ready("s")
    assert bench.to_manager(messages.Ask)[-1].languages == ["python-native:k", "wasm"]


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
    assert len(assigned(bench, "a").indexes) == 7
    assert len(assigned(bench, "b").indexes) == 6


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
