"""``disio results`` against a real manager; a peer plays the distributor."""

import asyncio
import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import apsw
import pytest

from disio.rest import ManagerClient
from disio.results.download import Download, Order
from disio.results.state import held, places_of
from disio.submitting.progress import Screen
from disio_shared import messages
from disio_shared.errors import ManagerUnreachable
from disio_shared.values import encode_value
from tests.unit.disio.commands import compute, disio, objects, status_of
from tests.unit.manager.served import Peer, Served, serve
from tests.waiting import wait_until


async def answered(served: Served, values: list[Any], **document: Any) -> dict[str, Any]:
    """Make a task, and have it answered with these values."""
    task = await served.create(payloads={"range": [0, len(values)]}, **document)
    peer = served.peer(f"d{len(served.peers) + 1}")
    await peer.join()
    await peer.leased(len(values))
    await deliver(peer, task["id"], dict(enumerate(values)))
    return task


async def deliver(peer: Peer, task: str, values: dict[int, Any]) -> None:
    columns = messages.ResultColumns(
        task=task,
        indexes=list(values),
        values=[encode_value(value) for value in values.values()],
        seconds=[0.5] * len(values),
        clients=["c1", "c2"],
        by=[index % 2 for index in values],
    )
    name = f"b{min(values)}"
    await peer.say(messages.Deliver(batch=name, results=[columns]))
    assert (await peer.hear(messages.Committed)).batch == name


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if not line.startswith("2026")]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"data"}


