"""``disio task VERB --where``: one verb on all tasks that fit."""

import time
from pathlib import Path

import pytest

from disio.commands.bulking import filter_of
from disio_shared.errors import ConfigError
from tests.unit.disio.commands import disio, objects, status_of
from tests.unit.manager.served import serve


def test_conditions_are_the_filter_of_the_manager() -> None:
    assert filter_of(["state=running,paused", "q=a=b", "failures=yes", "number=3-5,9,4"]) == {
        "state": ["running", "paused"],
        "q": "a=b",
        "failures": True,
        "numbers": [3, 4, 5, 9],
    }
    assert filter_of(["all=yes"]) == {"all": True}
    month = filter_of(["ended-before=30d"])["ended_before"]
    assert abs(time.time() - 30 * 86_400 - month) < 60
    assert filter_of(["created-from=1700000000"]) == {"created_from": 1_700_000_000.0}


@pytest.mark.parametrize(
    "condition",
    ["", "state", "state=", "state=gone", "colour=red", "number=0", "number=9-3", "number=1-9999", "number=x", "all=no",
     "ended-before=none", "ended-before=soon"],
)  # fmt: skip
def test_a_condition_that_says_nothing_is_refused_by_name(condition: str) -> None:
    with pytest.raises(ConfigError, match="--where"):
        filter_of([condition])
    with pytest.raises(ConfigError, match="twice"):
        filter_of(["state=done", "state=failed"])


async def test_it_counts_asks_and_does(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        for name in ("north 1", "north 2", "south"):
            await served.create(name=name)
        shown = await disio("task", "pause", "--where", "q=north", "--dry-run", data=tmp_path)
        assert (shown.exit_code, shown.stderr) == (0, "would pause 2 tasks\n")
        shown = await disio("task", "pause", "--where", "q=north", data=tmp_path)
        assert status_of(shown) == 2 and "would pause 2 tasks" in str(shown.exception), "nobody can be asked"
        assert (await served.call("GET", "/api/tasks?state=paused"))["total"] == 0
        shown = await disio("task", "pause", "--where", "q=north", "--yes", data=tmp_path)
        assert (shown.exit_code, shown.stderr) == (0, "pause: 2 of 2 tasks done, 0 refused\n")
        assert (await served.call("GET", "/api/tasks?state=paused"))["total"] == 2
        words = ("task", "delete", "--where", "state=paused", "--where", "number=1-2", "--json")
        (counted,) = objects(await disio(*words, "--dry-run", data=tmp_path), "task delete --where")
        assert (counted["state"], counted["matched"], counted["done"]) == ("dry-run", 2, 0)
        (job,) = objects(await disio(*words, "--yes", data=tmp_path), "task delete --where")
        assert (job["state"], job["matched"], job["done"]) == ("done", 2, 2)
        shown = await disio("task", "delete", "--where", "state=paused", "--yes", data=tmp_path)
        assert (shown.exit_code, shown.stderr) == (0, "there is no task to delete\n")


async def test_what_is_refused_is_told_with_its_reason(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        over = await served.create(name="over")
        await served.create(name="open")
        await served.call("POST", f"/api/tasks/{over['id']}/cancel")
        shown = await disio("task", "pause", "--where", "all=yes", "--yes", data=tmp_path)
        assert shown.exit_code == 1
        first, second = shown.stderr.splitlines()
        assert first == "pause: 1 of 2 tasks done, 1 refused"
        assert second.startswith(f"  {over['id']}: ") and "cancelled" in second


@pytest.mark.parametrize(
    "words", [("pause",), ("pause", "1", "--where", "all=yes"), ("cancel", "1", "--dry-run"), ("clone",)]
)
async def test_tasks_are_named_or_described(words: tuple[str, ...], tmp_path: Path) -> None:
    shown = await disio("task", *words, data=tmp_path)
    assert shown.exit_code == 2 and not shown.stdout
