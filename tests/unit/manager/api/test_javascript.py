"""Which texts count as JavaScript."""

import pytest

from disio_manager.api.javascript import MAX_CHECKED_BYTES, syntax_problem

FINE = [
    "export default function run(payload, unit) { return payload.n }",
    "export default async (p, u) => { for await (const a of p) u.log(a?.b?.[0] ?? 1n); await import('x') }",
    "worker.onStart = function (p) { communication.saveState({}); communication.end(p.n * 2) }",
    "class A { #x = 1; static { this.y ??= 2 } get z() { return this.#x ** 2 } static async *[Symbol.iterator]() {} }",
    "import x from './x.js' with { type: 'json' }; export * as ns from 'y'; export { x as default }",
    "x = /(?<year>\\d{4})[\\p{L}--[a-z]]/v; y = `a${`b${c}`}`; with (a) { b }; var let_ = 010",
    "a = b\n++c\nlabel: for (;;) { continue label }",
]
BROKEN = [
    ("function (", "line 1:"),
    ("let a = 1\nlet b = ;\n", "line 2:7"),
    ("export default p => {\n  return p.n", "line 2:13: '}' is missing"),
    ("const x = 'unterminated", "line 1:"),
    ("def run(payload):\n    return 1\n", "line 1:"),
]


@pytest.mark.parametrize("source", FINE)
def test_modern_modules_and_classic_scripts_pass(source: str) -> None:
    assert syntax_problem(source.encode()) is None


@pytest.mark.parametrize(("source", "place"), BROKEN)
def test_a_syntax_error_is_told_with_its_place(source: str, place: str) -> None:
    assert place in (syntax_problem(source.encode()) or "")


def test_a_huge_bundle_is_let_through_unread() -> None:
    assert syntax_problem(b"(" * (MAX_CHECKED_BYTES + 1)) is None


def test_deep_nesting_neither_hangs_nor_overflows() -> None:
    assert syntax_problem(b"(" * 50_000) is not None
