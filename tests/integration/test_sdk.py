"""``import disio`` against a whole disio: each test through both clients, with and without an event loop."""

import asyncio
import inspect
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import disio
from tests.faces import FACES, Face, face_of
from tests.integration.env import NOOP, SQUARE, Env
from tests.integration.sdk_place import Place, place_in
from tests.waiting import patient, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
SQUARES = disio.WorkUnit.from_source(SQUARE, "javascript", "squares")
ODD_FAIL = disio.WorkUnit.from_source(
    "export default (n) => { if (n % 2) throw new Error(`odd ${n}`); return n }", "javascript", "odd ones fail"
)
REVERSED = disio.WorkUnit.from_source("export default (bytes) => Uint8Array.from(bytes).reverse()", "javascript")
SLOW = disio.WorkUnit.from_source(
    """export default async (n) => {
    await new Promise((done) => setTimeout(done, n === 0 ? 1500 : 5));
    return n;
}""",
    "javascript",
    "slow",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start services once; stop them at the end."""
    with place_in(tmp_path_factory.mktemp("sdk")) as made:
        yield made


@pytest.fixture(params=FACES)
async def face(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Face]:
    """Connect each kind of client."""
    async with face_of(request.param, place.manager.url, **place.how) as made:
        yield made


def test_both_clients_have_the_same_calls_with_the_same_arguments() -> None:
    for asynchronous, synchronous in ((disio.AsyncClient, disio.Client), (disio.AsyncTask, disio.Task)):
        one, other = calls_of(asynchronous), calls_of(synchronous)
        own = {"batches", "feeder", "mapped"}  # what the other one is made of
        other.pop("executor", None)  # for event loops there is loop.run_in_executor
        assert {name: calls for name, calls in one.items() if name not in own} == other


def calls_of(kind: type) -> dict[str, list[str]]:
    """Return the public methods of a class with their parameters."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {
        name: [str(each) for each in inspect.signature(method).parameters.values()]
        for name, method in found
        if not name.startswith("_")
    }


async def test_a_task_is_submitted_followed_and_read_in_both_orders(face: Face) -> None:
    task = await face.submit(SQUARES, range(50), tags=["sdk"], description="squares of numbers")
    in_order = await face.all(task.results("index"))
    assert [(found.index, found.payload, found.value) for found in in_order] == [(n, n, n * n) for n in range(50)]
    assert all(found.client and found.seconds >= 0 and found.task == task.id for found in in_order)
    info = await face.do(task.wait)
    assert info.state == "done" and info.is_over and (info.done, info.open) == (50, 0)
    for order in ("completed", "none"):
        assert sorted(found.value for found in await face.all(task.results(order))) == [n * n for n in range(50)]
    assert [found.index for found in await face.all(task.results("index", 45))] == list(range(45, 50))
    assert sorted(found.index for found in await face.all(task)) == list(range(50))
    assert task.info.tags == ["sdk"] and "50 of 50 done" in repr(task) and "squares" in task._repr_html_()


async def test_what_is_done_comes_before_what_is_not(face: Face) -> None:
    task = await face.submit(SLOW, range(20))
    found = await face.all(task, 5)
    assert 0 not in [each.index for each in found]
    rest = await face.all(task.results("index"))
    assert [each.value for each in rest] == list(range(20))


async def test_payloads_are_lists_ranges_bytes_and_specs(face: Face) -> None:
    task = await face.submit(REVERSED, [b"abc", b"\x00\xff"])
    assert [found.value for found in await face.all(task.results("index"))] == [b"cba", b"\xff\x00"]
    assert [found.payload for found in await face.all(task.results("index"))] == [b"abc", b"\x00\xff"]
    grid = {"grid": {"a": [1, 2], "b": ["x", "y"]}}
    shown = await face.do(face.client.preview, grid)
    assert shown.count == 4 and shown.first[1] == {"a": 1, "b": "y"}
    task = await face.submit(disio.WorkUnit.from_source(NOOP, "javascript"), grid)
    assert len(await face.all(task)) == 4
    with pytest.raises(disio.BadArgument, match=r"payloads\[1\]\.x is of type set, .* use sorted"):
        await face.submit(SQUARES, [1, {"x": {1}}])
    with pytest.raises(disio.BadArgument, match="payloads are a list, a range, or a spec"):
        await face.submit(SQUARES, "abc")


