"""What commands that ask no manager print with ``--json``."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from disio import shapes
from disio.printing import OddAnswer, emit
from tests.unit.disio.commands import disio, objects
from tests.unit.manager.served import serve
from tests.waiting import patient


async def test_init_test_and_check_print_what_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (project,) = objects(await disio("init", "p", "--lang", "python", "--json"), "init")
    assert project["unit"] == "unit.py" and set(project["files"]) == {path.name for path in Path("p").iterdir()}
    Path("u.py").write_text("def run(payload, unit): return payload + 1")
    words = ("test", "u.py", "--payload", "1", "--runtime", "native", "--json")
    process = await _run(*words)
    (told,) = [json.loads(line) for line in process.splitlines()]
    jsonschema.validate(told, shapes.schema("test"))
    assert [run["result"] for run in told["runs"]] == [2, 2]
    async with serve(tmp_path / "data") as served:
        await served.create()
    (checked,) = objects(await disio("check", "--json", data=tmp_path / "data"), "check")
    assert checked["problems"] == 0
    (found,) = objects(await disio("config", "path", "--json"), "config path")
    assert found == {"path": str(tmp_path / "disio.toml"), "exists": False}


async def _run(*words: str) -> str:

    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "disio", *words], stdout=asyncio.subprocess.PIPE, env=os.environ
    )
    async with asyncio.timeout(patient(60)):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


def test_what_was_not_promised_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    more: dict[str, Any] = {"id": "x", "number": 1, "deleted": True, "new": 1}
    emit(shapes.Deleted, more)
    assert json.loads(capsys.readouterr().out) == more
    with pytest.raises(OddAnswer, match="Expected `int`"):
        emit(shapes.Deleted, {**more, "number": "1"})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", list(shapes.SHAPES))
def test_a_schema_says_what_is_always_there(command: str) -> None:
    schema = shapes.schema(command)
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([], schema)