async def test_what_is_there_goes_to_stdout_in_each_plain_form(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await answered(served, [{"n": 1, "x": "a,b"}, {"n": 2.5, "x": None, "more": [1]}, "text", b"\x00\xff"])
        shown = await disio("results", "last", "--json", data=tmp_path)
        found = objects(shown, "results")
        assert [row["result"] for row in found][2:] == ["text", {"$base64": "AP8="}]
        assert shown.stderr == "4 results\n"
        shown = await disio("results", "1", "--format", "values", "--from", "1", "--limit", "2", data=tmp_path)
        assert shown.stdout == '{"n":2.5,"x":null,"more":[1]}\n"text"\n'
        shown = await disio("results", "1", "--format", "csv", data=tmp_path)
        rows = list(csv.DictReader(shown.stdout.splitlines()))
        assert [row["result.x"] for row in rows] == ["a,b", "", "", ""]
        assert [row["result.n"] for row in rows] == ["1", "2.5", "", ""]
        assert (
            rows[1]["result.more"] == "[1]"
            and rows[2]["result"] == "text"
            and rows[3]["result"] == '{"$base64":"AP8="}'
        )
        assert [row["payload"] for row in rows] == ["0", "1", "2", "3"]


async def test_a_file_is_there_whole_with_where_it_comes_from_beside_it(tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        task = await answered(served, [n * n for n in range(10)], description="squares")
        out = tmp_path / "out.ndjson"
        shown = await disio("results", "1", "--out", str(out), "--json", data=tmp_path / "data")
        (told,) = objects(shown, "results --out")
        assert (told["rows"], told["format"], told["state"]) == (10, "ndjson", "done")
        assert [row["result"] for row in lines_of(out.read_text())] == [n * n for n in range(10)]
        facts = json.loads(Path(told["provenance"]).read_text())
        told = await served.call("GET", f"/api/tasks/{task['id']}/provenance")
        assert facts["provenance"] == told | {"at": facts["provenance"]["at"]}
        assert {each["client"]: each["results"] for each in told["clients"]} == {"c1": 5, "c2": 5}
        assert facts["file"]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
        assert (facts["file"]["rows"], facts["file"]["clients"]) == (10, {"c1": 5, "c2": 5})
        assert left_in(tmp_path) == {"out.ndjson", "out.ndjson.provenance.json"}


async def test_sqlite_keeps_kinds_and_new_columns_and_names_that_differ_in_case(tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        values = [{"a": 1, "A": "x"}, {"a": 2.5, 'q"': None}, b"raw", {"a": 2**70}, [1, {"b": 2}], True]
        await answered(served, values)
        out = tmp_path / "out.db"
        shown = await disio("results", "1", "--out", str(out), data=tmp_path / "data")
        assert shown.exit_code == 0, shown.exception
        rows = (
            apsw.Connection(str(out))
            .execute('SELECT i, result, "result.a", "result.A 2", client FROM results')
            .fetchall()
        )
        assert rows == [
            (0, None, 1, "x", "c1"),
            (1, None, 2.5, None, "c2"),
            (2, b"raw", None, None, "c1"),
            (3, None, str(2**70), None, "c2"),
            (4, '[1,{"b":2}]', None, None, "c1"),
            (5, 1, None, None, "c2"),
        ]
        assert left_in(tmp_path) == {"out.db", "out.db.provenance.json"}


async def test_a_directory_gets_a_file_for_each(tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        await answered(served, ["text", {"a": 1}, b"\xff", *range(9)])
        out = tmp_path / "out"
        shown = await disio("results", "1", "--format", "dir", "--out", str(out), data=tmp_path / "data")
        assert shown.exit_code == 0, shown.exception
        assert (out / "00.txt").read_bytes() == b"text" and (out / "01.json").read_bytes() == b'{"a":1}\n'
        assert (out / "02.bin").read_bytes() == b"\xff" and len(list(out.iterdir())) == 12
        assert left_in(tmp_path) == {"out", "out.provenance.json"}


async def test_following_writes_results_as_they_come_and_ends_with_the_task(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        task = (await served.create())["id"]
        peer = served.peer()
        await peer.join()
        await peer.leased(10)
        await deliver(peer, task, {9: 81})
        shown = await disio("results", task, "--format", "values", data=tmp_path)
        assert shown.stdout == "81\n" and "--follow waits for the rest" in shown.stderr
        for words in ((), ("--ordered",)):
            follow = ("results", task, "--follow", *words, "--patience", "0")
            following = asyncio.create_task(disio(*follow, data=tmp_path))
            if not words:
                await deliver(peer, task, {index: index * index for index in range(9) if index != 4})
                failed = messages.FailureColumns(task=task, indexes=[4], errors=[["boom"]])
                await peer.say(messages.Deliver(batch="f", failures=[failed]))
                await peer.hear(messages.Committed)
            shown = await following
            assert status_of(shown) == 6, shown.output
            rows = [row["i"] for row in lines_of(shown.stdout)]
            assert sorted(rows) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
            assert not words or rows == sorted(rows)
        shown = await disio("results", task, "--failures", data=tmp_path)
        assert lines_of(shown.stdout) == [{"i": 4, "payload": 4, "errors": ["boom"]}]


@pytest.mark.parametrize("kind", ["ndjson", "csv", "values", "sqlite", "dir"])
@pytest.mark.parametrize("is_ordered", [True, False])
async def test_a_download_that_broke_off_goes_on_without_a_result_twice_or_missing(
    kind: str, is_ordered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disio.submitting.following.BATCH", 3)
    monkeypatch.setattr("disio.results.download.SAVE_ROWS", 6)
    async with serve(tmp_path / "data") as served:
        task = (await served.create(payloads={"range": [0, 40]}))["id"]
        peer = served.peer()
        await peer.join()
        await peer.leased(40)
        out = tmp_path / "out"
        first = list(range(20)) if is_ordered else [*range(0, 12), 15, 17, *range(30, 36)]
        await deliver(peer, task, {index: {"sq": index * index} for index in first})
        order = Order(
            task=task,
            format=kind,
            out=out,
            start=0,
            stop=10**12,
            is_ordered=is_ordered,
            is_followed=True,
            is_resumed=True,
            patience_s=0,
        )
        token = (tmp_path / "data" / "admin.token").read_text()
        async with ManagerClient(served.url, token) as manager:
            with Screen() as screen:
                broken = asyncio.create_task(Download(order, manager, screen).run())
                await wait_until(lambda: _saved_rows(out) >= 12)
                broken.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await broken
                if kind in ("ndjson", "csv", "values"):  # a crash leaves more than was noted
                    with places_of(out).part.open("ab") as part:
                        part.write(b"half a line" * 1000)
                rest = {index: {"sq": index * index} for index in range(40) if index not in first}
                await deliver(peer, task, rest)
                outcome = await Download(order, manager, screen).run()
        assert outcome.rows == 40 and outcome.state == "done"
        found = _values(out, kind)
        assert sorted(found) == sorted(n * n for n in range(40))
        assert not is_ordered or kind == "sqlite" or found == [n * n for n in range(40)]
        facts = json.loads(places_of(out).provenance.read_text())
        assert facts["file"]["clients"] == {"c1": 20, "c2": 20}
        assert facts["provenance"]["counted"] == facts["provenance"]["done"] == 40
        assert left_in(tmp_path) == {"out", "out.provenance.json"}


def _saved_rows(out: Path) -> int:
    state = places_of(out).state
    return int(json.loads(state.read_bytes())["rows"]) if state.exists() else 0


def _values(out: Path, kind: str) -> list[int]:
    if kind == "sqlite":
        return [row[0] for row in apsw.Connection(str(out)).execute('SELECT "result.sq" FROM results')]
    if kind == "dir":
        return [json.loads(path.read_text())["sq"] for path in sorted(out.iterdir())]
    if kind == "csv":
        return [int(row["result.sq"]) for row in csv.DictReader(out.read_text().splitlines())]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return [(row["result"] if kind == "ndjson" else row)["sq"] for row in rows]


async def test_a_resume_of_something_else_is_refused_and_one_of_nothing_begins(tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        await answered(served, [1, 2, 3])
        await answered(served, [1])
        out = tmp_path / "out.csv"
        places = places_of(out)
        shown = await disio("results", "1", "--out", str(out), "--resume", data=tmp_path / "data")
        assert shown.exit_code == 0 and "nothing was begun there" in shown.stderr
        places.state.write_text("{")
        shown = await disio("results", "1", "--out", str(out), "--resume", data=tmp_path / "data")
        assert status_of(shown) == 2 and "is damaged" in str(shown.exception)
        cluster = (await served.call("GET", "/api/link"))["cluster"]
        task = (await served.call("GET", "/api/tasks"))["items"][0]["id"]
        state = {"cluster": cluster, "task": task, "format": "csv", "start": 0, "stop": 10**12, "is_ordered": False}
        places.state.write_text(json.dumps({**state, "left": [[0, 9]]}))
        shown = await disio("results", "1", "--out", str(out), "--resume", data=tmp_path / "data")
        assert status_of(shown) == 2 and "of another task, format, range or order" in str(shown.exception)
        shown = await disio("results", "2", "--out", str(out), "--resume", data=tmp_path / "data")
        assert shown.exit_code == 0, shown.exception


async def test_one_download_at_a_time_writes_to_a_file(tmp_path: Path) -> None:
    async with serve(tmp_path / "data") as served:
        await answered(served, [1])
        out = tmp_path / "out"
        with held(places_of(out)):
            shown = await disio("results", "1", "--out", str(out), data=tmp_path / "data")
            assert status_of(shown) == 1 and f"another disio results writes to {out}" in str(shown.exception)
        shown = await disio("results", "1", "--out", str(tmp_path / "no" / "out"), data=tmp_path / "data")
        assert status_of(shown) == 1 and "cannot be written: No such file" in str(shown.exception)
        assert (await disio("results", "1", "--out", str(out), data=tmp_path / "data")).exit_code == 0
        assert left_in(tmp_path) == {"out", "out.provenance.json"}


async def test_a_manager_that_stays_away_leaves_what_was_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    async with serve(tmp_path / "data") as served:
        task = (await served.create(payloads={"range": [0, 4]}))["id"]
        peer = served.peer()
        await peer.join()
        await peer.leased(4)
        await deliver(peer, task, {0: "first"})
        token = (tmp_path / "data" / "admin.token").read_text()
        words = ("results", task, "--follow", "--out", str(out), "--patience", "0", "--manager", served.url)
        (tmp_path / "token").write_text(token)
        monkeypatch.setattr("disio.results.download.SAVE_ROWS", 1)
        following = asyncio.create_task(disio(*words, "--token-file", str(tmp_path / "token")))
        await wait_until(lambda: _saved_rows(out) == 1)
    shown = await following
    assert isinstance(shown.exception, ManagerUnreachable) and "with --resume to go on" in shown.stderr
    assert not out.exists() and places_of(out).part.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("1", "--ordered"), "--ordered: goes with --follow"),
        (("1", "--format", "sqlite"), "--format: sqlite needs --out"),
        (("1", "--resume"), "--resume: goes with --out"),
        (("1", "--json", "--format", "csv"), "--json: is NDJSON on stdout, not csv"),
        (("1", "--out", "."), "--out: . is a directory"),
        (("1", "--out", "/dev/null"), "/dev/null is no regular file"),
        (("1", "--failures", "--follow"), "--failures: goes to stdout"),
        (("a b",), "names no task"),
    ],
)
async def test_options_that_make_no_sense_are_usage_errors(words: tuple[str, ...], told: str) -> None:
    shown = await disio("results", *words, data=Path("/nowhere/at/all"))
    assert status_of(shown) == 2 and told in str(shown.exception)


async def test_parquet_without_its_library_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    shown = await disio("results", "1", "--out", "x.parquet", data=Path("/nowhere/at/all"))
    assert status_of(shown) == 2
    assert "parquet needs pyarrow, which is not installed (pip install 'disio[parquet]', or" in str(shown.exception)


async def test_no_such_task_and_no_manager_have_their_status(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        assert status_of(await disio("results", "last", data=tmp_path)) == 3
        assert status_of(await disio("results", "7", data=tmp_path)) == 3
        await served.create()
        shown = await disio("results", "all", data=tmp_path)
        assert shown.exit_code == 0 and shown.stderr.startswith("0 results; the task is queued")
        await compute(served)
    assert status_of(await disio("results", "1", data=tmp_path)) == 5


async def test_what_a_search_found_is_written_alone_and_gone_on_with(tmp_path: Path) -> None:
    stop = {"result": [{"path": "", "at_least": 16.0}], "count": 3}
    data, out = tmp_path / "data", tmp_path / "found.ndjson"
    async with serve(data) as served:
        task = await served.create(payloads={"range": [0, 10**9]}, policy={"stop_when": stop})
        await served.create()
        peer = served.peer()
        await peer.join()
        await peer.leased(100)
        await peer.deliver(task["id"], [2, 4, 3, 5], "b1")
        words = ("results", "1", "--matched", "--out", str(out))
        (told,) = objects(await disio(*words, "--json", data=data), "results --out")
        assert (told["rows"], told["state"]) == (2, "running")
        assert [json.loads(line)["i"] for line in out.read_text().splitlines()] == [4, 5]
        following = asyncio.ensure_future(disio("results", "1", "--matched", "--follow", "--json", data=data))
        await peer.deliver(task["id"], [9], "b2")
        assert [each["i"] for each in objects(await following, "results")] == [4, 5, 9]
        provenance = json.loads((tmp_path / "found.ndjson.provenance.json").read_text())
        assert provenance["file"]["matched"] is True
        shown = await disio("results", "2", "--matched", data=data)
        assert status_of(shown) == 2 and "task 2 searches for nothing" in str(shown.exception)
        for more in ("--ordered", "--failures"):
            shown = await disio("results", "1", "--matched", "--follow", more, data=data)
            assert status_of(shown) == 2 and "--matched" in str(shown.exception)