async def test_a_growing_task_is_given_payloads_and_read_meanwhile(face: Face) -> None:
    task = await face.submit(SQUARES, {"open": [0, 1]})
    assert task.info.growing
    readers = [task.results("index"), task.results()]
    first = [await face.all(_some(face, reader, 2)) for reader in readers]
    assert [sorted(each.value for each in found) for found in first] == [[0, 1], [0, 1]]
    assert (await face.do(task.append, range(2, 5))).total == 5
    await face.do(task.append, [])
    info = await face.do(task.close)
    assert info.total == 5 and not info.growing
    rest = [await face.all(reader) for reader in readers]
    assert [sorted(each.value for each in found) for found in rest] == [[4, 9, 16], [4, 9, 16]]
    with pytest.raises(disio.Conflict):
        await face.do(task.append, [5])


def _some(face: Face, reader: Any, number: int) -> Any:
    """Return an iterator of the next results, which leaves the reader open."""
    if face.is_sync:
        return itertools.islice(reader, number)

    async def taken() -> AsyncIterator[Any]:
        for _ in range(number):
            yield await anext(reader)

    return taken()


async def test_units_come_from_files(face: Face, tmp_path: Path) -> None:
    file = tmp_path / "square.js"
    file.write_text(SQUARE)
    task = await face.submit(str(file), range(3))
    assert task.info.name == "square"
    assert [found.value for found in await face.all(task.results("index"))] == [0, 1, 4]
    for wrong, said in ((tmp_path / "none.js", "cannot be read"), (tmp_path / "a.txt", "ends in none of")):
        with pytest.raises(disio.BadArgument, match=said):
            await face.submit(wrong, range(3))
    with pytest.raises(disio.BadArgument, match="a work unit is"):
        await face.submit(3, range(3))


async def test_failed_payloads_are_told_of_and_retried(face: Face) -> None:
    task = await face.submit(ODD_FAIL, range(6), max_failures=1)
    with pytest.raises(disio.TaskFailed, match=r"3 of 6 payloads of task .*\npayload 1: .*odd 1") as failed:
        await face.do(task.wait)
    assert (failed.value.state, failed.value.failed, failed.value.task) == ("failed", 3, task.id)
    assert (await face.do(task.wait, partial=True)).failed == 3
    found: list[int] = []
    with pytest.raises(disio.TaskFailed):
        await take(face, task, found)
    assert sorted(found) == [0, 2, 4]
    assert [each.index for each in await face.all(task.results("index", partial=True))] == [0, 2, 4]
    failures = await face.do(task.failures)
    assert [each.index for each in failures] == [1, 3, 5]
    assert "odd 1" in failures[0].errors[0] and failures[0].payload == 1
    assert (await face.do(task.retry)).failed == 0
    assert (await face.do(task.wait, partial=True)).failed == 3


async def take(face: Face, task: Any, into: list[int]) -> None:
    """Collect indexes until the results end, however they do."""
    if face.is_sync:
        await asyncio.to_thread(lambda: into.extend(found.index for found in task))
    else:
        async for found in task:
            into.append(found.index)


async def test_pause_resume_edit_explain_cancel_and_delete(face: Face) -> None:
    task = await face.submit(SLOW, range(100_000))
    assert (await face.do(task.pause)).state == "paused"
    assert any("paused" in sentence for sentence in await face.do(task.explain))
    assert (await face.do(task.resume)).state in ("queued", "running")
    assert (await face.do(task.edit, name="renamed", policy={"priority": 7})).policy["priority"] == 7
    with pytest.raises(disio.InvalidRequest, match=r"policy\.priority") as wrong:
        await face.do(task.edit, policy={"priority": 10**30})
    assert wrong.value.errors[0]["path"] == "policy.priority"
    assert (await face.do(task.document))["name"] == "renamed"
    with pytest.raises(disio.WaitTimeout, match=r"is running after 0\.2 s: 0 of 100000"):
        await face.do(task.wait, 0.2)
    assert (await face.do(task.cancel)).state == "cancelled"
    with pytest.raises(disio.TaskFailed, match="was cancelled"):
        await face.do(task.wait)
    with pytest.raises(disio.Conflict, match="cannot resume"):
        await face.do(task.resume)
    await face.do(task.delete)
    with pytest.raises(disio.NotFound, match=task.id):
        await face.do(task.refresh)
    with pytest.raises(disio.NotFound):
        await face.do(face.client.task, task.id)


