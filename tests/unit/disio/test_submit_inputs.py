"""``disio submit`` of lines, records and whole documents, and what its options say in the document."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from disio_shared.taskdoc import parse_task
from tests.unit.disio.commands import compute, disio, objects, status_of
from tests.unit.manager.served import serve
from tests.waiting import wait_until

SQUARE = "export default (n) => n * n"


@pytest.fixture
def unit(tmp_path: Path) -> str:
    path = tmp_path / "square.js"
    path.write_text(SQUARE)
    return str(path)


async def document(*words: str, **more: Any) -> dict[str, Any]:
    """Return the document that a command line means."""
    shown = await disio("submit", *words, "--dry-run", "--json", **more)
    assert shown.exit_code == 0, shown.exception
    made: dict[str, Any] = json.loads(shown.stdout)
    return made


async def test_lines_from_stdin_become_payloads(unit: str, tmp_path: Path) -> None:
    made = await document(unit, "--lines", "-", input="1\n2\n")
    assert made["payloads"] == {"list": ["1", "2"]}
    made = await document(unit, "--csv", "-", input="a,b\n1,x\n")
    assert made["payloads"] == {"list": [{"a": 1, "b": "x"}]}
    made = await document(unit, "--lines", "-", input="x" * 300_000)
    assert made["payloads"].keys() == {"blob", "format"} and made["payloads"]["format"] == "lines"
    async with serve(tmp_path / "data") as served:
        shown = await disio("submit", unit, "--ndjson", "-", "--json", data=tmp_path / "data", input='{"a": 1}\n[2]\n')
        (told,) = objects(shown, "submit")
        task = await served.call("GET", f"/api/tasks/{told['task']}")
        assert task["payloads"] == {"list": [{"a": 1}, [2]]}


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--lines", "a\n b \r\n\n1\nno end"),
        ("--ndjson", '1\n\n {"a": [2.50, null]} \r\n"x"\n-0.0\n12345678901234567890123'),
        ("--csv", 'id,name,x\r\n1,"a,\n""b""",\r\n\r\n,007,1e3\n'),
    ],
)
async def test_many_inputs_are_uploaded_and_mean_what_few_mean(
    flag: str, text: str, unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "data"
    file = tmp_path / "inputs"
    file.write_bytes(text.encode())
    async with serve(here) as served:
        few = await disio("submit", unit, flag, str(file), data=here)
        monkeypatch.setattr("disio.submitting.records.SMALL_COUNT", 0)
        many = await disio("submit", unit, flag, str(file), data=here)
        assert f"uploading {len(text)} bytes of inputs" in many.stderr and "uploading" not in few.stderr
        tasks = [await served.call("GET", f"/api/tasks/{each.stdout.strip()}") for each in (few, many)]
        assert tasks[0]["payloads"].keys() == {"list"} and tasks[1]["payloads"]["format"] == flag[2:]
        assert tasks[0]["total"] == tasks[1]["total"] > 0
        for index in range(tasks[0]["total"]):
            told = [await served.call("GET", f"/api/tasks/{task['id']}/payloads/{index}") for task in tasks]
            assert told[0]["payload"] == told[1]["payload"], index


async def test_every_option_about_the_task_stands_in_the_document(unit: str) -> None:
    words: tuple[str, ...] = (
        "--description",
        "why",
        "--weight",
        "2",
        "--max-distributors",
        "3",
        "--max-task-failures",
        "9",
        "--public",
    )
    words += ("--redundancy", "1", "--verify", "fixed", "--deadline", "1999999999", "--webhook", "https://a.example/x")
    words += ("--stop-when", "a.b >= 0.5", "--stop-when", '. == {"x": "y z"}', "--stop-count", "4", "--aggregate", "s")
    made = await document(unit, "--range", "0:3", *words, "--aggregate", ".")
    assert (made["description"], made["public"]) == ("why", True)
    assert made["policy"] == {
        "weight": 2.0,
        "max_distributors": 3,
        "redundancy": 1,
        "verify": "fixed",
        "deadline": 1999999999.0,
        "max_task_failures": 9,
        "stop_when": {
            "result": [{"path": "a.b", "at_least": 0.5}, {"path": "", "equals": {"x": "y z"}}],
            "count": 4,
        },
    }
    assert made["webhooks"] == [{"url": "https://a.example/x"}] and made["aggregates"] == {"fields": ["s", ""]}
    parse_task(json.dumps(made).encode())


async def test_a_whole_document_goes_in_as_it_is_and_makes_the_same_task(unit: str, tmp_path: Path) -> None:
    words = (unit, "--random", "5", "--seed", "7", "x=0..1", "n=1:9", "--name", "drawn", "--priority", "3")
    made = await document(*words)
    assert made["payloads"] == {"random": {"count": 5, "seed": 7, "x": {"uniform": [0, 1]}, "n": {"range": [1, 9]}}}
    file = tmp_path / "task.json"
    file.write_text(json.dumps(made))
    here = tmp_path / "data"
    async with serve(here) as served:
        shown = [
            await disio("submit", *words, data=here),
            await disio("submit", "--task", str(file), data=here),
            await disio("submit", "--task", "-", data=here, input=json.dumps(made)),
        ]
        ids = [each.stdout.strip() for each in shown]
        documents = [await served.call("GET", f"/api/tasks/{task}/document") for task in ids]
        assert len(set(ids)) == 3 and documents[0] == documents[1] == documents[2]
        assert (await served.call("GET", f"/api/tasks/{ids[0]}"))["document_sha256"]
        shown = [await disio("submit", "--task", str(file), "--key", "k", data=here) for _ in range(2)]
        assert shown[0].stdout == shown[1].stdout and shown[0].stdout.strip() not in ids


async def test_what_this_manager_does_not_do_is_refused_by_its_name(unit: str, tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        shown = await disio("submit", unit, "--range", "0:3", "--redundancy", "3", data=tmp_path / "data")
        assert status_of(shown) == 1 and "policy.redundancy" in str(shown.exception)
        assert (await served.call("GET", "/api/tasks"))["total"] == 0


async def test_the_last_words_of_a_run_that_lost_its_manager_lead_back(unit: str, tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        served_token = tmp_path / "data" / "admin.token"
        (tmp_path / "token").write_text(served_token.read_text())
        words = (unit, "--range", "0:3", "--wait", "--ordered", "--patience", "0", "--manager", served.url)
        running = asyncio.create_task(disio("submit", *words, "--token-file", str(tmp_path / "token")))

        async def is_made() -> str:
            items = (await served.call("GET", "/api/tasks"))["items"]
            return str(items[0]["id"]) if items else ""

        task = await wait_until(is_made)
    shown = await running
    assert status_of(shown) == 5
    assert f"come back with: disio results {task} --follow --ordered" in shown.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--task", "-", "--range", "0:1"), "--range: does not go with --task"),
        (("UNIT", "--task", "-"), "WORKUNIT: does not go with --task"),
        (("--task", "-", "--priority", "3"), "--task: the document says all about the task"),
        (("--task", "/nowhere"), "--task: /nowhere cannot be read: No such file"),
        (("--task", "-"), "--task: "),
        (("UNIT", "--range", "0:1", "--stop-when", "x"), "--stop-when: 'x' is not PATH OP JSON"),
        (("UNIT", "--range", "0:1", "--stop-when", "x ~ 1"), "OP is one of =="),
        (("UNIT", "--range", "0:1", "--stop-when", "x == y"), "--stop-when: 'y' is no JSON"),
        (("UNIT", "--range", "0:1", "--stop-count", "2"), "--stop-count: goes with --stop-when"),
        (("UNIT", "--range", "0:1", "--deadline", "soon"), "--deadline: 'soon' is no moment"),
        (("UNIT", "--input", ".", "--output", "/o", "--lines", "-"), "--lines: does not go with --input"),
        (("UNIT", "--zip", "a"), "--zip: 'a' is not key=AXIS"),
    ],
)
async def test_options_that_make_no_sense_are_usage_errors(words: tuple[str, ...], told: str, unit: str) -> None:
    shown = await disio("submit", *(unit if word == "UNIT" else word for word in words), input="{}")
    assert status_of(shown) == 2 and told in str(shown.exception), shown.exception


async def test_results_of_lines_come_back_through_the_same_pipe(unit: str, tmp_path: Path) -> None:
    here = tmp_path / "data"
    async with serve(here) as served:
        running = asyncio.create_task(
            disio("submit", unit, "--lines", "-", "--wait", "--ordered", data=here, input="1\n2\n3\n")
        )

        async def is_made() -> bool:
            return bool((await served.call("GET", "/api/tasks"))["items"])

        await wait_until(is_made)
        await compute(served)
        shown = await running
        assert shown.exit_code == 0, shown.output
        assert [line for line in shown.stdout.splitlines() if line.isdigit()] == ["0", "1", "4"]
