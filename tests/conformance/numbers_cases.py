"""Numbers: integers, floats, their edges, and where languages count differently.

Rule: what is expected is computed here by CPython, or written down.
"""

from __future__ import annotations

import functools
import math
import operator
import struct
from collections.abc import Iterable

from disio_shared.messages import Terms

from .case import Ending, unit
from .wat import IN, command, constant, f64_fold


def _doubles(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def _sum(values: Iterable[float]) -> float:
    """Add from left to right; Python's own `sum` does better than that from 3.12 on."""
    return functools.reduce(operator.add, values, 0.0)


def _wrapped(count: int) -> int:
    x = 12345
    for _ in range(count):
        x = (x * 1664525 + 1013904223) % 2**32
    return x


def _fnv1a(data: bytes) -> int:
    h = 0x811C9DC5
    for byte in data:
        h = (h ^ byte) * 0x01000193 % 2**32
    return h


FLOATS = [
    1.7976931348623157e308,
    5e-324,
    2.2250738585072014e-308,
    1e21,
    1e-7,
    0.1 + 0.2,
    1 / 3,
    123456789.125,
    -2.5e-10,
]
HASHED = bytes(range(256)) * 40

CASES = [
    unit(
        "integers",
        js="export default ([a, b]) => [a + b, a - b, a * b, Math.floor(a / b), a % b]",
        classic="""worker.onStart = function (d) {
  var a = d.payload[0], b = d.payload[1];
  communication.end([a + b, a - b, a * b, Math.floor(a / b), a % b]);
};
""",
        python="""def run(p, unit):
    a, b = p
    return [a + b, a - b, a * b, a // b, a % b]
""",
        payloads=[[7, 3], [1000003, 97], [0, 5], [9007199254740991, 2]],
        # The product of the last is over 2^53: JavaScript's numbers round it, Python's do not.
        expected=[
            [10, 4, 21, 2, 1],
            [1000100, 999906, 97000291, 10309, 30],
            [5, -5, 0, 0, 0],
            [9007199254740992, 9007199254740989, 18014398509481982, 4503599627370495, 1],
        ],
        differs={
            "python": [
                [10, 4, 21, 2, 1],
                [1000100, 999906, 97000291, 10309, 30],
                [5, -5, 0, 0, 0],
                [9007199254740993, 9007199254740989, 18014398509481982, 4503599627370495, 1],
            ]
        },
    ),
    unit(
        "integers of 32 bits that wrap around",
        js="""export default (n) => { let x = 12345; for (let i = 0; i < n; i++) x = (Math.imul(x,
  1664525) + 1013904223) >>> 0;
  const out = new Uint8Array(4); new DataView(out.buffer).setUint32(0, x, true); return out }
""",
        python="""def run(n, unit):
    x = 12345
    for _ in range(n):
        x = (x * 1664525 + 1013904223) & 0xffffffff
    return x.to_bytes(4, 'little')
""",
        wat=command(
            """(local.set $x (i32.const 12345)) (local.set $i (i32.const 5000))
    (loop $next
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (br_if $next (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (i32.store (i32.const 16) (local.get $x)) (call $write (i32.const 16) (i32.const 4))""",
            locals="(local $x i32) (local $i i32)",
        ),
        payloads=[5000],
        expected=[struct.pack("<I", _wrapped(5000))],
    ),
    unit(
        "a hash over 10,240 bytes",
        js="""export default (data) => { let h = 0x811c9dc5; for (const byte of data) h = Math.imul(h ^ byte,
  0x01000193) >>> 0;
  return h }
""",
        python="""def run(data, unit):
    h = 0x811c9dc5
    for byte in data:
        h = (h ^ byte) * 0x01000193 & 0xffffffff
    return h
""",
        payloads=[HASHED],
        expected=[_fnv1a(HASHED)],
    ),
    unit(
        "big integers as text",
        js="export default (n) => { let f = 1n; for (let i = 2n; i <= BigInt(n); i++) f *= i; return String(f) }",
        python="""import math
def run(n, unit):
    return str(math.factorial(n))
""",
        payloads=[30, 60],
        expected=[str(math.factorial(30)), str(math.factorial(60))],
    ),
    unit(
        "integers beyond 2^53 in a payload",
        js="export default (p) => p",
        python="def run(p, unit):\n    return p",
        wat=command(f"(call $write (i32.const {IN}) (global.get $n))"),
        terms=Terms(output="json"),
        payloads=[[9007199254740993, -9007199254740993, 12345678901234567890]],
        expected=[[9007199254740993, -9007199254740993, 12345678901234567890]],
        differs={form: [[9007199254740992, -9007199254740992, 12345678901234567000]] for form in ("js", "wat")}
        | {"wasmtime": [[9007199254740993, -9007199254740993, 12345678901234567890]]},
    ),
    unit(
        "negative zero as a JSON value",
        js="export default () => [-0, 0]",
        python="def run(p, unit):\n    return [-0.0, 0.0]",
        wat=constant("[-0.0,0.0]"),
        terms=Terms(output="json"),
        expected=[[-0.0, 0.0]],
        differs={"js": [[0, 0]], "wat": [[0, 0]], "wasmtime": [[-0.0, 0.0]]},
    ),
    unit(
        "negative zero in bytes",
        js="export default ([x]) => new Uint8Array(new Float64Array([x * -1, -x + 0]).buffer)",
        python="""import struct
def run(p, unit):
    return struct.pack('<2d', p[0] * -1.0, -p[0] + 0.0)
""",
        wat=command(
            "(f64.store (i32.const 16) (f64.mul (f64.const 0) (f64.const -1)))"
            "(f64.store (i32.const 24) (f64.add (f64.neg (f64.const 0)) (f64.const 0)))"
            "(call $write (i32.const 16) (i32.const 16))"
        ),
        payloads=[[0.0]],
        expected=[_doubles(-0.0, 0.0)],
    ),
    unit(
        "large and small floats come back as they went",
        js="export default (p) => p",
        classic="worker.onStart = function (d) { communication.end(d.payload); };",
        python="def run(p, unit):\n    return p",
        wat=command(f"(call $write (i32.const {IN}) (global.get $n))"),
        terms=Terms(output="json"),
        payloads=[FLOATS],
        expected=[FLOATS],
    ),
    unit(
        "a sum of floats to the last bit",
        js="""export default () => { let s = 0; for (let k = 1; k <= 5000; k++) s += 1 / k;
  return new Uint8Array(new Float64Array([s]).buffer) }
""",
        python="""import struct
def run(p, unit):
    s = 0.0
    for k in range(1, 5001):
        s += 1 / k
    return struct.pack('<d', s)
""",
        wat=f64_fold("(f64.div (f64.const 1) (f64.convert_i32_s (local.get $k)))", 5000),
        expected=[_doubles(_sum(1 / k for k in range(1, 5001)))],
    ),
    unit(
        "square roots to the last bit",
        js="""export default () => { let s = 0; for (let k = 1; k <= 2000; k++) s += Math.sqrt(k);
  return new Uint8Array(new Float64Array([s]).buffer) }
""",
        python="""import math, struct
def run(p, unit):
    s = 0.0
    for k in range(1, 2001):
        s += math.sqrt(k)
    return struct.pack('<d', s)
""",
        wat=f64_fold("(f64.sqrt (f64.convert_i32_s (local.get $k)))", 2000),
        expected=[_doubles(_sum(math.sqrt(k) for k in range(1, 2001)))],
    ),
    unit(
        "sines, exponentials, logarithms and powers to 12 digits",
        js="""export default () => [1, 10, 1e5].flatMap((x) => [Math.sin(x), Math.cos(x), Math.exp(1 / x),
  Math.log(x + 1),
  Math.pow(x, 0.3), Math.atan(x)]).map((y) => Number(y.toPrecision(12)))
""",
        python="""import math
def run(p, unit):
    out = []
    for x in (1, 10, 1e5):
        out += [math.sin(x), math.cos(x), math.exp(1 / x), math.log(x + 1), math.pow(x, 0.3), math.atan(x)]
    return [float(f'{y:.12g}') for y in out]
""",
        expected=[
            [
                float(f"{y:.12g}")
                for x in (1, 10, 1e5)
                for y in (math.sin(x), math.cos(x), math.exp(1 / x), math.log(x + 1), math.pow(x, 0.3), math.atan(x))
            ]
        ],
    ),
    unit(
        "floats with a fixed number of decimals",
        js="export default (p) => p.map((x) => x.toFixed(3))",
        python="def run(p, unit):\n    return [f'{x:.3f}' for x in p]",
        payloads=[[0.1, 2 / 3, 1234567.8914, -0.0005001, 1e15]],
        expected=[["0.100", "0.667", "1234567.891", "-0.001", "1000000000000000.000"]],
    ),
    unit(
        "floats as the language prints them",
        js="export default (p) => p.map(String)",
        python="def run(p, unit):\n    return [str(float(x)) for x in p]",
        payloads=[[0.1, 100, 1e16, 1e-7, 1e21, 1e300, 5e-324]],
        expected=[["0.1", "100", "10000000000000000", "1e-7", "1e+21", "1e+300", "5e-324"]],
        differs={"python": [["0.1", "100.0", "1e+16", "1e-07", "1e+21", "1e+300", "5e-324"]]},
    ),
    unit(
        "rounding halves",
        js="export default (p) => p.map((x) => Math.round(x))",
        python="def run(p, unit):\n    return [round(x) for x in p]",
        payloads=[[0.5, 1.5, 2.5, -1.5]],
        expected=[[1, 2, 3, -1]],
        differs={"python": [[0, 2, 2, -2]]},
    ),
    unit(
        "division of negative integers",
        js="export default ([a, b]) => [Math.trunc(a / b), a % b]",
        python="def run(p, unit):\n    return [p[0] // p[1], p[0] % p[1]]",
        payloads=[[-7, 3], [7, -3]],
        expected=[[-2, -1], [-2, 1]],
        differs={"python": [[-3, 2], [-3, -2]]},
    ),
    unit(
        "a result that is not a number",
        js="export default () => ({a: [1, 0 / 0]})",
        classic="worker.onStart = function () { communication.end({a: [1, 0 / 0]}); };",
        python="def run(p, unit):\n    return {'a': [1, float('nan')]}",
        wat=constant('{"a":[1,NaN]}'),
        terms=Terms(output="json"),
        expected=[Ending("result", "(?i)nan|json")],
    ),
    unit(
        "an infinite result",
        js="export default () => 1 / 0",
        python="def run(p, unit):\n    return float('inf')",
        expected=[Ending("result", "(?i)inf")],
    ),
]