async def test_a_key_finds_the_task_that_it_made(face: Face) -> None:
    key = f"key of {face.is_sync}"
    task = await face.submit(SQUARES, range(3), key=key)
    assert (await face.submit(SQUARES, range(3), key=key)).id == task.id
    assert (await face.submit(SQUARES, range(3))).id != task.id
    with pytest.raises(disio.InvalidRequest):
        await face.submit(SQUARES, range(4), key=key)


async def test_documents_are_sent_as_they_are_and_what_is_wrong_is_told_by_its_place(face: Face) -> None:
    document = {
        "name": "whole",
        "workunit": {"language": "javascript", "source": SQUARE},
        "payloads": {"list": [1, 2]},
        "policy": {"requires": {"memory_mb": 128}},
    }
    made = [
        await face.do(face.client.submit_document, document),
        await face.do(face.client.submit_document, json.dumps(document)),
        await face.submit(disio.WorkUnit.from_source(SQUARE, "javascript"), [1, 2], name="whole", memory_mb=128),
    ]
    documents = [await face.do(each.document) for each in made]
    assert documents[0] == documents[1] == documents[2]
    with pytest.raises(disio.InvalidRequest) as wrong:
        await face.do(face.client.submit_document, {**document, "payload": 1})
    assert wrong.value.status == 422
    with pytest.raises(TypeError, match="there is no option 'max_failure'"):
        await face.submit(SQUARES, range(3), max_failure=1)


async def test_tasks_are_listed_and_numbers_told(face: Face) -> None:
    made = [(await face.submit(SQUARES, range(2), name=f"listed {face.is_sync} {n}")).id for n in range(3)]
    found = await face.all(face.client.tasks(q=f"listed {face.is_sync}"))
    assert [task.id for task in found] == made[::-1]
    assert len(await face.all(face.client.tasks(), 2)) == 2
    assert (await face.do(face.client.stats))["clients"] == 1
    assert len(await face.do(face.client.distributors)) == 1
    me = await face.do(face.client.request, "GET", "/api/me")
    assert me["cluster"] == face.client.cluster


async def test_another_process_goes_on_with_a_task(face: Face, place: Place) -> None:
    task = await face.submit(SLOW, range(30))
    program = """if True:
        import sys, disio
        with disio.connect(sys.argv[1], token_file=sys.argv[2]) as client:
            task = client.task(sys.argv[3])
            print(task.info.name, sum(found.value for found in task), task.wait().state)
    """
    words = [sys.executable, "-c", program, place.manager.url, str(place.token_file), task.id]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, f"slow {sum(range(30))} done\n")
    assert [found.value for found in await face.all(task.results("index"))] == list(range(30))


async def test_progress_is_told_in_lines_where_no_terminal_is(face: Face, capfd: pytest.CaptureFixture[str]) -> None:
    task = await face.submit(SQUARES, range(40), name="[bold]told[/]")
    assert (await face.do(task.progress)).state == "done"
    out, err = capfd.readouterr()
    assert out == "" and err.splitlines()[-1].startswith("[bold]told[/]: 40 of 40 (done")


async def test_wrong_tokens_and_places_without_a_manager_are_told_at_once(place: Place, tmp_path: Path) -> None:
    for name in FACES:
        with pytest.raises(disio.NotAuthorized, match=r"admin\.token"):
            async with face_of(name, place.manager.url, token="wrong"):
                pass
        with pytest.raises(disio.ManagerUnreachable):
            async with face_of(name, "http://127.0.0.1:9", token="wrong"):
                pass
        with pytest.raises(disio.ConfigError, match="is no URL"):
            async with face_of(name, "nowhere", token_file=place.token_file):
                pass
        with pytest.raises(disio.NotAuthorized, match=r"the token file .* cannot be read"):
            async with face_of(name, place.manager.url, token_file=tmp_path / "none"):
                pass


