"""Checks of what runs units: Deno for the sandbox, and the walls around native Python.

Rule: an engine counts as there when it has run a unit, a wall when a worker has started behind it.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from disio.commands.doctor_machine import FAIL, OK, WARN, Check, guarded
from disio_client.engines import frames
from disio_client.engines.base import EngineDied, EngineUnavailable
from disio_client.engines.deno import DenoEngine, check_installed
from disio_client.engines.native import NativeEngine, find_walls
from disio_client.engines.native_walls import IN_WORDS, Walls
from disio_shared.messages import Terms

UNIT = b"export default (n) => n + 1"
UNIT_S = 15.0
SANDBOX = "JavaScript, WebAssembly and Python units reach no network, files, environment, programs or other units"
UTIL_LINUX = "install util-linux"


async def checks() -> AsyncIterator[Check]:
    """Make the checks."""
    with tempfile.TemporaryDirectory(prefix="disio-doctor-", ignore_cleanup_errors=True) as private:
        deno = await guarded("deno", _deno())
        yield deno
        if sys.platform == "linux":
            yield setpriv(shutil.which("setpriv"))
            yield await guarded("bubblewrap", _bubblewrap(Path(private)))
        if deno.status == OK:
            yield Check("sandboxed", OK, f"{SANDBOX}: on every platform")
        else:
            yield Check("sandboxed", FAIL, "no unit can run in the sandbox here", "see deno")
        yield await guarded("native python", _native(Path(private)))


async def _deno() -> Check:
    try:
        check_installed()
        engine = await DenoEngine.start()
    except EngineUnavailable as error:
        return Check("deno", FAIL, error.problem, error.remedy or "reinstall disio-client")
    try:
        async with asyncio.timeout(UNIT_S):
            value = await _run_unit(engine)
    except (EngineDied, TimeoutError) as error:
        return Check("deno", FAIL, f"it starts, but runs no unit: {error or 'no answer'}", "reinstall disio-client")
    finally:
        await engine.close()
    if value != b"42":
        return Check("deno", FAIL, f"it computes nonsense: {value!r} for 42", "reinstall disio-client")
    return Check("deno", OK, "runs units")


async def _run_unit(engine: DenoEngine) -> bytes:
    """Run the unit on 41; return what came back, or the error text."""
    await engine.send(frames.Load(workunit="doctor", language="javascript", code=UNIT))
    run = frames.Run(
        token="doctor",
        task="doctor",
        workunit="doctor",
        indexes=[0],
        payloads=[b"41"],
        states={},
        unit_timeout_s=UNIT_S,
        memory_mb=0,
        terms=Terms(),
        single=False,
    )
    await engine.send(run)
    while True:
        message = await engine.receive()
        if isinstance(message, frames.Done):
            return message.values[0]
        if isinstance(message, frames.Failed):
            return message.errors[0].encode()


def setpriv(path: str | None) -> Check:
    """Judge whether engines end with a client that is killed."""
    if path:
        return Check("setpriv", OK, "engines end with a client that is killed")
    return Check("setpriv", WARN, "not found: a busy engine outlives a killed client until its unit ends", UTIL_LINUX)


async def _bubblewrap(private: Path) -> Check:
    if not shutil.which("bwrap"):
        return Check("bubblewrap", WARN, "not installed; only native Python needs it", "install bubblewrap")
    try:
        engine = await NativeEngine.start(private, Walls.BUBBLEWRAP)
    except EngineUnavailable as error:
        remedy = "allow user namespaces to unprivileged programs"
        return Check("bubblewrap", WARN, f"installed, but does not work: {error.problem}", remedy)
    await engine.close()
    return Check("bubblewrap", OK, "works")


async def _native(private: Path) -> Check:
    try:
        walls = await find_walls(private)
    except EngineUnavailable as error:
        return Check("native python", WARN, error.problem, "use the sandbox: it needs nothing of this")
    return native(walls, _is_root())


def native(walls: Walls, is_root: bool) -> Check:
    """Tell what stands around native units."""
    text = f"off unless --trust-native; then it runs {IN_WORDS[walls]}"
    if is_root:
        return Check("native python", WARN, f"{text}; this user is root", "run clients that trust as another user")
    if walls is Walls.LIMITS and sys.platform == "linux":
        return Check("native python", WARN, text, "install bubblewrap, or allow user namespaces")
    return Check("native python", OK, text)


def _is_root() -> bool:
    with contextlib.suppress(AttributeError):  # not on Windows
        return os.geteuid() == 0
    return False
