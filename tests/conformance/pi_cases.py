"""The pi units of examples/pi: the same digits from C, JavaScript and Python.

Rule: what is expected comes from Machin's formula, which shares nothing with the units.
"""

from __future__ import annotations

from pathlib import Path

from disio.demos.pi import known_digits
from disio_shared.messages import Terms

from .case import unit

FOLDER = Path(__file__).parents[2] / "examples/pi"
POSITIONS = [0, 1, 2, 7, 8, 60, 100, 333, 1000]
COUNT = 6
DIGITS = known_digits(POSITIONS[-1] + COUNT)

CASES = [
    unit(
        "digits of pi",
        js=(FOLDER / "pi.js").read_text(),
        python=(FOLDER / "pi.py").read_text(),
        wasm="examples/pi/pi.wasm",
        terms=Terms(output="json"),
        payloads=[{"n": n, "count": COUNT} for n in POSITIONS],
        expected=[DIGITS[n : n + COUNT] for n in POSITIONS],
    )
]
