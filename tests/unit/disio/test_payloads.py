"""``disio payloads preview``."""

import json
from pathlib import Path
from typing import Any

import pytest

from disio.submitting import records
from tests.unit.disio.commands import disio, objects, status_of


async def test_few_payloads_are_all_shown_and_of_many_the_ends() -> None:
    shown = await disio("payloads", "preview", "--range", "5:8")
    assert shown.stdout == "#0  5\n#1  6\n#2  7\n" and shown.stderr == "3 payloads\n"
    shown = await disio("payloads", "preview", "--range", "0:1_000_000_000")
    lines = shown.stdout.splitlines()
    assert (len(lines), lines[19], lines[-1]) == (23, "#19  19", "#999999999  999999999")
    assert shown.stderr == "1000000000 payloads, 999999977 of them not shown\n"


async def test_every_generated_form_is_understood() -> None:
    async def preview(*words: str) -> dict[str, Any]:
        (found,) = objects(await disio("payloads", "preview", *words, "--json"), "payloads preview")
        return found

    found = await preview("--zip", "a=1:3", "b=x,y", "c=9")
    assert found == {"count": 2, "first": [{"a": 1, "b": "x", "c": 9}, {"a": 2, "b": "y", "c": 9}], "last": []}
    words = ("--random", "100", "--seed", "s", "x=0..1", "n=1:3", "k=const")
    found = await preview(*words)
    assert found == await preview(*words) != await preview("--random", "100", "x=0..1", "n=1:3", "k=const")
    first = found["first"][0]
    assert 0 <= first["x"] < 1 and first["n"] in (1, 2) and first["k"] == "const"
    assert (await preview("--list", '[1, "a", {"$base64": "AA=="}]'))["first"] == [1, "a", {"$base64": "AA=="}]
    assert (await preview("--grid", "a=1:3 b=1,2"))["count"] == 4


async def test_files_are_read_through_whatever_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "lines"
    file.write_text("".join(f"line {at}\n" for at in range(1000)))
    monkeypatch.setattr(records, "SMALL_BYTES", 100)
    (found,) = objects(await disio("payloads", "preview", "--lines", str(file), "--json"), "payloads preview")
    assert (found["count"], found["first"][0], found["last"]) == (1000, "line 0", ["line 997", "line 998", "line 999"])
    shown = await disio("payloads", "preview", "--ndjson", "-", input="".join(f"{at}\n" for at in range(200)))
    assert shown.exit_code == 0 and shown.stdout.splitlines()[-1] == "#199  199"
    (tmp_path / "list.json").write_text(json.dumps([1, 2]))
    shown = await disio("payloads", "preview", "--list", str(tmp_path / "list.json"))
    assert shown.stdout == "#0  1\n#1  2\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "inputs: give one of --input, --range, --grid, --zip, --random, --list, --lines, --ndjson, --csv"),
        (("--range", "0:1", "--lines", "-"), "give one of"),
        (("--range", "0:1", "--seed", "1"), "--seed: goes with --random"),
        (("--zip", "a=1:3", "b=1:4"), "--zip: zip: "),
        (("--random", "3", "count=1"), "no key can be called count"),
        (("--random", "3", "x"), "--random: 'x' is not key=AXIS"),
        (("--random", "3", "x=2..1"), "--random: random.x"),
        (("--list", "[1"), "--list: is no JSON array"),
        (("--list", "/nowhere"), "--list: /nowhere cannot be read: No such file"),
        (("--lines", "/nowhere"), "--lines: /nowhere cannot be read: No such file"),
    ],
)
async def test_what_makes_no_sense_is_a_usage_error(words: tuple[str, ...], told: str) -> None:
    shown = await disio("payloads", "preview", *words)
    assert status_of(shown) == 2 and told in str(shown.exception), shown.exception
