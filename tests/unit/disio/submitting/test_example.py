"""The example of a directory job is what its source says."""

from pathlib import Path

import wasmtime

UPPER = Path(__file__).parents[4] / "examples" / "upper"


def test_the_binary_is_made_of_the_text() -> None:
    assert (UPPER / "upper.wasm").read_bytes() == wasmtime.wat2wasm((UPPER / "upper.wat").read_text(encoding="utf-8"))
