"""The templates of the dashboard's gallery, each run as it stands on a real client, with results that are known."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disio.rest import ManagerClient
from tests.integration.env import Env
from tests.mandelbrot import paint, picture
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
GALLERY: list[dict[str, Any]] = json.loads((ROOT / "dashboard/web/src/newtask/gallery.json").read_bytes())
LIMIT_S = 200
PI = "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89452821E638D01377BE5466CF34E90C6C"
Results = list[Any]


def is_mandelbrot(found: Results) -> bool:
    return paint(found, 512, 384) == picture(512, 384, 200)


def is_about_pi(found: Results) -> bool:
    estimate: float = 4 * sum(each["hits"] for each in found) / sum(each["points"] for each in found)
    return bool(abs(estimate - 3.14159265) < 0.002) and len({each["hits"] for each in found}) > 1


def has_every_prime(found: Results) -> bool:
    return bool(sum(each["primes"] for each in found) == 78_498 and found[-1]["last"] == 999_983)


def swings_less_with_damping(found: Results) -> bool:
    """Without damping the energy stays what it was, the square of the frequency; damped, it goes."""
    free = [abs(each["energy"] / (at // 2 % 10 + 1) ** 2 - 1) for at, each in enumerate(found[:20])]
    return len(found) == 420 and max(free) < 0.01 and all(each["energy"] < 1e-6 for each in found[-16:])


def are_ways(found: Results) -> bool:
    return bool(sum(each["ways"] for each in found) == 2_680)


def is_longest_chain(found: Results) -> bool:
    return max((each["steps"], each["number"]) for each in found) == (351, 77_031)


def are_digits(found: Results) -> bool:
    return "".join(found).upper()[:96] == PI


CHECKS: dict[str, Callable[[Results], bool]] = {
    "mandelbrot": is_mandelbrot,
    "monte-carlo": is_about_pi,
    "primes": has_every_prime,
    "sweep": swings_less_with_damping,
    "queens": are_ways,
    "python": is_longest_chain,
    "wasm": are_digits,
    "pi": are_digits,
}


def document(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the document that the form makes of a template (``toDocument`` has tests of its own)."""
    unit: dict[str, Any] = {"language": entry["language"]}
    if entry["language"] == "wasm":
        unit |= {"source_base64": entry["wasm"], "output": entry["output"]}
    else:
        unit["source"] = "\n".join(entry["source"])
    return {"name": entry["name"], "workunit": unit, "payloads": entry["payloads"]}


def test_every_template_has_a_check() -> None:
    assert [entry["key"] for entry in GALLERY] == list(CHECKS)


def test_the_example_for_the_command_line_is_the_template() -> None:
    source = (ROOT / "examples/mandelbrot/mandelbrot.js").read_text(encoding="utf-8")
    assert "\n".join(GALLERY[0]["source"]) == source


def test_every_template_runs_and_gives_what_is_known(env: Env) -> None:
    manager = env.manager()
    env.client(env.distributor(manager.url).url)
    token = env.folder / "manager" / "admin.token"
    wrong = asyncio.run(_wrong(manager.url, token))
    assert wrong == []


async def _wrong(url: str, token: Path) -> list[str]:
    """Run all of them; return what came of those whose results are not the known ones."""
    wrong: list[str] = []
    async with ManagerClient.from_files(url, token) as manager:
        tasks = [(entry["key"], await manager.create_task(document(entry))) for entry in GALLERY]
        for key, task in tasks:
            seen = await _ended(manager, task["id"])
            found = [row["result"] async for row in manager.results(task["id"])]
            if seen["state"] != "done" or not CHECKS[key](found):
                wrong.append(f"{key}: {seen['state']}, {found[:2]!r}"[:500])
    return wrong


async def _ended(manager: ManagerClient, task: str) -> dict[str, Any]:
    """Return a task as it is when it has ended."""
    seen: dict[str, Any] = {}

    async def is_over() -> bool:
        seen.update(await manager.task(task))
        return seen["state"] not in ("queued", "running")

    await wait_until(is_over, LIMIT_S)
    return seen
