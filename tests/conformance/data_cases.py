"""Text, bytes and nested values: what goes in comes out, whole and unchanged, of any size.

Rule: what is expected is computed here by CPython, or written down.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from disio_shared.messages import Terms

from .case import Case, Ending, unit
from .wat import ECHO, IN, command, constant

MB = 1 << 20
JSON = Terms(output="json")

JS_ECHO = "export default (p) => p"
CLASSIC_ECHO = "worker.onStart = function (d) { communication.end(d.payload); };"
PYTHON_ECHO = "def run(p, unit):\n    return p"


def echo(name: str, *payloads: Any) -> Case:
    """Return the case that each form hands back what it got, as a JSON value."""
    sources = {"js": JS_ECHO, "classic": CLASSIC_ECHO, "python": PYTHON_ECHO, "wat": ECHO}
    return Case(name, sources, payloads=list(payloads), expected=list(payloads), terms=JSON)


def _nested(depth: int) -> Any:
    value: Any = "bottom"
    for level in range(depth):
        value = [level, value] if level % 2 else {"level": level, "in": value}
    return value


NO_BYTES, ONE_BYTE, MANY_BYTES = b"", b"\x00", bytes(range(256)) * 781 + bytes(64)
MANY_BYTES = MANY_BYTES[:200_000]
REVERSED_WAT = command(
    f"""(local.set $i (i32.const 0))
    (block $end (loop $next
      (br_if $end (i32.ge_s (local.get $i) (global.get $n)))
      (i32.store8 (i32.add (i32.const 2097152) (local.get $i))
        (i32.load8_u (i32.sub (i32.add (i32.const {IN - 1}) (global.get $n)) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (call $write (i32.const 2097152) (global.get $n))""",
    locals="(local $i i32)",
)
FILLED_WAT = command(
    f"(memory.fill (i32.const 2097152) (i32.const 122) (i32.const {MB}))"
    f"(call $write (i32.const 2097152) (i32.const {MB}))"
)
PARTS = ["plain", "a😀b", "e\u0301", "\u00e9", "𝔘𝔫𝔦", "\u202eright to left", "日本語", ""]

CASES = [
    echo("strings of every kind come back", *PARTS),
    echo(
        "escapes come back",
        ['"quoted"', "back\\slash", "/", "tab\tline\nreturn\r\b\f", "\u0000\u001f\u007f", "\u2028\u2029", "</script>"],
        {'"k\\ey"\n': 1, "": 2, "\u0000": 3},
    ),
    unit(
        "characters are counted as code points",
        js="export default (s) => [[...s].length, [...s].reverse().join('')]",
        python="def run(s, unit):\n    return [len(s), s[::-1]]",
        payloads=["a😀b𝔘", "日本", ""],
        expected=[[4, "𝔘b😀a"], [2, "本日"], [0, ""]],
    ),
    unit(
        "length of a string as the language counts it",
        js="export default (s) => s.length",
        python="def run(s, unit):\n    return len(s)",
        payloads=["a😀b", "abc"],
        expected=[4, 3],
        differs={"python": [3, 3]},
    ),
    unit(
        "combining characters and their normal forms",
        js="export default (s) => [s === s.normalize('NFC'), s.normalize('NFC'), s.normalize('NFD')]",
        python="""import unicodedata
def run(s, unit):
    c = unicodedata.normalize('NFC', s)
    return [s == c, c, unicodedata.normalize('NFD', s)]
""",
        payloads=["e\u0301", "\u00e9", "\u1100\u1161"],
        expected=[
            [
                s == unicodedata.normalize("NFC", s),
                unicodedata.normalize("NFC", s),
                unicodedata.normalize("NFD", s),
            ]
            for s in ("e\u0301", "\u00e9", "\u1100\u1161")
        ],
    ),
    unit(
        "upper and lower case of other alphabets",
        js="export default (s) => [s.toUpperCase(), s.toLowerCase()]",
        python="def run(s, unit):\n    return [s.upper(), s.lower()]",
        payloads=["straße", "ΟΔΟΣ", "ǆ", "İ"],
        expected=[["STRASSE", "straße"], ["ΟΔΟΣ", "οδος"], ["Ǆ", "ǆ"], ["İ", "i̇"]],
    ),
    unit(
        "text as UTF-8",
        js="export default (s) => new TextEncoder().encode(s)",
        python="def run(s, unit):\n    return s.encode()",
        payloads=["aé😀\u0000"],
        expected=["aé😀\u0000".encode()],
    ),
    unit(
        "text made of bytes",
        js="export default (b) => new TextDecoder().decode(b)",
        python="def run(b, unit):\n    return b.decode()",
        wat=ECHO,
        terms=Terms(output="text"),
        payloads=['aé😀"\\\u0000'.encode(), b""],
        expected=['aé😀"\\\u0000', ""],
    ),
    unit(
        "half a surrogate pair",
        js="export default () => 'a\\ud800b'",
        python="def run(p, unit):\n    return 'a\\ud800b'",
        expected=[Ending("result", "(?i)surrogate")],
    ),
    unit(
        "output that is not UTF-8",
        wat=command("(i32.store (i32.const 16) (i32.const 0x80ff)) (call $write (i32.const 16) (i32.const 2))"),
        terms=Terms(output="text"),
        expected=[Ending("result", "(?i)utf-8|text")],
    ),
    unit(
        "bytes come back: none, one, 200,000",
        js=JS_ECHO,
        classic=CLASSIC_ECHO,
        python=PYTHON_ECHO,
        wat=ECHO,
        payloads=[NO_BYTES, ONE_BYTE, MANY_BYTES],
        expected=[NO_BYTES, ONE_BYTE, MANY_BYTES],
    ),
    unit(
        "bytes back to front: none, one, 200,000",
        js="export default (b) => b.reverse()",
        python="def run(b, unit):\n    return bytes(b)[::-1]",
        wat=REVERSED_WAT,
        payloads=[NO_BYTES, ONE_BYTE, MANY_BYTES],
        expected=[NO_BYTES, ONE_BYTE, MANY_BYTES[::-1]],
    ),
    unit(
        "bytes in, numbers out",
        js="""export default (b) => ({size: b.length, first: Array.from(b.slice(0, 3)), sum: b.reduce((s, x) => s + x,
  0)})
""",
        python="def run(b, unit):\n    return {'size': len(b), 'first': list(b[:3]), 'sum': sum(b)}",
        payloads=[MANY_BYTES, NO_BYTES],
        expected=[
            {"size": 200_000, "first": [0, 1, 2], "sum": sum(MANY_BYTES)},
            {"size": 0, "first": [], "sum": 0},
        ],
    ),
    echo("nested values come back", _nested(50), {"a": [{"b": [[], [[]], {"c": {}}]}], "z": [1, [2, [3]]]}),
    echo("empty values come back", [], {}, "", None, False, 0, [[], {}, "", None, False, 0]),
    echo(
        "keys that look like numbers, and keys of objects' own", {"10": 1, "9": 2, "b": 3, "__proto__": 4, "length": 5}
    ),
    unit(
        "a payload's parts can be changed",
        js="export default (p) => { p.list.push(p.n); p.n = 0; delete p.gone; return p }",
        python="""def run(p, unit):
    p['list'].append(p['n'])
    p['n'] = 0
    del p['gone']
    return p
""",
        payloads=[{"list": [1], "n": 2, "gone": 3}, {"list": [], "n": 5, "gone": None}],
        expected=[{"list": [1, 2], "n": 0}, {"list": [5], "n": 0}],
    ),
    unit(
        "a text of 1 MiB",
        js=f"export default () => 'z'.repeat({MB})",
        classic=f"worker.onStart = function () {{ communication.end('z'.repeat({MB})); }};",
        python=f"def run(p, unit):\n    return 'z' * {MB}",
        wat=FILLED_WAT,
        terms=Terms(output="text"),
        expected=["z" * MB],
    ),
    unit(
        "1 MiB in and out",
        js=JS_ECHO,
        python=PYTHON_ECHO,
        wat=ECHO,
        payloads=[bytes(range(256)) * 4096],
        expected=[bytes(range(256)) * 4096],
    ),
    unit(
        "a list of 100,000 numbers",
        js="export default (n) => Array.from({length: n}, (_, i) => i * i)",
        python="def run(n, unit):\n    return [i * i for i in range(n)]",
        payloads=[100_000],
        expected=[[i * i for i in range(100_000)]],
    ),
    unit(
        "JSON that a program wrote itself",
        wat=constant(' {"a" : [1, 2.50, "\\u00e9"]}\n'),
        terms=JSON,
        expected=[{"a": [1, 2.5, "é"]}],
    ),
    unit(
        "500 payloads of one run, each with its own answer",
        js="export default (n) => n * n",
        classic="worker.onStart = function (d) { communication.end(d.payload * d.payload); };",
        python="def run(n, unit):\n    return n * n",
        wat=ECHO,
        terms=JSON,
        payloads=list(range(500)),
        expected=[n * n for n in range(500)],
        differs={"wat": list(range(500))},
    ),
]
