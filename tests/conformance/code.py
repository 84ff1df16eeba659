"""The bytes that a case's source becomes.

Rule: text is its own code; WebAssembly text is made binary by wasmtime, which only tests need.
"""

from __future__ import annotations

import functools
from pathlib import Path

from .case import Case


def code_of(case: Case, form: str) -> bytes:
    """Return the code of a case as a client gets it."""
    source = case.sources[form]
    if form == "wasm":
        return (ROOT / source).read_bytes()
    return _wasm(source) if form == "wat" else source.encode()


ROOT = Path(__file__).parents[2]


@functools.cache
def _wasm(text: str) -> bytes:
    import wasmtime

    return bytes(wasmtime.wat2wasm(text))
