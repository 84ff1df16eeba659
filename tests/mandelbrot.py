"""The picture of the Mandelbrot template, computed another way: what its tiles must show, pixel by pixel.

Rule: it shares no code with the work unit; the same steps in the same order give the same doubles.
"""

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

LEFT, SPAN = -2.25, 3.0


def picture(width: int, height: int, limit: int) -> bytes:
    """Return three bytes for each pixel, row by row."""
    step = SPAN / width
    out = bytearray()
    for row in range(height):
        im = (row + 0.5 - height / 2) * step
        for column in range(width):
            out += _colour(_steps(LEFT + (column + 0.5) * step, im, limit), limit)
    return bytes(out)


def paint(tiles: Sequence[dict[str, Any]], width: int, height: int) -> bytes:
    """Return the picture that tiles of three bytes a pixel make, in the same form."""
    out = bytearray(3 * width * height)
    for tile in tiles:
        pixels, stride = base64.b64decode(tile["pixels"]), 3 * tile["w"]
        for row in range(tile["h"]):
            at = 3 * ((tile["y"] + row) * width + tile["x"])
            out[at : at + stride] = pixels[row * stride : (row + 1) * stride]
    return bytes(out)


def _steps(re: float, im: float, limit: int) -> int:
    a = b = 0.0
    for count in range(limit):
        aa, bb = a * a, b * b
        if aa + bb > 4:
            return count
        a, b = aa - bb + re, 2 * a * b + im
    return limit


@cache
def _colour(count: int, limit: int) -> bytes:
    if count == limit:
        return bytes(3)
    return bytes(_wave(count * factor + shift) for factor, shift in ((5, 40), (7, 90), (11, 140)))


def _wave(n: int) -> int:
    at = n % 512
    return at if at < 256 else 511 - at
