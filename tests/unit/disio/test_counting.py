"""``disio task aggregates`` against a real manager."""

from pathlib import Path

import pytest

from disio.commands.counting import bars_of
from tests.unit.disio.commands import compute, disio, objects
from tests.unit.manager.served import serve


async def test_numbers_are_a_table_with_a_histogram_and_the_extremes(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.create()
        shown = await disio("task", "aggregates", "last", data=tmp_path)
        assert shown.stdout.splitlines() == [
            'task 1 "squares": 0 of 0 results counted',
            "  no result has a number so far",
        ]
        await compute(served)
        shown = await disio("task", "aggregates", "1", "--top", "2", data=tmp_path)
        told, head, line, *more = shown.stdout.splitlines()
        assert told == 'task 1 "squares": 10 of 10 results counted'
        assert head.split() == ["FIELD", "COUNT", "MEAN", "MIN", "MAX", "FROM", "MIN", "TO", "MAX"]
        assert line.split()[:5] == [".", "10", "28.5", "0", "81"]
        assert more == ["  largest .: 81 at 9, 64 at 8", "  smallest .: 0 at 0, 1 at 1"]
        (found,) = objects(await disio("task", "aggregates", "1", "--json", data=tmp_path), "task aggregates")
        assert found == await served.call("GET", f"/api/tasks/{found['id']}/aggregates")
        assert found["counted"] == 10 and len(found["fields"][""]["top"]) == 10


async def test_fields_that_no_result_has_are_shown_as_such_and_tasks_one_after_the_other(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        for _ in range(2):
            await served.create(aggregates={"fields": ["a.b"]})
        shown = await disio("task", "aggregates", "all", data=tmp_path)
        assert [line.split() for line in shown.stdout.splitlines()[2:5]] == [
            ["a.b", "0", "-", "-", "-"], [], ["task", "2", '"squares":', "0", "of", "0", "results", "counted"],
        ]  # fmt: skip


async def test_more_fields_than_are_kept_are_told(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        task = await served.create(payloads={"range": [0, 1]})
        peer = served.peer()
        await peer.join()
        await peer.leased(1)
        value = "{" + ",".join(f'"f{at:02d}":1e20' for at in range(33)) + "}"
        await peer.deliver(task["id"], [0], value=value.encode())
        shown = await disio("task", "aggregates", "1", data=tmp_path)
        *_, last = shown.stdout.splitlines()
        assert "there are more fields" in last and "1e+20 at 0" in shown.stdout and "f32" not in shown.stdout
        remedy = last.rpartition("disio task edit ")[2].replace("'", "").replace("a.b", "f32").split(" ")
        assert (await disio("task", "edit", "1", *remedy, data=tmp_path)).exit_code == 0
        shown = await disio("task", "aggregates", "1", data=tmp_path)
        assert shown.stdout.splitlines()[2].split()[:3] == ["f32", "1", "1e+20"]


@pytest.mark.parametrize(
    ("counts", "bars"),
    [([5], "█"), ([1, 0, 8], "▂ █"), ([1] * 33, "█" * 16 + "▅"), ([1, 1000], "▁█")],
)
def test_bars_are_as_high_as_the_counts(counts: list[int], bars: str) -> None:
    assert bars_of(counts) == bars
