"""The Mandelbrot demo: it is the gallery's template, and its check finds a pixel that is off by one."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from disio.demos import mandelbrot
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import count
from tests.mandelbrot import picture

GALLERY = Path(__file__).parents[3] / "dashboard/web/src/newtask/gallery.json"


@pytest.fixture(scope="module")
def right() -> bytes:
    """The picture, computed by other code than the demo's."""
    return picture(mandelbrot.WIDTH, mandelbrot.HEIGHT, mandelbrot.LIMIT)


def tiles_of(whole: bytes) -> list[dict[str, Any]]:
    """Cut a picture as volunteers return it."""
    size, stride = mandelbrot.TILE, 3 * mandelbrot.WIDTH
    tiles = []
    for y in range(0, mandelbrot.HEIGHT, size):
        for x in range(0, mandelbrot.WIDTH, size):
            rows = [whole[(y + row) * stride + 3 * x :][: 3 * size] for row in range(size)]
            tiles.append({"x": x, "y": y, "w": size, "h": size, "pixels": base64.b64encode(b"".join(rows)).decode()})
    return tiles


def test_it_is_the_template_of_the_gallery() -> None:
    (template,) = [each for each in json.loads(GALLERY.read_text()) if each["key"] == "mandelbrot"]
    document = mandelbrot.task_document()
    assert document["workunit"]["source"] == "\n".join(template["source"])
    assert document["payloads"] == template["payloads"] and document["name"] == template["name"]
    assert list(document["payloads"]["grid"]) == list(template["payloads"]["grid"]), "tiles come in the same order"
    assert count(parse_spec(document["payloads"])) == 48


def test_a_right_picture_is_found_right(right: bytes) -> None:
    assert mandelbrot.painted(tiles_of(right)) == right
    assert mandelbrot.first_wrong(right) is None


def test_one_bit_of_one_pixel_is_found(right: bytes) -> None:
    at = 3 * (200 * mandelbrot.WIDTH + 77) + 1
    changed = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
    wrong = mandelbrot.first_wrong(changed)
    assert wrong is not None and (wrong.x, wrong.y) == (77, 200)


def test_a_tile_that_is_missing_or_is_none_leaves_its_place_wrong(right: bytes) -> None:
    nonsense = [None, 3, {"x": 0}, {"x": 0, "y": 0, "pixels": "*"}, {"x": 9999, "y": 0, "pixels": "AAAA"}]
    found = mandelbrot.painted([*nonsense, *tiles_of(right)[1:]])
    wrong = mandelbrot.first_wrong(found)
    assert wrong is not None and (wrong.x, wrong.y) == (0, 0)
