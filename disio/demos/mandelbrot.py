"""A picture of the Mandelbrot set, painted by volunteers tile by tile and checked here pixel by pixel.

Rule: the check runs no code of the work unit. The same steps in the same order give the same doubles in JavaScript and
Python (IEEE 754), and colours are whole numbers, so the pictures are equal to the last bit or something is wrong.
"""

import base64
import binascii
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

WIDTH, HEIGHT, TILE, LIMIT = 512, 384, 64, 200
LEFT, SPAN = -2.25, 3.0
BYTES = 3
"""Of a pixel: red, green, blue."""


class Wrong(NamedTuple):
    """The first pixel that is not as it should be."""

    x: int
    y: int
    found: bytes
    """Empty: there is none."""
    known: bytes


def task_document() -> dict[str, Any]:
    """Return the task: the template of the dashboard's gallery."""
    size = {"w": TILE, "h": TILE, "width": WIDTH, "height": HEIGHT, "limit": LIMIT}
    return {
        "name": f"Mandelbrot, {WIDTH} × {HEIGHT}",
        "tags": ["demo", "picture"],
        "workunit": {"language": "javascript", "source": workunit_source()},
        "payloads": {"grid": {"y": {"range": [0, HEIGHT, TILE]}, "x": {"range": [0, WIDTH, TILE]}, **size}},
        "policy": {"unit_timeout_s": 60},
    }


def workunit_source() -> str:
    """Return the work unit, as the gallery has it."""
    return files("disio.demos").joinpath("mandelbrot.js").read_text(encoding="utf-8")


def painted(tiles: Iterable[Any]) -> bytes:
    """Return the picture that results make, row by row; zeros where nothing, or no tile of this picture, came."""
    picture = bytearray(BYTES * WIDTH * HEIGHT)
    for tile in tiles:
        x, y, pixels = _place_of(tile)
        stride = BYTES * TILE
        for row in range(TILE if pixels else 0):
            at = BYTES * ((y + row) * WIDTH + x)
            picture[at : at + stride] = pixels[row * stride : (row + 1) * stride]
    return bytes(picture)


def _place_of(tile: Any) -> tuple[int, int, bytes]:
    """Return where a tile lies, and its pixels; none when it is no tile of this picture."""
    try:
        x, y, pixels = int(tile["x"]), int(tile["y"]), base64.b64decode(tile["pixels"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        return 0, 0, b""
    fits = 0 <= x <= WIDTH - TILE and 0 <= y <= HEIGHT - TILE and len(pixels) == BYTES * TILE * TILE
    return (x, y, pixels) if fits else (0, 0, b"")


def first_wrong(picture: bytes) -> Wrong | None:
    """Return the first pixel that differs from the one that is computed here, or None when all are right."""
    step = SPAN / WIDTH
    for y in range(HEIGHT):
        im = (y + 0.5 - HEIGHT / 2) * step
        for x in range(WIDTH):
            at = BYTES * (y * WIDTH + x)
            known, found = _colour(_steps(LEFT + (x + 0.5) * step, im)), picture[at : at + BYTES]
            if found != known:
                return Wrong(x, y, found, known)
    return None


def _steps(re: float, im: float) -> int:
    """Return how many steps of z -> z*z + c a point takes to leave the circle of radius 2; LIMIT = it stays."""
    a = b = 0.0
    for count in range(LIMIT):
        aa, bb = a * a, b * b
        if aa + bb > 4:
            return count
        a, b = aa - bb + re, 2 * a * b + im
    return LIMIT


@cache
def _colour(count: int) -> bytes:
    if count == LIMIT:
        return bytes(BYTES)
    return bytes(_wave(count * factor + shift) for factor, shift in ((5, 40), (7, 90), (11, 140)))


def _wave(n: int) -> int:
    at = n % 512
    return at if at < 256 else 511 - at
