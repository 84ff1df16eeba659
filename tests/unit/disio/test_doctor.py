"""``disio doctor``: a healthy machine, and what is said of one that is not."""

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result

from disio.commands import doctor_engines, doctor_machine, doctor_services
from disio.commands.doctor import doctor
from disio_client.engines import deno
from disio_client.engines.native_walls import IN_WORDS, Walls
from disio_shared.datadir import DataDir
from disio_shared.errors import ConfigError
from tests.unit.manager.served import serve
from tests.waiting import patient


async def run(*words: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(doctor, [*words]))


async def seen(*words: str) -> dict[str, dict[str, str]]:
    """Return the checks by name."""
    shown: dict[str, Any] = json.loads((await run(*words, "--json")).stdout)
    assert shown["ok"] == all(check["status"] != "fail" for check in shown["checks"])
    return {check["name"]: check for check in shown["checks"]}


async def test_a_healthy_machine_has_a_line_for_each_check_and_nothing_is_left(tmp_path: Path) -> None:
    place = tmp_path / "data"
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    shown = await run("--data-dir", str(place))
    assert shown.exit_code == 0, shown.output
    lines = [line.split(maxsplit=2) for line in shown.stdout.splitlines()]
    assert {status for status, *_ in lines} <= {"ok", "warn"}
    text = shown.stdout
    for name in ("python", "platform", "cores", "memory", "deno", "sandboxed", "native python", "data directory"):
        assert f"  {name}" in text
    for name in ("sqlite", "manager", "distributor", "dashboard", "ports"):
        assert f"  {name}" in text
    assert not place.exists() and not list(tmp_path.iterdir())
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


async def test_a_manager_that_runs_is_named_with_its_cluster(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        DataDir(tmp_path).write_service("manager", {"url": served.url})
        manager = (await seen("--data-dir", str(tmp_path)))["manager"]
        assert manager["status"] == "ok"
        assert served.url in manager["text"] and ", cluster " in manager["text"]


async def test_a_service_that_does_not_answer_fails_with_its_address(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        DataDir(tmp_path).write_service("distributor", {"url": url})
        shown = await run("--data-dir", str(tmp_path))
    assert shown.exit_code == 1
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("fail")]
    assert url in line and "runs but does not answer" in line and "disio distributor start" in line


async def test_missing_bundles_fail_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(deno, "HOST_SCRIPT", tmp_path / "engine-host.mjs")
    checks = await seen("--data-dir", str(tmp_path))
    assert checks["deno"]["status"] == checks["sandboxed"]["status"] == "fail"
    assert "run make web" in checks["deno"]["text"]


async def test_a_deno_that_runs_no_unit_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor_engines, "UNIT", b"export default () => { throw new Error('no') }")
    check = (await seen("--data-dir", str(tmp_path)))["deno"]
    assert check["status"] == "fail" and "no" in check["text"]


async def test_a_check_that_breaks_is_a_failure_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def broken(_private: Path) -> Walls:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(doctor_engines, "find_walls", broken)
    checks = await seen("--data-dir", str(tmp_path))
    assert checks["native python"]["status"] == "fail" and "Too many open files" in checks["native python"]["text"]
    assert checks["deno"]["status"] == "ok" and checks["ports"]


async def test_a_group_that_breaks_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    checks = await seen("--data-dir", str(tmp_path))
    assert checks["engines"]["status"] == "fail" and "No space left on device" in checks["engines"]["text"]
    assert checks["python"]["status"] == "ok" and checks["manager"]["status"] == "ok"


async def test_a_home_of_nobody_is_a_usage_error() -> None:
    shown = await run("--data-dir", "~no-such-user/data")
    assert isinstance(shown.exception, ConfigError) and "--data-dir: ~no-such-user/data" in str(shown.exception)


async def test_a_place_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checks = await seen("--data-dir", str(tmp_path / "file" / "data"))
    assert checks["data directory"]["status"] == "fail" and "--data-dir" in checks["data directory"]["remedy"]
    assert checks["sqlite"]["status"] == "ok"


@pytest.mark.parametrize(
    ("check", "status", "words"),
    [
        (doctor_machine.python((3, 10), "3.10.1"), "fail", "install Python 3.11"),
        (doctor_machine.memory(8, 900, 4000), "warn", "--cores 3"),
        (doctor_machine.memory(2, 900, 4000), "ok", "900 MB"),
        (doctor_engines.setpriv(None), "warn", "util-linux"),
        (doctor_engines.native(Walls.NAMESPACES, is_root=True), "warn", "this user is root"),
        (doctor_engines.native(Walls.BUBBLEWRAP, is_root=False), "ok", IN_WORDS[Walls.BUBBLEWRAP]),
        (doctor_services.ports([8700, 8710], {8700, 8701}), "warn", "8710 is taken by another program"),
        (doctor_services.ports([8700], {8700}), "ok", "8700 by disio"),
    ],
    ids=lambda value: value.name if isinstance(value, doctor_machine.Check) else "",
)
def test_what_is_said_of_other_machines(check: doctor_machine.Check, status: str, words: str) -> None:
    assert check.status == status
    assert words in f"{check.text} {check.remedy}"


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_a_port_that_somebody_has_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with taken_port() as port:
        monkeypatch.setattr(doctor_services, "PORTS", (port,))
        check = (await seen("--data-dir", str(tmp_path)))["ports"]
    assert check["status"] == "warn" and str(port) in check["text"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a folder that takes no file from anybody")
def test_a_database_that_cannot_be_made_fails() -> None:
    check = doctor_services.sqlite(Path("/proc"))
    assert check.status == "fail" and "local disk" in check.remedy


def test_its_help_imports_no_engine_and_no_http() -> None:
    program = (
        "import sys, disio.commands.doctor\nsys.exit(bool({'aiohttp', 'apsw', 'psutil', 'deno'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=patient(30), check=False).returncode == 0
