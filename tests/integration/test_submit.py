"""``disio submit`` of directories: real services, real work units, the command as a process of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from disio.submitting.memory import lock
from tests.integration.env import Env, Started
from tests.waiting import patient, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

UPPER = Path(__file__).parents[2] / "examples" / "upper" / "upper.wasm"
SLOW = """export default async (bytes) => {
    const is_long = String.fromCharCode(...bytes) === "long";
    await new Promise((done) => setTimeout(done, is_long ? 6000 : 5));
    return bytes.map((byte) => byte + 1);
}"""
ENDS_S = 90.0


@dataclass
class Desk:
    """Where somebody submits from: directories, a manager with a client, and the command."""

    env: Env
    manager: Started

    @property
    def inputs(self) -> Path:
        return self.env.folder / "in"

    @property
    def outputs(self) -> Path:
        return self.env.folder / "out"

    def fill(self, contents: dict[str, bytes]) -> None:
        """Write inputs."""
        for name, data in contents.items():
            (self.inputs / name).parent.mkdir(parents=True, exist_ok=True)
            (self.inputs / name).write_bytes(data)

    def written(self) -> dict[str, bytes]:
        """Return the outputs, without what disio keeps beside them."""
        found = {path for path in self.outputs.rglob("*") if path.is_file() and not path.name.startswith(".disio-")}
        return {str(path.relative_to(self.outputs)): path.read_bytes() for path in found}

    def own(self) -> set[str]:
        """Return the names of what disio keeps in the output directory."""
        return {path.name for path in self.outputs.rglob(".disio-*")}

    async def begin(self, *words: str) -> asyncio.subprocess.Process:
        """Start the command."""
        token = self.env.folder / self.manager.name / "admin.token"
        return await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "disio", "submit", "--input", str(self.inputs), "--output", str(self.outputs)],
            *["--manager", self.manager.url, "--token-file", str(token), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={key: value for key, value in os.environ.items() if not key.startswith("DISIO_")},
            start_new_session=True,
        )

    async def ended(self, process: asyncio.subprocess.Process) -> tuple[int, str, str]:
        """Return exit status, stdout and stderr of the command when it has ended."""
        async with asyncio.timeout(patient(ENDS_S)):
            out, err = await process.communicate()
        assert process.returncode is not None
        assert "Traceback" not in err.decode(), err.decode()
        return process.returncode, out.decode(), err.decode()

    async def run(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Run the command; return its exit status, the object on stdout, and stderr."""
        status, out, err = await self.ended(await self.begin(*words, "--json"))
        return status, json.loads(out) if out else {}, err

    async def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks the manager has."""
        async with self.env.rest(self.manager) as rest:
            return list((await rest.json("GET", "/api/tasks"))["items"])


@pytest.fixture
def desk(env: Env) -> Desk:
    """Start a manager, a distributor and a client."""
    manager = env.manager()
    env.client(env.distributor(manager.url).url)
    return Desk(env, manager)


@pytest.fixture
def slow(env: Env) -> str:
    """A work unit that takes its time."""
    path = env.folder / "slow.js"
    path.write_text(SLOW)
    return str(path)


def with_a_long_one(count: int) -> dict[str, bytes]:
    """Return inputs of which the first takes so long that most are done before it: a run has a middle."""
    return {"0/a long one": b"long"} | texts(count)


def texts(count: int) -> dict[str, bytes]:
    """Return inputs in several directories."""
    return {f"{at % 7}/input {at}.txt": f"{at} apples".encode() for at in range(count)}


def raised(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return what upper.wasm makes of inputs."""
    return {name: data.upper() for name, data in contents.items()}


