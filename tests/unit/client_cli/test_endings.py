"""How units end in a slot with a real engine: each alone, with the right kind and words for its submitter."""

import os
import signal

import pytest

from disio_client import runner
from disio_shared.messages import Terms
from tests.unit.client_cli.slot_rig import SlotRig, rig, shared
from tests.unit.client_cli.test_runner import DOUBLE, numbers

__all__ = ["rig", "shared"]

GUILTY = 2
UNIT = "export default %(sync)s (p, unit) => { if (p === 2) { %(body)s } return p + 1 }"

ENDINGS = {
    "an endless loop": ("", "for (;;) {}", "timeout", "no answer within the unit's limit of 1 s"),
    "an endless await": ("async", "for (;;) await null", "timeout", "no answer within the unit's limit of 1 s"),
    "microtasks": ("async", "const f = () => queueMicrotask(f); f(); await new Promise(() => {})", "timeout", "1 s"),
    "a promise for ever": ("async", "await new Promise(() => {})", "timeout", "no answer"),
    "a flood of everything": ("", "for (;;) { unit.log('x'); unit.progress(.5); unit.saveState(1) }", "timeout", "1 s"),
    "an error": ("", "throw new TypeError('so it is')", "error", "TypeError: so it is"),
    "a text thrown": ("", "throw 'just text'", "error", "just text"),
    "nothing thrown": ("", "throw undefined", "error", "undefined"),
    "a rejected promise": ("async", "await Promise.reject(new Error('no'))", "error", "Error: no"),
    "a rejection that nobody awaits": (
        "async",
        "Promise.reject(new Error('lost')); await new Promise(() => {})",
        "error",
        "Error: lost",
    ),
    "an error in a timer": (
        "async",
        "setTimeout(() => { throw new Error('tick') }, 1); await new Promise(() => {})",
        "error",
        "tick",
    ),
    "a stack overflow": ("", "(function f() { f() })()", "error", "Maximum call stack size exceeded"),
    "a value that JSON cannot hold": ("", "return new Map()", "result", "result is a Map or Set"),
    "no value": ("", "return undefined", "result", "result is undefined"),
    "too large a text": ("", "return 'x'.repeat(2000)", "result", "result is 2002 bytes; the limit is 1000"),
    "too many bytes": ("async", "return new Uint8Array(1001)", "result", "result is 1001 bytes; the limit is 1000"),
    "an endless string": ("", "let s = 'x'; for (;;) s += s", "memory", "Invalid string length"),
    "one huge buffer": ("", "new ArrayBuffer(2 ** 45)", "memory", "Array buffer allocation failed"),
    "one huge array": ("", "new Float64Array(2 ** 40)", "memory", "RangeError"),
    "a negative size": ("", "new ArrayBuffer(-1)", "error", "Invalid array buffer length"),
    "too small a buffer": ("", "new Uint8Array(new ArrayBuffer(8), 0, 9)", "error", "Invalid typed array length: 9"),
    "a huge WebAssembly memory": (
        "",
        "new WebAssembly.Memory({initial: 65536})",
        "memory",
        "could not allocate memory",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_it_ends_that_unit_alone(rig: SlotRig, name: str) -> None:
    sync, body, kind, words = ENDINGS[name]
    code = UNIT % {"sync": sync, "body": body}
    await rig.run(code, numbers(5), timeout_s=1.0, terms=Terms(max_result_bytes=1000))
    assert rig.values == {at: b"%d" % (at + 1) for at in (0, 1, 3, 4)}, rig.failures
    assert rig.failures[GUILTY][0] == kind
    assert words in rig.failures[GUILTY][1]
    rig.values.clear()
    rig.failures.clear()
    await rig.run(DOUBLE, numbers(3))
    assert rig.values == {0: b"0", 1: b"2", 2: b"4"}


async def test_what_a_unit_leaves_behind_is_no_fault_of_the_next_one(rig: SlotRig) -> None:
    code = """export default async (p) => {
        if (p % 2 === 0) {
            Promise.reject(new Error("left behind"));
            (async () => { await null; throw new Error("left behind, too") })();
            setTimeout(() => { throw new Error("late") }, 1);
            setInterval(() => { throw new Error("again") }, 1);
            return p;
        }
        await new Promise((done) => setTimeout(done, 20));
        return p;
    }"""
    await rig.run(code, numbers(8))
    assert not rig.failures
    assert rig.values == {at: b"%d" % at for at in range(8)}


@pytest.mark.parametrize(
    ("top", "kind", "words"),
    [
        ("for (;;) {}", "timeout", "the work unit does not load: its code was not ready within 1 s"),
        ("await new Promise(() => {});", "timeout", "the work unit does not load: its code was not ready within 1 s"),
        ("throw new Error('not today');", "error", "the work unit does not load: Error: not today"),
        ("import 'node:fs';", "error", "the work unit does not load"),
        ("const s = []; for (;;) s.push(new Array(1000).fill(s.length));", "memory", "the work unit does not load"),
        ("new ArrayBuffer(2 ** 45);", "memory", "the work unit does not load: RangeError"),
    ],
)
async def test_code_that_does_not_load_fails_every_unit_with_the_reason(
    rig: SlotRig, monkeypatch: pytest.MonkeyPatch, top: str, kind: str, words: str
) -> None:
    load_s = 20.0 if kind == "memory" else 1.0
    monkeypatch.setitem(runner.LOAD_S, "javascript", load_s)
    await rig.run(f"{top}\nexport default (p) => p", numbers(4))
    assert not rig.values
    assert {at: said for at, (said, _) in rig.failures.items()} == dict.fromkeys(range(4), kind), rig.failures
    assert all(words in text for _, text in rig.failures.values())


async def test_an_engine_that_is_killed_while_it_loads_gets_one_successor(rig: SlotRig) -> None:
    rig.begin("await new Promise((done) => setTimeout(done, 500));\nexport default (p) => p", numbers(2))
    assert rig.slot.pid is not None
    os.kill(rig.slot.pid, signal.SIGKILL)
    await rig.until(lambda: len(rig.values) + len(rig.failures) == 2, "answered")
    assert rig.values == {0: b"0", 1: b"1"}


async def test_a_slot_goes_through_many_tasks_with_one_engine(rig: SlotRig) -> None:
    first = rig.slot.pid
    for number in range(12):
        rig.values.clear()
        await rig.run(f"export default (p) => p + {number}", numbers(3))
        assert rig.values == {at: b"%d" % (at + number) for at in range(3)}
    assert (rig.slot.pid, rig.failures) == (first, {})
