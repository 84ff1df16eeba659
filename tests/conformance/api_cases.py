"""What a unit may ask of its client: index, state, progress, log, random numbers, time.

Rule: `unit` means the same in every language. A task is named by its case, so that random numbers are known beforehand.
"""

from __future__ import annotations

import struct

from disio_shared.messages import Terms

from .case import unit
from .draws import doubles, shuffled
from .wat import command, write_text

DRAWS, SHUFFLE, BYTES = "random numbers", "a shuffled list", "random bytes of WebAssembly"
JSON = Terms(output="json")
CLIENTS = ("cli", "chromium")
ALL_LINES = ['one 2 {"three":[3]} null', "four 5", "é😀"]
FIVE_LINES = [*["0123456789"] * 4, "0123456789 [this unit's log ends here: its limit is 55 bytes]"]
FIRST = 7
CLOCK = (
    '(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))'
    '(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))'
)
ARGS = (
    '(import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))'
    '(import "wasi_snapshot_preview1" "environ_sizes_get" (func $env (param i32 i32) (result i32)))'
)

DISIO = """(import "disio" "index" (func $index (result i64)))
  (import "disio" "state_size" (func $state_size (result i32)))
  (import "disio" "state" (func $state (param i32)))
  (import "disio" "save_state" (func $save_state (param i32 i32)))
  (import "disio" "progress" (func $progress (param f64)))"""


def _four_bytes_each(task: str, index: int, count: int) -> bytes:
    return b"".join(struct.pack("<I", int(draw * 2**32)) for draw in doubles(task, index, count))


