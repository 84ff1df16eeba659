"""``disio submit --from`` and ``--open``, and ``disio payloads append`` and ``close``."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from disio.commands import appending
from tests.unit.disio.commands import compute, disio, objects, status_of
from tests.unit.manager.served import Served, serve
from tests.waiting import wait_until

PATIENCE_S = 20.0


@pytest.fixture
def unit(tmp_path: Path) -> str:
    path = tmp_path / "square.js"
    path.write_text("export default (n) => n * n")
    return str(path)


async def payloads(served: Served, task: str) -> list[Any]:
    total = (await served.call("GET", f"/api/tasks/{task}"))["total"]
    return [(await served.call("GET", f"/api/tasks/{task}/payloads/{at}"))["payload"] for at in range(total)]


async def test_from_names_a_task_as_people_do(unit: str, tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        source = (await served.create())["id"]
        for words, more in (
            (("--from", "last"), {}),
            (("--from", "1", "--stream"), {"stream": True}),
            (("--from", source, "--batch", "4", "--stream"), {"stream": True, "batch": 4}),
        ):
            shown = await disio("submit", unit, *words, "--json", data=tmp_path / "data")
            (told,) = objects(shown, "submit")
            task = await served.call("GET", f"/api/tasks/{told['task']}")
            assert task["payloads"] == {"task": source, **more} or words[1] == "last", shown.stderr
            assert task["growing"] and "0 payloads so far" in shown.stderr
            if words[1] == "last":
                assert task["payloads"] == {"task": source}


async def test_a_chained_task_is_followed_to_its_end(unit: str, tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        source = (await served.create())["id"]
        words = ("submit", unit, "--from", source, "--batch", "4", "--wait", "--ordered", "--json")
        following = asyncio.create_task(disio(*words, data=tmp_path / "data"))

        async def is_there() -> bool:
            return bool((await served.call("GET", "/api/tasks"))["total"] == 2)

        await wait_until(is_there, PATIENCE_S)
        await compute(served, count=10)
        newest = (await served.call("GET", "/api/tasks"))["items"][0]["id"]

        async def has_all() -> bool:
            return bool((await served.call("GET", f"/api/tasks/{newest}"))["total"] == 3)

        await wait_until(has_all, PATIENCE_S)
        for _ in range(2):  # who is there gets a fair part of it
            await compute(served, count=10)
        shown = await following
        assert status_of(shown) == 0
        rows = [json.loads(line) for line in shown.stdout.splitlines() if line.startswith("{")]
        assert [(row["i"], row["payload"]) for row in rows] == [
            (0, [0, 1, 4, 9]), (1, [16, 25, 36, 49]), (2, [64, 81]),
        ]  # fmt: skip


async def test_an_open_task_is_given_payloads_until_it_is_closed(unit: str, tmp_path: Path) -> None:
    here = tmp_path / "data"
    async with serve(here) as served:
        shown = await disio("submit", unit, "--open", "--list", "[1]", "--json", data=here)
        (told,) = objects(shown, "submit")
        shown = await disio(
            "payloads", "append", "last", "--ndjson", "-", "--json", data=here, input='{"a": 2.50}\n[3]\n'
        )
        assert objects(shown, "payloads append") == [{"id": told["task"], "appended": 2, "total": 3}]
        shown = await disio("payloads", "append", "1", "--range", "5:7", data=here)
        assert status_of(shown) == 0 and "2 payloads more: 5" in shown.stderr and "payloads close 1" in shown.stderr
        shown = await disio("payloads", "append", "last", "--list", '["x"]', "--close", data=here)
        assert "and no more come" in shown.stderr
        assert await payloads(served, told["task"]) == [1, {"a": 2.5}, [3], 5, 6, "x"]
        shown = await disio("payloads", "append", "last", "--list", "[1]", data=here)
        assert status_of(shown) == 1 and "closed with 6 payloads" in str(shown.exception)
        (task,) = objects(await disio("payloads", "close", "last", "--json", data=here), "payloads close")
        assert (task["growing"], task["total"]) == (False, 6)


async def test_many_go_in_parts_and_behind_those_of_others(
    unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "PART", 10)
    here = tmp_path / "data"
    async with serve(here) as served:
        shown = await disio("submit", unit, "--open", "--json", data=here)
        (told,) = objects(shown, "submit")
        numbers = "".join(f"{at}\n" for at in range(100))
        words = ("payloads", "append", told["task"], "--ndjson", "-", "--json")
        running = asyncio.create_task(disio(*words, data=here, input=numbers))
        url, total, others = f"{served.url}/api/tasks/{told['task']}/payloads", 0, 0
        while not running.done():
            async with served.http.post(url, json={"start": total, "values": ["other"]}) as answer:
                total, others = (await answer.json())["total"], others + (answer.status == 200)
        shown = await running
        assert status_of(shown) == 0 and others
        found = await payloads(served, told["task"])
        assert [value for value in found if value != "other"] == list(range(100)) and found.count("other") == others


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--range", "0:3", "--stream"), "--stream: goes with --from"),
        (("--range", "0:3", "--batch", "3"), "--batch: goes with --from"),
        (("--range", "0:3", "--from", "abc"), "give one of"),
        (("--range", "0:3", "--open"), "--open: goes with --list"),
        (("--from", "?"), "TASK: '?' names no task"),
        (("--task", "x.json", "--open"), ""),
    ],
)
async def test_what_makes_no_sense_is_refused(unit: str, words: tuple[str, ...], told: str) -> None:
    shown = await disio("submit", unit, *words, "--dry-run")
    assert status_of(shown) == 2 and told in str(shown.exception)


async def test_other_tasks_take_none(unit: str, tmp_path: Path) -> None:
    here = tmp_path / "data"
    async with serve(here) as served:
        await served.create()
        for words in (("append", "last", "--list", "[1]"), ("close", "last")):
            shown = await disio("payloads", *words, data=here)
            assert status_of(shown) == 1 and "complete" in str(shown.exception)
