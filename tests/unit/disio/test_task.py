"""``disio task`` against a real manager."""

import asyncio
import json
import socket
from pathlib import Path

import jsonschema
import pytest

from disio import shapes
from disio.commands.task_verbs import indexes_of
from disio_shared.errors import ConfigError
from tests.unit.disio.commands import compute, disio, objects, status_of
from tests.unit.manager.served import Served, serve

ALL = [
    "list", "show", "watch", "wait", "aggregates", "explain", "pause", "resume", "cancel", "retry", "clone", "edit",
    "delete",
]  # fmt: skip


async def states(served: Served) -> dict[int, str]:
    return {task["number"]: task["state"] for task in (await served.call("GET", "/api/tasks"))["items"]}


async def test_a_list_shows_every_task_in_columns_and_says_what_it_left_out(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        shown = await disio("task", "list", data=tmp_path)
        assert (shown.exit_code, shown.stdout) == (0, "") and "disio submit" in shown.stderr
        assert objects(await disio("task", "list", "--json", data=tmp_path), "task list") == [{"items": [], "total": 0}]
        for name, tags in (("one", ["math"]), ("two \x1b"[:3], ["math", "x"]), ("数字", ["mathematics"])):
            await served.create(name=name, tags=tags)
        shown = await disio("task", "list", data=tmp_path)
        head, *lines = shown.stdout.splitlines()
        assert head.split() == ["NO", "ID", "STATE", "DONE", "FAILED", "RATE", "ETA", "AGE", "NAME"]
        assert [line.split()[0] for line in lines] == ["3", "2", "1"]
        assert lines[0].split()[2:7] == ["queued", "0/10", "0", "-", "-"] and lines[0].endswith("数字")
        assert lines[0].index("queued") == head.index("STATE")
        shown = await disio("task", "list", "--limit", "2", data=tmp_path)
        assert "the newest 2 of 3" in shown.stderr and len(shown.stdout.splitlines()) == 3
        (found,) = objects(await disio("task", "list", "--tag", "math", "--json", data=tmp_path), "task list")
        assert ([task["number"] for task in found["items"]], found["total"]) == ([2, 1], 2)
        (found,) = objects(
            await disio("task", "list", "--tag", "math", "--limit", "1", "--json", data=tmp_path), "task list"
        )
        assert ([task["number"] for task in found["items"]], found["total"]) == ([2], None)
        (found,) = objects(await disio("task", "list", "--q", "ONE", "--all", "--json", data=tmp_path), "task list")
        assert [task["name"] for task in found["items"]] == ["one"]
        shown = await disio("task", "list", "--state", "failed", data=tmp_path)
        assert (shown.stdout, shown.stderr) == ("", "no task is so\n")


async def test_a_task_is_shown_one_fact_a_line(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        made = await served.create(name="a\tb"[:1], description="what it is\nfor")
        shown = await disio("task", "show", "last", data=tmp_path)
        told = shown.stdout.splitlines()
        assert told[0] == "task 1  a" and f"  id        {made['id']}" in told
        assert "  about     for" in told and '  payloads  {"range":[0,10]}' in told
        (found,) = objects(await disio("task", "show", "1", "--json", data=tmp_path), "task show")
        assert found == await served.call("GET", f"/api/tasks/{made['id']}")
        await served.call("POST", f"/api/tasks/{made['id']}/cancel")
        shown = await disio("task", "show", "all", data=tmp_path)
        assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "no task is open\n")


async def test_the_verbs_do_what_they_say_and_all_means_those_they_make_sense_for(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        for at in range(4):
            await served.create(name=f"t{at + 1}")
        shown = await disio("task", "pause", "1-2", data=tmp_path)
        assert shown.exit_code == 0 and shown.stdout == ""
        assert shown.stderr.splitlines() == [
            'task 1 "t1" is paused',
            'task 2 "t2" is paused',
            "Next: disio task resume 1,2",
        ]
        found = objects(await disio("task", "resume", "all", "--json", data=tmp_path), "task resume")
        assert [(task["number"], task["state"]) for task in found] == [(1, "queued"), (2, "queued")]
        shown = await disio("task", "resume", "all", data=tmp_path)
        assert (shown.exit_code, shown.stderr) == (0, "there is no task to resume\n")
        shown = await disio("task", "cancel", "all", data=tmp_path)
        assert status_of(shown) == 2 and "--yes: would cancel task 1" in str(shown.exception)
        assert (await disio("task", "cancel", "3", data=tmp_path)).exit_code == 0
        assert set((await states(served)).values()) == {"queued", "cancelled"}
        assert (await disio("task", "cancel", "all", "--yes", data=tmp_path)).exit_code == 0
        assert await states(served) == dict.fromkeys((1, 2, 3, 4), "cancelled")
        shown = await disio("task", "cancel", "1", "last", data=tmp_path)
        assert status_of(shown) == 1 and shown.stderr.count("cancelled") == 2, shown.stderr
        shown = await disio("task", "clone", "1", data=tmp_path)
        assert (await states(served))[5] == "queued"
        made = await served.call("GET", f"/api/tasks/{shown.stdout.strip()}")
        assert made["number"] == 5 and 'task 1 "t1" is cloned as task 5' in shown.stderr
        shown = await disio("task", "delete", "1", data=tmp_path)
        assert status_of(shown) == 2 and 'would delete task 1 "t1" with their results' in str(shown.exception)
        found = objects(await disio("task", "delete", "1-4", "--yes", "--json", data=tmp_path), "task delete")
        assert [task["number"] for task in found] == [1, 2, 3, 4]
        assert await states(served) == {5: "queued"}


async def test_one_that_refuses_does_not_keep_the_others_from_theirs(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        for _ in range(3):
            await served.create()
        await served.call("POST", f"/api/tasks/{(await served.call('GET', '/api/tasks'))['items'][1]['id']}/cancel")
        shown = await disio("task", "pause", "1-3", data=tmp_path)
        assert status_of(shown) == 1
        assert await states(served) == {1: "paused", 2: "cancelled", 3: "paused"}
        assert 'task 2 "squares": ' in shown.stderr and "Next: disio task resume 1,3" in shown.stderr


async def test_failed_payloads_are_tried_again_and_waiting_tells_the_end_in_its_status(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.create()
        await compute(served, frozenset({3}))
        shown = await disio("task", "wait", "last", data=tmp_path)
        assert (status_of(shown), shown.stdout) == (6, "")
        assert "1  failed  9/10  1 failed  squares" in shown.stderr
        shown = await disio("task", "retry", "all", "--failed", data=tmp_path)
        assert (shown.exit_code, shown.stderr.splitlines()[0]) == (
            0,
            'task 1 "squares" tries its failed payloads again',
        )
        shown = await disio("task", "wait", "1", "--timeout", "0", data=tmp_path)
        assert status_of(shown) == 5 and "still open: 1; disio task explain tells why" in str(shown.exception)
        waiting = asyncio.create_task(disio("task", "wait", "1", "--json", data=tmp_path))
        await compute(served)
        shown = await waiting
        (found,) = objects(shown, "task wait")
        assert (status_of(shown), found["state"], found["done"]) == (0, "done", 10)
        second = await served.create()
        await served.call("POST", f"/api/tasks/{second['id']}/cancel")
        assert status_of(await disio("task", "wait", "1-2", data=tmp_path)) == 1


async def test_watching_tells_each_change(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.create()
        watching = asyncio.create_task(disio("task", "watch", "1", "--interval", "0.1", "--json", data=tmp_path))
        await compute(served)
        shown = await watching
        found = objects(shown, "task watch")
        assert (shown.exit_code, found[-1]["state"]) == (0, "done")
        told = [(each["state"], each["done"], each["failed"]) for each in found]
        assert len(set(told)) == len(told)
        shown = await disio("task", "watch", "1", data=tmp_path)
        assert shown.stdout == "1  done  10/10  squares\n"
        shown = await disio("task", "watch", "all", data=tmp_path)
        assert (shown.exit_code, shown.stderr) == (0, "no task is open\n")


async def test_what_can_be_changed_is_changed(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.create(tags=["old"])
        words: tuple[str, ...] = (
            "--name",
            "new",
            "--tag",
            "a",
            "--tag",
            "b",
            "--priority",
            "7",
            "--weight",
            "2.5",
            "--deadline",
            "2h",
        )
        words = (*words, "--max-distributors", "3", "--set", "policy.max_task_failures=9", "--description", "why")
        (found,) = objects(await disio("task", "edit", "1", *words, "--json", data=tmp_path), "task edit")
        assert (found["name"], found["tags"], found["description"]) == ("new", ["a", "b"], "why")
        policy = found["policy"]
        assert (policy["priority"], policy["weight"], policy["max_distributors"]) == (7, 2.5, 3)
        assert policy["max_task_failures"] == 9 and 7000 < policy["deadline"] - found["created_at"] < 7300
        (found,) = objects(
            await disio("task", "edit", "1", "--deadline", "none", "--tag", "", "--json", data=tmp_path), "task edit"
        )
        assert (found["policy"]["deadline"], found["tags"]) == (None, [])
        shown = await disio("task", "edit", "1", "--set", 'workunit={"a":1}', data=tmp_path)
        assert status_of(shown) == 1 and "workunit" in shown.stderr
        for wrong, told in (
            (("--set", "priority"), "is not FIELD=JSON"),
            (("--set", "name=x"), "is no JSON"),
            (("--deadline", "soon"), "'soon' is no moment"),
            ((), "nothing is to be changed"),
        ):
            shown = await disio("task", "edit", "1", *wrong, data=tmp_path)
            assert status_of(shown) == 2 and told in str(shown.exception)


async def test_explaining_takes_the_same_words(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        made = await served.create()
        shown = await disio("task", "explain", "last", data=tmp_path)
        assert shown.stdout.startswith(f"task {made['id']}: queued\n")
        (found,) = objects(
            await disio("task", "explain", "1", "--payload", "2", "--json", data=tmp_path), "explain --payload"
        )
        assert found["i"] == 2
        assert objects(await disio("explain", "1", "--json", data=tmp_path), "explain")[0]["id"] == made["id"]
        shown = await disio("explain", "1,1", data=tmp_path)
        assert status_of(shown) == 2 and "means several tasks" in str(shown.exception)


@pytest.mark.parametrize("name", [name for name in ALL if name != "list"])
async def test_every_command_tells_bad_words_missing_tasks_and_a_manager_that_is_away(
    name: str, tmp_path: Path
) -> None:
    more = ("--priority", "1") if name == "edit" else ("--yes",) if name in ("delete", "cancel") else ()
    async with serve(tmp_path):
        shown = await disio("task", name, "8-3", *more, data=tmp_path)
        assert status_of(shown) == 2 and "8-3 is no range" in str(shown.exception)
        for word in ("7", "last", "nosuchtask"):
            assert status_of(await disio("task", name, word, *more, data=tmp_path)) == 3
        (tmp_path / "wrong").write_text("wrong")
        shown = await disio("task", name, "1", *more, "--token-file", str(tmp_path / "wrong"), data=tmp_path)
        assert status_of(shown) == 4
    shown = await disio("task", name, "1", *more, data=tmp_path)
    assert status_of(shown) == 5 and "disio up" in str(shown.exception)
    assert (await disio("task", name)).exit_code == 2


async def test_a_list_of_a_manager_that_is_away_is_status_5(tmp_path: Path) -> None:
    assert status_of(await disio("task", "list", data=tmp_path)) == 5
    named = ("--manager", "http://127.0.0.1:1", "--token-file", str(tmp_path / "token"))
    (tmp_path / "token").write_text("x")
    assert status_of(await disio("task", "list", *named)) == 5


async def test_a_task_that_refuses_is_a_problem_object_for_programs(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        made = await served.create()
        await served.call("POST", f"/api/tasks/{made['id']}/cancel")
        shown = await disio("task", "pause", "1", "--json", data=tmp_path)
        told = json.loads(shown.stderr)
        jsonschema.validate(told, shapes.schema("problem"))
        assert (shown.exit_code, shown.stdout) == (1, "")
        assert told["type"] == f"{served.url}/api/problems#illegal-verb"
        assert (told["code"], told["status"], told["task"], told["number"]) == ("illegal-verb", 409, made["id"], 1)


async def test_a_manager_that_does_not_answer_is_given_up_when_its_time_is_up(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("token")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system takes connections, and nobody answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for words in (("task", "list"), ("results", "last"), ("api", "GET", "stats"), ("fleet",)):
            shown = await disio(*words, "--manager", url, "--timeout", "0.2", data=tmp_path)
            assert status_of(shown) == 5 and "no answer in time" in str(shown.exception)


async def test_some_failed_payloads_of_one_task_are_retried(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.create(policy={"max_failures": 1})
        await served.create()
        await compute(served, frozenset({2, 3, 4, 7}))
        shown = await disio("task", "retry", "1", "--indexes", "3-4, 7", data=tmp_path)
        assert (shown.exit_code, shown.stderr.splitlines()[0]) == (
            0,
            'task 1 "squares" tries 3 failed payloads again',
        )
        shown = await disio("task", "retry", "1", "--indexes", "2,3", data=tmp_path)
        assert shown.exit_code == 1 and "payload 3 has not failed" in shown.stderr
        (found,) = objects(await disio("task", "retry", "1", "--indexes", "2", "--json", data=tmp_path), "task retry")
        assert found["failed"] == 0
        for words in (("1", "2"), ("1,2",), ("1-2",)):
            shown = await disio("task", "retry", *words, "--indexes", "2", data=tmp_path)
            assert status_of(shown) == 2 and "name one" in str(shown.exception)


@pytest.mark.parametrize("text", ["", "x", "3-", "-3", "3-1", "1,,2", "1" * 13, "0-10000", "\u0663"])
def test_what_are_no_indexes_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--indexes"):
        indexes_of(text)
    assert indexes_of("7-9,3, 8") == [3, 7, 8, 9]