CASES = [
    unit(
        "the index of a payload",
        js="export default (p, unit) => [unit.index, p]",
        classic="worker.onStart = function (d) { communication.end([d.id, d.payload]); };",
        python="def run(p, unit):\n    return [unit.index, p]",
        first_index=1_000_000_000,
        payloads=["a", "b", "c"],
        expected=[[1_000_000_000, "a"], [1_000_000_001, "b"], [1_000_000_002, "c"]],
    ),
    unit(
        DRAWS,
        js="export default (n, unit) => Array.from({length: n}, () => unit.random())",
        python="def run(n, unit):\n    return [unit.random() for _ in range(n)]",
        first_index=FIRST,
        payloads=[20, 3],
        expected=[doubles(DRAWS, FIRST, 20), doubles(DRAWS, FIRST + 1, 3)],
    ),
    unit(
        SHUFFLE,
        alone=True,
        js="""export default (list, {random}) => { for (let i = list.length - 1; i > 0; i--) {
  const j = Math.floor(random() * (i + 1));
  [list[i], list[j]] = [list[j], list[i]] } return list }
""",
        python="""def run(items, unit):
    for i in range(len(items) - 1, 0, -1):
        j = int(unit.random() * (i + 1))
        items[i], items[j] = items[j], items[i]
    return items
""",
        payloads=[list(range(30))],
        expected=[shuffled(SHUFFLE, 0, list(range(30)))],
    ),
    unit(
        "no state at first",
        js="export default (p, unit) => [unit.state === null]",
        classic="worker.onStart = function (d) { communication.end([d.state === null]); };",
        python="def run(p, unit):\n    return [unit.state is None]",
        expected=[[True]],
    ),
    unit(
        "going on from a saved state",
        js="""export default (n, unit) => {
  let {at, sum} = unit.state ?? {at: 0, sum: 0};
  for (; at < n; at++) sum += at;
  unit.save_state({at, sum});
  return sum;
}
""",
        classic="""worker.onStart = function (d) {
  var s = d.state || {at: 0, sum: 0};
  for (; s.at < d.payload; s.at += 1) s.sum += s.at;
  communication.saveState(s);
  communication.end(s.sum);
};
""",
        python="""def run(n, unit):
    s = unit.state or {'at': 0, 'sum': 0}
    while s['at'] < n:
        s['sum'] += s['at']
        s['at'] += 1
    unit.save_state(s)
    return s['sum']
""",
        # The sum so far is off by 1000 on purpose: who begins anew does not come to it.
        state={"at": 6, "sum": 1015},
        payloads=[10, 4],
        expected=[1045, 6],
        states=[{"at": 10, "sum": 1045}, {"at": 4, "sum": 6}],
    ),
    unit(
        "states in the order they were saved",
        js="export default (p, unit) => { for (const at of [1, 2, 3]) unit.saveState({at}); return 'ok' }",
        classic="""worker.onStart = function () {
  [1, 2, 3].forEach(function (at) { communication.saveState({at: at}); });
  communication.end('ok');
};
""",
        python="""def run(p, unit):
    for at in (1, 2, 3):
        unit.save_state({'at': at})
    return 'ok'
""",
        expected=["ok"],
        states=[{"at": 1}, {"at": 2}, {"at": 3}],
    ),
    unit(
        "bytes as a state",
        js="export default (p, unit) => { const b = unit.state; b[0] += 1; unit.save_state(b); return b.length }",
        python="""def run(p, unit):
    unit.save_state(bytes([unit.state[0] + 1]) + unit.state[1:])
    return len(unit.state)
""",
        state=b"\x01\x02\xff",
        expected=[3],
        states=[b"\x02\x02\xff"],
    ),
    unit(
        "a changed state is saved as it was",
        js="export default (p, unit) => { const s = {list: [1]}; unit.save_state(s); s.list.push(2); return s }",
        python="""def run(p, unit):
    s = {'list': [1]}
    unit.save_state(s)
    s['list'].append(2)
    return s
""",
        expected=[{"list": [1, 2]}],
        states=[{"list": [1]}],
    ),
    unit(
        "progress, and what is none",
        js="""export default (p, unit) => {
  const wait = () => { const end = performance.now() + 150; while (performance.now() < end); };
  for (const bad of [-1, 2, NaN]) unit.progress(bad);
  for (const fraction of [0, 0.25, 1]) { unit.progress(fraction); wait(); }
  return 'ok';
}""",
        python="""import time
def run(p, unit):
    for bad in (-1, 2, float("nan")):
        unit.progress(bad)
    for fraction in (0, 0.25, 1):
        unit.progress(fraction)
        end = time.perf_counter() + 0.15
        while time.perf_counter() < end:
            pass
    return "ok"
""",
        expected=["ok"],
        progress=[0, 0.25, 1],
    ),
    unit(
        "log lines in order",
        js="""export default (p, unit) => { unit.log('one', 2, {three: [3]}, null); console.log('four', 5);
  unit.log('é😀'); return 0 }
""",
        python="""import sys
def run(p, unit):
    unit.log('one', 2, {'three': [3]}, None)
    print('four', 5)
    unit.log('é😀')
    return 0
""",
        wat=command(
            write_text("four 5\né😀\n", 2) + "(call $write (i32.const 1038) (i32.const 1))",
            data="four 5\\n\\c3\\a9\\f0\\9f\\98\\80\\n0",
        ),
        terms=JSON,
        expected=[0],
        logs={"js": ALL_LINES, "python": ["one 2 {'three': [3]} None", *ALL_LINES[1:]], "wat": ALL_LINES[1:]},
    ),
    unit(
        "a log has an end",
        js="export default (p, unit) => { for (let i = 0; i < 1000; i++) unit.log('0123456789'); return 'ok' }",
        python="""def run(p, unit):
    for i in range(1000):
        unit.log('0123456789')
    return 'ok'
""",
        terms=Terms(max_log_bytes=55),
        expected=["ok"],
        logs={"js": FIVE_LINES, "python": FIVE_LINES},
    ),
    unit(
        "asynchronous results",
        js="""export default async (n) => { await null; const parts = await Promise.all([1, 2, 3].map(async (x) =>
  x * n));
  return parts }
""",
        classic="""worker.onStart = function (d) {
  Promise.resolve(d.payload).then(function (n) { communication.end([n, 2 * n, 3 * n]); });
};
""",
        payloads=[1, 5],
        expected=[[1, 2, 3], [5, 10, 15]],
    ),
    unit(
        "timers in their order",
        js="""export default () => new Promise((resolve) => {
  const seen = [];
  const last = () => setTimeout(() => { seen.push(40); resolve(seen) }, 40);
  setTimeout(() => { seen.push(500); last() }, 500);
  setTimeout(() => seen.push(1), 1);
  const gone = setTimeout(() => seen.push("gone"), 10);
  let ticks = 0;
  const every = setInterval(() => { seen.push("tick"); if (++ticks === 2) clearInterval(every) }, 5);
  clearTimeout(gone);
  Promise.resolve().then(() => seen.push("soon"));
  seen.push("now");
})""",
        classic="""worker.onStart = function () {
  var seen = [];
  function last() { setTimeout(function () { seen.push(40); communication.end(seen); }, 40); }
  setTimeout(function () { seen.push(500); last(); }, 500);
  setTimeout(function () { seen.push(1); }, 1);
  seen.push("now"); Promise.resolve().then(function () { seen.push("soon"); });
  var ticks = 0, every = setInterval(function () {
    seen.push("tick");
    if (++ticks === 2) clearInterval(every);
  }, 5);
};""",
        expected=[["now", "soon", 1, "tick", "tick", 500, 40]],
    ),
    unit(
        "what a classic script finds",
        classic="""worker.onStart = function (data) {
  var other = Communication.createCommunication();
  communication.end([data.cmd, data.id, data.payload, data.state, typeof other.saveState]);
  communication.end("a second answer counts for nothing");
};""",
        payloads=[{"a": 1}],
        expected=[["start", 0, {"a": 1}, None, "function"]],
    ),
    unit(
        "the time stands still for WebAssembly unless the task wants it",
        wat=command(
            """(drop (call $clock (i32.const 0) (i64.const 1) (i32.const 16)))
    (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 24)))
    (i64.store (i32.const 24) (i64.sub (i64.load (i32.const 24)) (i64.load (i32.const 16))))
    (call $write (i32.const 16) (i32.const 16))""",
            imports=CLOCK,
        ),
        # 1 ms a look, from 1970 on
        payloads=[None, None],
        expected=[struct.pack("<qq", 0, 1_000_000)] * 2,
        only=CLIENTS,
    ),
    unit(
        BYTES,
        wat=command(
            "(drop (call $random (i32.const 16) (i32.const 8))) (call $write (i32.const 16) (i32.const 8))",
            imports=CLOCK,
        ),
        payloads=[None, None],
        expected=[_four_bytes_each(BYTES, index, 2) for index in (0, 1)],
        only=CLIENTS,
    ),
    unit(
        "index, state and progress of WebAssembly",
        # The result: the index, the size of the state, and the state with its first byte one more; that is saved, too.
        wat=command(
            """(i64.store (i32.const 16) (call $index))
    (i32.store (i32.const 24) (call $state_size))
    (call $state (i32.const 28))
    (i32.store8 (i32.const 28) (i32.add (i32.load8_u (i32.const 28)) (i32.const 1)))
    (call $save_state (i32.const 28) (call $state_size))
    (call $progress (f64.const 0.5))
    (call $write (i32.const 16) (i32.add (i32.const 12) (call $state_size)))""",
            imports=DISIO,
        ),
        first_index=5_000_000_000,
        state=b"\x01\xff",
        expected=[struct.pack("<qi", 5_000_000_000, 2) + b"\x02\xff"],
        states=[b"\x02\xff"],
        progress=[0.5],
        only=CLIENTS,
    ),
    unit(
        "no environment for WebAssembly",
        wat=command(
            "(drop (call $env (i32.const 16) (i32.const 20))) (call $write (i32.const 16) (i32.const 8))", imports=ARGS
        ),
        expected=[bytes(8)],
    ),
]