def bumped(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return what the slow unit makes of inputs."""
    return {name: bytes(byte + 1 for byte in data) for name, data in contents.items()}


async def test_inputs_become_outputs_and_a_second_run_computes_only_what_is_missing(desk: Desk) -> None:
    inputs = texts(300)
    desk.fill(inputs)
    status, report, err = await desk.run("-b", str(UPPER))
    assert status == 0, err
    assert desk.written() == raised(inputs)
    assert (report["total"], report["written"], report["already"], report["failed"]) == (300, 300, 0, 0)
    assert report["task"] in err and "300 written" in err

    gone = sorted(inputs)[::75]
    for name in gone:
        (desk.outputs / name).unlink()
    kept = desk.outputs / sorted(inputs)[1]
    kept.write_bytes(b"not computed again")
    status, report, err = await desk.run("-b", str(UPPER))
    assert (status, report["written"], report["already"]) == (0, len(gone), 300 - len(gone)), err
    assert [task["total"] for task in await desk.tasks()] == [len(gone), 300]
    assert desk.written() == raised(inputs) | {str(kept.relative_to(desk.outputs)): b"not computed again"}

    status, report, err = await desk.run("-b", str(UPPER))
    assert (status, report["task"], report["already"]) == (0, None, 300)
    assert "nothing is missing" in err and len(await desk.tasks()) == 2

    status, report, _ = await desk.run("-b", str(UPPER), "--force")
    assert (status, report["written"]) == (0, 300)
    assert desk.written() == raised(inputs)
    assert desk.own() == {".disio-submit.json", ".disio-submit.lock"}


async def test_failing_inputs_are_named_with_their_stderr_and_tried_again_by_the_next_run(desk: Desk) -> None:
    inputs = texts(20) | {"bad/one": "größe".encode(), "bad/two": b"\xff"}
    desk.fill(inputs)
    status, report, err = await desk.run("-b", str(UPPER), "--max-failures", "1", "--suffix", ".up")
    assert status == 6, err
    good = {f"{name}.up": data for name, data in raised(texts(20)).items()}
    assert desk.written() == good
    for name in ("bad/one", "bad/two"):
        assert f"{name}: exit code 1\n    upper: only ASCII texts, please" in err
    assert (report["state"], report["failed"], report["written"]) == ("failed", 2, 20)
    failures = [json.loads(line) for line in Path(report["failures"]).read_text().splitlines()]
    assert [failure["name"] for failure in failures] == ["bad/one", "bad/two"]
    assert all("only ASCII" in failure["errors"][0] for failure in failures)

    (desk.inputs / "bad" / "one").write_bytes(b"size")
    (desk.inputs / "bad" / "two").write_bytes(b"two")
    status, report, err = await desk.run("-b", str(UPPER), "--suffix", ".up")
    assert (status, report["written"], report["failures"]) == (0, 2, None), err
    assert desk.written() == good | {"bad/one.up": b"SIZE", "bad/two.up": b"TWO"}
    assert desk.own() == {".disio-submit.json", ".disio-submit.lock"}


async def test_a_killed_run_is_taken_up_again_without_a_second_task(desk: Desk, slow: str) -> None:
    inputs = with_a_long_one(50)
    desk.fill(inputs)
    process = await desk.begin(slow)
    await wait_until(lambda: len(desk.written()) >= 5, 60, on_timeout=desk.env.dump)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
    before = desk.written()
    assert before.items() <= bumped(inputs).items(), "what is there is whole"
    (desk.outputs / ".disio-partial-1-1").write_bytes(b"half")

    status, report, err = await desk.run(slow)
    assert status == 0, err
    assert "following it again" in err
    assert desk.written() == bumped(inputs)
    assert (report["already"], report["written"]) == (len(before), 51 - len(before))
    assert [task["total"] for task in await desk.tasks()] == [51]
    assert desk.own() == {".disio-submit.json", ".disio-submit.lock"}


async def test_a_run_killed_before_it_heard_of_its_task_finds_it_by_the_key(env: Env, slow: str) -> None:
    desk = Desk(env, env.manager())
    desk.fill(texts(3))
    memory = desk.outputs / ".disio-submit.json"

    def heard() -> str:
        return str(json.loads(memory.read_bytes())["task"]) if memory.exists() else ""

    for _ in range(2):
        process = await desk.begin(slow)
        await wait_until(heard, 30, on_timeout=env.dump)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        (task,) = await desk.tasks()
        assert heard() == task["id"]
        memory.write_text(json.dumps(json.loads(memory.read_bytes()) | {"task": ""}))


async def test_ctrl_c_leaves_the_task_running_and_says_how_to_come_back(desk: Desk, slow: str) -> None:
    inputs = with_a_long_one(20)
    desk.fill(inputs)
    process = await desk.begin(slow)
    await wait_until(lambda: ".disio-submit.json" in desk.own() and desk.tasks(), 30, on_timeout=desk.env.dump)
    process.send_signal(signal.SIGINT)
    status, out, err = await desk.ended(process)
    assert (status, out) == (130, "")
    assert "run the same command again" in err

    async def is_done() -> bool:
        return [task["state"] for task in await desk.tasks()] == ["done"]

    await wait_until(is_done, 60, on_timeout=desk.env.dump)
    status, report, err = await desk.run(slow)
    assert status == 0, err
    assert desk.written() == bumped(inputs)
    assert report["state"] == "done" and len(await desk.tasks()) == 1


async def test_a_manager_that_goes_away_is_waited_for(desk: Desk, slow: str) -> None:
    inputs = with_a_long_one(50)
    desk.fill(inputs)
    process = await desk.begin(slow)
    await wait_until(lambda: len(desk.written()) >= 5, 60, on_timeout=desk.env.dump)
    desk.manager.kill()
    assert process.stderr is not None
    told = [line async for line in until(process.stderr, b"waiting for it up to")]
    desk.env.manager_again(desk.manager)
    status, _, err = await desk.ended(process)
    assert status == 0, (told, err)
    assert "the manager is back" in err
    assert desk.written() == bumped(inputs)


async def until(stream: asyncio.StreamReader, text: bytes) -> AsyncIterator[bytes]:
    """Yield lines up to the one with a text."""
    async with asyncio.timeout(patient(30)):
        while line := await stream.readline():
            yield line
            if text in line:
                return
    raise AssertionError(f"{text!r} never came")


async def test_patience_has_an_end(desk: Desk, slow: str) -> None:
    desk.fill(with_a_long_one(20))
    process = await desk.begin(slow, "--patience", "0.5")
    await wait_until(lambda: len(desk.written()) >= 5, 60, on_timeout=desk.env.dump)
    desk.manager.kill()
    status, _, err = await desk.ended(process)
    assert status == 5
    assert "no manager answers at" in err and "run the same command again" in err
    desk.env.manager_again(desk.manager)


async def test_a_cancelled_task_is_a_failure_and_the_next_run_computes_the_rest(desk: Desk, slow: str) -> None:
    inputs = with_a_long_one(50)
    desk.fill(inputs)
    process = await desk.begin(slow, "--json")
    await wait_until(lambda: len(desk.written()) >= 5, 60, on_timeout=desk.env.dump)
    async with desk.env.rest(desk.manager) as rest:
        await rest.verb((await desk.tasks())[0]["id"], "cancel")
    status, out, err = await desk.ended(process)
    assert status == 1 and "somebody cancelled the task" in err
    left = 51 - json.loads(out)["written"]
    assert len(desk.written()) == 51 - left
    status, report, err = await desk.run(slow)
    assert (status, report["written"]) == (0, left), err
    assert desk.written() == bumped(inputs)


async def test_other_inputs_make_another_task_and_one_run_at_a_time_writes(desk: Desk, slow: str) -> None:
    inputs = with_a_long_one(20)
    desk.fill(inputs)
    process = await desk.begin(slow)
    await wait_until(lambda: len(desk.written()) >= 5, 60, on_timeout=desk.env.dump)
    process.send_signal(signal.SIGKILL)
    await process.communicate()

    desk.fill({"new": b"new"})
    held = lock(desk.outputs)
    status, _, err = await desk.run(slow)
    assert status == 1 and "another disio submit writes to" in err
    held.release()
    status, report, err = await desk.run(slow)
    assert status == 0, err
    assert "had other inputs or options and is left alone" in err
    assert report["total"] == 22 and desk.written() == bumped(inputs | {"new": b"new"})

    (desk.outputs / "new").unlink()
    status, _, err = await desk.run("-b", str(UPPER))
    assert status == 0
    assert "21 outputs are there from another program" in err
    assert (desk.outputs / "new").read_bytes() == b"NEW"


async def test_what_a_run_cannot_use_is_a_usage_error_before_anything_is_made(desk: Desk, slow: str) -> None:
    desk.inputs.mkdir()
    status, _, err = await desk.run(slow)
    assert status == 2 and "there is no file in" in err
    desk.fill({"a": b"a"})
    (desk.inputs / "link").symlink_to("a")
    status, _, err = await desk.run(slow)
    assert status == 2 and "'link' (a symbolic link)" in err
    assert not desk.outputs.exists() and await desk.tasks() == []
