"""Slots with real engines: what units do, and what they must not be able to do to each other."""

import os
import signal

import psutil

from tests.unit.client_cli.slot_rig import SlotRig, rig, shared

__all__ = ["rig", "shared"]


def numbers(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


DOUBLE = "export default (payload) => payload * 2"


async def test_a_module_unit_returns_its_value(rig: SlotRig) -> None:
    await rig.run(DOUBLE, numbers(50))
    assert rig.values == {index: b"%d" % (2 * index) for index in range(50)}
    assert not rig.failures


async def test_an_async_module_unit_is_awaited(rig: SlotRig) -> None:
    await rig.run("export default async (payload) => { await null; return [payload, 'ok'] }", numbers(2))
    assert rig.values[1] == b'[1,"ok"]'


async def test_a_classic_unit_runs_unchanged(rig: SlotRig) -> None:
    code = """
        worker.onStart = function (data) {
            var from = data.state ? data.state : 0;
            communication.saveState(from + 1);
            communication.end({squared: data.payload.n * data.payload.n, from: from});
        };
    """
    await rig.run(code, [b'{"n":3}', b'{"n":4}'], states={1: b"41"})
    assert not rig.failures
    assert rig.values == {0: b'{"squared":9,"from":0}', 1: b'{"squared":16,"from":41}'}
    assert rig.states == {0: b"1", 1: b"42"}


async def test_a_thrown_error_fails_that_unit_alone_and_says_why(rig: SlotRig) -> None:
    code = "export default (p) => { if (p === 3) throw new RangeError('three is too much'); return p }"
    await rig.run(code, numbers(6))
    assert sorted(rig.values) == [0, 1, 2, 4, 5]
    kind, text = rig.failures[3]
    assert kind == "error"
    assert "three is too much" in text


async def test_code_that_does_not_parse_fails_every_unit_with_the_reason(rig: SlotRig) -> None:
    await rig.run("export default (p) => {{{", numbers(3))
    assert sorted(rig.failures) == [0, 1, 2]
    assert {kind for kind, _ in rig.failures.values()} == {"error"}
    assert "SyntaxError" in rig.failures[0][1]


async def test_an_endless_loop_is_ended_alone_and_its_neighbours_are_right(rig: SlotRig) -> None:
    code = "export default (p) => { if (p === 4) for (;;) {} return p + 1 }"
    await rig.run(code, numbers(12), timeout_s=0.5)
    assert rig.values == {index: b"%d" % (index + 1) for index in range(12) if index != 4}
    assert rig.failures[4][0] == "timeout"
    assert "0.5 s" in rig.failures[4][1]


async def test_a_promise_that_never_settles_times_out(rig: SlotRig) -> None:
    await rig.run("export default (p) => p === 1 ? new Promise(() => {}) : p", numbers(3), timeout_s=0.5)
    assert sorted(rig.values) == [0, 2]
    assert rig.failures[1][0] == "timeout"


async def test_a_heap_bomb_is_a_memory_failure_of_that_unit_alone(rig: SlotRig) -> None:
    code = "export default (p) => { if (p === 1) { const a = []; for (;;) a.push(new Array(1000).fill(p)) } return p }"
    await rig.run(code, numbers(3), timeout_s=20.0)
    assert sorted(rig.values) == [0, 2]
    assert rig.failures[1][0] == "memory", rig.failures


async def test_a_buffer_bomb_fails_that_unit_alone(rig: SlotRig) -> None:
    code = """export default (p) => {
        const kept = [];
        if (p === 1) for (;;) kept.push(new Uint8Array(50e6).fill(1));
        return p;
    }"""
    await rig.run(code, numbers(3), timeout_s=20.0)
    assert sorted(rig.values) == [0, 2]
    assert sorted(rig.failures) == [1]


async def test_a_unit_over_its_tasks_memory_is_a_memory_failure(rig: SlotRig) -> None:
    code = """export default (p) => {
        const kept = [];
        if (p === 1) { for (let n = 0; n < 6; n++) kept.push(new Uint8Array(50e6).fill(1)); for (;;) {} }
        return p;
    }"""
    await rig.run(code, numbers(3), timeout_s=20.0, memory_mb=64)
    assert sorted(rig.values) == [0, 2]
    assert rig.failures[1][0] == "memory"


async def test_an_engine_killed_from_outside_costs_no_unit(rig: SlotRig) -> None:
    code = """export default (p) => { const end = performance.now() + 30; while (performance.now() < end); return p }"""
    rig.begin(code, numbers(30))
    await rig.until(lambda: len(rig.values) >= 3, "begun")
    assert rig.slot.pid is not None
    os.kill(rig.slot.pid, signal.SIGKILL)
    await rig.until(lambda: len(rig.values) + len(rig.failures) == 30, "all answered")
    assert not rig.failures


async def test_a_lone_unit_survives_one_engine_killed_from_outside(rig: SlotRig) -> None:
    code = """export default (p, unit) => {
        unit.progress(0.1);
        const end = performance.now() + 700;
        while (performance.now() < end);
        return "done";
    }"""
    rig.begin(code, numbers(1))
    await rig.until(lambda: bool(rig.progress), "running")
    assert rig.slot.pid is not None
    os.kill(rig.slot.pid, signal.SIGKILL)
    await rig.until(lambda: len(rig.values) + len(rig.failures) == 1, "answered")
    assert rig.values == {0: b'"done"'}


async def test_an_idle_engine_killed_from_outside_is_replaced(rig: SlotRig) -> None:
    assert rig.slot.pid is not None
    os.kill(rig.slot.pid, signal.SIGKILL)
    await rig.run(DOUBLE, numbers(5))
    assert len(rig.values) == 5


async def test_a_big_result_comes_through_whole(rig: SlotRig) -> None:
    await rig.run("export default (p) => 'x'.repeat(5_000_000)", numbers(2))
    assert [len(value) for value in rig.values.values()] == [5_000_002, 5_000_002]


async def test_saved_states_are_reported_and_given_back(rig: SlotRig) -> None:
    code = "export default (p, unit) => { unit.saveState({at: 7}); return unit.state ?? 'none' }"
    await rig.run(code, numbers(2), states={1: b'{"at":3}'})
    assert rig.values == {0: b'"none"', 1: b'{"at":3}'}
    assert rig.states == {0: b'{"at":7}', 1: b'{"at":7}'}


async def test_stop_ends_a_busy_engine_and_the_slot_comes_up_again(rig: SlotRig) -> None:
    rig.begin("export default (p, unit) => { unit.progress(0.5); for (;;) {} }", numbers(1))
    await rig.until(lambda: bool(rig.progress), "running")
    busy = rig.slot.pid
    rig.slot.stop()
    await rig.until(lambda: rig.ups == 2, "up again")
    assert busy is not None
    assert not psutil.pid_exists(busy)
    await rig.run(DOUBLE, numbers(3))
    assert rig.values == {0: b"0", 1: b"2", 2: b"4"}


async def test_stop_of_a_slot_that_just_ended_its_run_brings_it_up_again(rig: SlotRig) -> None:
    await rig.run(DOUBLE, numbers(3))
    rig.slot.stop()
    await rig.until(lambda: rig.ups == 2, "up again")


async def test_a_unit_has_no_network_no_files_and_no_host(rig: SlotRig) -> None:
    code = """export default async () => {
        const tries = {
            deno: async () => { if (typeof Deno === "undefined") throw 0; return Object.keys(Deno).length },
            fetch: () => fetch("http://127.0.0.1:9/"),
            file: () => import("file:///etc/passwd", {with: {type: "text"}}),
            node: () => import("node:fs"),
            worker: async () => new Worker("data:text/javascript,0"),
        };
        const open = [];
        for (const [name, go] of Object.entries(tries)) try { await go(); open.push(name) } catch {}
        return open;
    }"""
    await rig.run(code, numbers(1))
    assert rig.values == {0: b"[]"}