def test_a_manager_of_this_machine_is_found_by_its_data(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    data, token = place.env.folder / "manager", place.token_file.read_text().strip()
    ways: list[dict[str, Any]] = [{"data_dir": data}, {"data_dir": str(data), "token": token}]
    for given in [*ways, {"manager": place.manager.url, "token": token}]:
        with disio.connect(**given) as client:
            assert client.url == place.manager.url
    with pytest.raises(disio.ManagerUnreachable, match=r"start one \(disio up\), or name one: connect\("):
        disio.connect(data_dir=place.env.folder)
    monkeypatch.setenv("DISIO_MANAGER", place.manager.url)
    monkeypatch.setenv("DISIO_TOKEN_FILE", str(place.token_file))
    with disio.connect() as client:
        assert client.url == place.manager.url


@pytest.mark.parametrize("name", FACES)
async def test_a_manager_that_is_away_for_a_while_is_waited_for(name: Any, env: Env) -> None:
    manager = env.manager()
    env.client(env.distributor(manager.url).url)
    async with face_of(name, manager.url, token_file=env.folder / "manager" / "admin.token") as face:
        task = await face.submit(SLOW, range(300))
        reading = asyncio.ensure_future(face.all(task.results("index")))
        await wait_until(lambda: task.info.done > 5, 60.0, on_timeout=env.dump)
        manager.kill()
        env.manager_again(manager)
        assert [found.index for found in await reading] == list(range(300))


def test_ctrl_c_ends_waiting_at_once_and_the_process_with_it(place: Place) -> None:
    program = """if True:
        import os, signal, sys, threading, disio
        client = disio.connect(sys.argv[1], token_file=sys.argv[2])
        unit = disio.WorkUnit.from_source("export default () => { for (;;); }", "javascript")
        task = client.submit(unit, [1], unit_timeout_s=20)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            {what}
        except KeyboardInterrupt:
            print("interrupted", client.task(task.id).info.is_over)
            task.cancel()
    """
    for what in ("task.wait()", "list(task)", "task.progress()"):
        process = Ran(program.replace("{what}", what), place)
        assert process.out == "interrupted False\n", process


def test_a_client_that_nobody_closed_leaves_nothing_and_says_nothing(place: Place) -> None:
    program = """if True:
        import sys, disio
        client = disio.connect(sys.argv[1], token_file=sys.argv[2])
        print(len(list(client.tasks())) > 0)
    """
    process = Ran(program, place)
    assert (process.out, process.err) == ("True\n", "")


class Ran:
    """A program that ran to its end."""

    def __init__(self, program: str, place: Place) -> None:
        words = [sys.executable, "-c", program, place.manager.url, str(place.token_file)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=patient(60), check=True)
        self.out, self.err = done.stdout, done.stderr

    def __repr__(self) -> str:
        return f"{self.out!r} {self.err!r}"


async def test_a_unit_is_tried_here_as_volunteers_run_it(place: Place) -> None:
    assert await asyncio.to_thread(SQUARES.test, 7) == 49
    assert await asyncio.to_thread(REVERSED.test, b"\0ab") == b"ba\0"
    with pytest.raises(disio.UnitFailed, match="odd 3") as failed:
        await asyncio.to_thread(ODD_FAIL.test, 3, index=5)
    assert (failed.value.kind, failed.value.index) == ("error", 5)
    endless = disio.WorkUnit.from_source("export default () => { for (;;); }", "javascript")
    with pytest.raises(disio.UnitFailed) as failed:
        await asyncio.to_thread(endless.test, None, unit_timeout_s=0.5)
    assert failed.value.kind == "timeout"
    with pytest.raises(disio.BadArgument, match="payload"):
        await asyncio.to_thread(SQUARES.test, object())
    with pytest.raises(disio.BadArgument, match="payload"):
        await asyncio.to_thread(SQUARES.test, float("nan"))
