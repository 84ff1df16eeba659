"""How units end that do not end well: each with its kind, a message that helps, and its neighbours unharmed.

Rule: the message of a unit that broke down by itself is its own words; it is the same in every client.
"""

from __future__ import annotations

from disio_shared.messages import Terms

from .case import Ending, unit
from .wat import IN, command, write_text

LIMIT = 1.0
"""Seconds that a unit gets which never ends."""
STOP_WAT = "(call $proc_exit (i32.const {code}))"

CASES = [
    unit(
        "an endless loop",
        js="export default () => { for (;;); }",
        classic="worker.onStart = function () { for (;;); };",
        python="""def run(p, unit):
    while True:
        pass
""",
        wat=command("(loop $for_ever (br $for_ever))"),
        timeout_s=LIMIT,
        expected=[Ending("timeout", "limit")],
    ),
    unit(
        "a result that never comes",
        js="export default () => new Promise(() => {})",
        classic="worker.onStart = function () {};",
        timeout_s=LIMIT,
        expected=[Ending("timeout", "limit")],
    ),
    unit(
        "an endless chain of promises",
        js="export default async () => { for (;;) await null }",
        timeout_s=LIMIT,
        expected=[Ending("timeout", "limit")],
    ),
    unit(
        "one of five loops for ever",
        js="export default (n) => { while (n === 2); return n }",
        python="""def run(n, unit):
    while n == 2:
        pass
    return n
""",
        wat=command(
            f"(loop $two (br_if $two (i32.eq (i32.load8_u (i32.const {IN})) (i32.const 50))))"
            f"(call $write (i32.const {IN}) (global.get $n))"
        ),
        terms=Terms(output="json"),
        timeout_s=LIMIT,
        payloads=[0, 1, 2, 3, 4],
        expected=[0, 1, Ending("timeout", "limit"), 3, 4],
    ),
    unit(
        "one buffer larger than any machine",
        alone=True,
        js="export default () => new ArrayBuffer(2 ** 34).byteLength",
        python="def run(p, unit):\n    return bytearray(2 ** 31 - 1)",
        expected=[Ending("memory", "(?i)memory|allocation")],
    ),
    unit(
        "sizes that no memory has, and sizes that are none",
        alone=True,
        js="export default ([what, n]) => new globalThis[what](n).length",
        payloads=[
            *[["ArrayBuffer", 2**45], ["Uint8Array", 2**45], ["Float64Array", 2**52], ["ArrayBuffer", 2**53 - 1]],
            *[["ArrayBuffer", 2**53], ["Uint8Array", 2**53], ["ArrayBuffer", -1], ["Float64Array", -1]],
        ],
        expected=[*[Ending("memory", "RangeError")] * 4, *[Ending("error", "RangeError")] * 4],
    ),
    unit(
        "more and more memory",
        alone=True,
        python="""def run(p, unit):
    kept = []
    while True:
        kept.append(bytearray(8 << 20))
""",
        wat=command("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)"),
        memory_mb=64,
        timeout_s=10,
        expected=[Ending("memory", "(?i)memory")],
    ),
    unit(
        "a thrown error",
        js="export default (p) => { if (p.bad) throw new TypeError(`no good: ${p.bad}`); return 1 }",
        classic="""worker.onStart = function (d) { if (d.payload.bad) throw new TypeError('no good: ' + d.payload.bad);
  communication.end(1); };
""",
        python="""def run(p, unit):
    if p['bad']:
        raise TypeError(f'no good: {p["bad"]}')
    return 1
""",
        payloads=[{"bad": "this 😀"}, {"bad": ""}],
        expected=[Ending("error", "TypeError: no good: this 😀"), 1],
    ),
    unit(
        "an error names its place in the source",
        alone=True,
        js="function inner() {\n  null.x;\n}\nexport default () => inner();",
        python="""def inner():
    return 1 / 0

def run(p, unit):
    return inner()
""",
        expected=[Ending("error", r"workunit\.js:2:")],
        differs={"python": [Ending("error", r"line 2, in inner.*ZeroDivisionError")]},
    ),
    unit(
        "something thrown that is no error",
        js="export default () => { throw 'plain words' }",
        classic="worker.onStart = function () { throw 'plain words'; };",
        expected=[Ending("error", "^plain words$")],
    ),
    unit(
        "a rejected promise",
        js="export default async () => { await null; throw new Error('later') }",
        expected=[Ending("error", "Error: later")],
    ),
    unit(
        "a rejection that nobody waits for",
        js="export default () => new Promise(() => { void Promise.reject(new Error('alone')) })",
        classic="worker.onStart = function () { void Promise.reject(new Error('alone')); };",
        expected=[Ending("error", "Error: alone")],
    ),
    unit(
        "an error in a timer",
        js="export default () => new Promise(() => { setTimeout(() => { throw new Error('late') }, 1) })",
        classic="worker.onStart = function () { setTimeout(function () { throw new Error('late'); }, 1); };",
        expected=[Ending("error", "Error: late")],
    ),
    unit(
        "a stack overflow",
        alone=True,
        js="export default function run(p) { return run(p) + 1 }",
        classic="function f(n) { return f(n + 1) + 1; } worker.onStart = function () { communication.end(f(0)); };",
        python="def run(p, unit):\n    return run(p, unit) + 1",
        wat=command(
            "(drop (call $deep (i32.const 0)))",
            more="(func $deep (param $n i32) (result i32)"
            " (i32.add (call $deep (i32.add (local.get $n) (i32.const 1))) (local.get $n)))",
        ),
        expected=[Ending("error", "(?i)stack|recursion")],
    ),
    unit(
        "a result of the wrong type",
        js="""export default (kind) => ({fn: () => run, undef: undefined, big: 10n, map: new Map(), symbol: Symbol('s'),
  ok: 1})[kind]
""",
        python="""def run(kind, unit):
    kinds = {'fn': run, 'undef': object(), 'big': 1j, 'map': {1, 2}, 'symbol': run.__class__, 'ok': 1}
    return kinds[kind]
""",
        payloads=["fn", "undef", "big", "map", "symbol", "ok"],
        expected=[*[Ending("result", "^result")] * 5, 1],
    ),
    unit(
        "a wrong part deep in a result names its place",
        js="export default () => ({a: [0, {b: () => 1}]})",
        python="def run(p, unit):\n    return {'a': [0, {'b': run}]}",
        expected=[Ending("result", r"result\.a\[1\]\.b is a")],
        differs={"python": [Ending("result", r"result\.a\[1\]\.b is")]},
    ),
    unit(
        "a result that contains itself",
        js="export default () => { const a = []; a.push(a); return a }",
        python="""def run(p, unit):
    a = []
    a.append(a)
    return a
""",
        expected=[Ending("result", "(?i)cyclic|nested|circular")],
    ),
    unit(
        "a result over the task's limit",
        js="export default (n) => 'x'.repeat(n)",
        classic="worker.onStart = function (d) { communication.end(Array(d.payload + 1).join('x')); };",
        python="def run(n, unit):\n    return 'x' * n",
        wat=command(
            "(block $small (br_if $small (i32.le_u (global.get $n) (i32.const 3)))"
            " (call $write (i32.const 65536) (i32.const 5000)))" + write_text("ok", 1),
            data="ok",
        ),
        terms=Terms(max_result_bytes=1000, output="text"),
        payloads=[5000, 900],
        expected=[Ending("result", "(?i)1,?000"), "x" * 900],
        differs={"wat": [Ending("result", "(?i)1,?000"), "ok"]},
    ),
    unit(
        "bytes over the client's limit",
        js="export default () => new Uint8Array(9 << 20)",
        python="def run(p, unit):\n    return bytes(9 << 20)",
        wat=command("(drop (memory.grow (i32.const 200))) (call $write (i32.const 65536) (i32.const 9437184))"),
        expected=[Ending("result", "(?i)limit|more than|over")],
    ),
    unit(
        "an exit status",
        python="""import sys
def run(p, unit):
    sys.exit(p)
""",
        wat=command(
            f"(if (i32.eq (i32.load8_u (i32.const {IN})) (i32.const 55))"
            f" (then {write_text('bad input: 7', 2)} {STOP_WAT.format(code=7)})){write_text('bad', 1)}",
            data="bad input: 7",
        ),
        terms=Terms(output="text"),
        payloads=[7, 8],
        expected=[Ending("error", "bad input: 7"), "bad"],
        differs={"python": [Ending("error", r"SystemExit.*exit\(7\)"), Ending("error", r"SystemExit.*exit\(8\)")]},
    ),
    unit(
        "an exit status without a word",
        wat=command(STOP_WAT.format(code=9)),
        expected=[Ending("error", r"\b9\b")],
    ),
    unit(
        "exit status 0 in the middle",
        wat=command(write_text("said", 1) + STOP_WAT.format(code=0) + write_text("said", 1), data="said"),
        terms=Terms(output="text"),
        expected=["said"],
    ),
    unit("a trap: unreachable code", wat=command("(unreachable)"), expected=[Ending("error", "(?i)unreachable")]),
    unit(
        "a trap: division by zero",
        wat=command("(drop (i32.div_s (i32.const 1) (i32.const 0)))"),
        expected=[Ending("error", "(?i)divide by zero|division by zero")],
    ),
    unit(
        "a trap: outside of memory",
        wat=command("(drop (i32.load (i32.const -4)))"),
        expected=[Ending("error", "(?i)out of bounds")],
    ),
    unit(
        "words before a trap",
        wat=command(write_text("about to fail\n", 2) + "(unreachable)", data="about to fail\\n"),
        expected=[Ending("error", "about to fail")],
    ),
    unit(
        "a syntax error",
        alone=True,
        js="export default (p) => { return p +; }",
        classic="worker.onStart = function ( { };",
        python="""def run(p, unit):
    return p +
""",
        expected=[Ending("error", "does not load: .*SyntaxError")],
    ),
    unit(
        "no function to run",
        alone=True,
        js="export const run = 1;",
        classic="var start = 1;",
        python="def start(p, unit):\n    return 1",
        wat='(module (memory (export "memory") 1))',
        expected=[Ending("error", "does not load: .*(default export|onStart|run|_start)")],
    ),
    unit(
        "an error while it loads",
        alone=True,
        js="export default () => 1; throw new Error('at load')",
        classic="throw new Error('at load');",
        python="""raise ValueError('at load')
def run(p, unit):
    return 1
""",
        payloads=[1, 2],
        expected=[Ending("error", "does not load: .*at load")] * 2,
    ),
    unit(
        "an import that no client has",
        alone=True,
        js="import os from 'node:os'; export default () => os.hostname()",
        python="""import numpy
def run(p, unit):
    return 1
""",
        wat='(module (import "env" "system" (func (param i32))) (memory (export "memory") 1) (func (export "_start")))',
        expected=[Ending("error", "does not load")],
    ),
]
