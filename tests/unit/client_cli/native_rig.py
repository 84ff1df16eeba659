"""Slots and engines with native Python, behind each kind of walls that this machine has."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from disio_client import events as ev
from disio_client.engines import frames
from disio_client.engines.base import EngineUnavailable
from disio_client.engines.deno import DenoEngine
from disio_client.engines.native import NativeEngine
from disio_client.engines.native_walls import Walls, candidates
from disio_client.runner import Slot
from disio_shared.clock import SystemClock
from disio_shared.messages import Terms
from tests.unit.client_cli.slot_rig import SlotRig

NATIVE = "python-native:home"


class NativeRig(SlotRig):
    """One slot that runs Python units of a trusted cluster; each test has a task and so a worker of its own."""

    def __init__(self, private_dir: Path, walls: Walls) -> None:
        super().__init__()
        self.natives = self.answers = 0
        self._private_dir, self._walls = private_dir, walls
        self.slot = Slot(
            0, DenoEngine.start, lambda _: self.code, self._note, SystemClock(), start_native=self._start_native
        )

    async def renew(self) -> None:
        await super().renew()
        self.natives = self.answers = 0

    async def _start_native(self) -> NativeEngine:
        self.natives += 1
        return await NativeEngine.start(self._private_dir, self._walls)

    async def _note(self, event: ev.Event) -> None:
        self.answers += isinstance(event, ev.UnitsDone | ev.UnitsFailed)
        await self._take(event)

    def begin_native(
        self,
        code: str,
        payloads: list[bytes],
        timeout_s: float = 20.0,
        states: dict[int, bytes] | None = None,
        memory_mb: int = 0,
        task: str | None = None,
        terms: Terms | None = None,
        language: str = NATIVE,
    ) -> int:
        """Start a run of this code; return its number."""
        limits = {"timeout_s": timeout_s, "states": states, "memory_mb": memory_mb, "task": task, "terms": terms}
        return self.begin(code, payloads, language=language, **limits)  # type: ignore[arg-type]

    async def run_native(self, code: str, payloads: list[bytes], **limits: object) -> None:
        """Run this code to its end, and forget what was answered before."""
        self.values.clear()
        self.failures.clear()
        self.answers = 0
        number = self.begin_native(code, payloads, **limits)  # type: ignore[arg-type]
        await self.until(lambda: self._finished == number, "finished")


def walls_here() -> list[Walls]:
    """Return the walls that this machine has, by trial."""
    return [walls for walls in candidates() if asyncio.run(_starts(walls))]


async def _starts(walls: Walls) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            engine = await NativeEngine.start(Path(folder), walls)
        except EngineUnavailable:
            return False
        await engine.close()
        return True


HERE = walls_here()


async def messages_of(
    engine: NativeEngine,
    code: str,
    payloads: list[bytes],
    on_progress: Callable[[frames.FromEngine], None] = lambda _: None,
) -> list[frames.FromEngine]:
    """Run units in an engine without a slot; return all that it says."""
    await engine.send(frames.Load(workunit="w", language=NATIVE, code=code.encode()))
    run = frames.Run(
        token="t",
        task="k",
        workunit="w",
        indexes=list(range(len(payloads))),
        payloads=payloads,
        states={},
        unit_timeout_s=20.0,
        memory_mb=0,
        terms=Terms(),
        single=False,
    )
    await engine.send(run)
    said = [await engine.receive()]
    while not isinstance(said[-1], frames.Finished):
        said.append(await engine.receive())
        if isinstance(said[-1], frames.Progress):
            on_progress(said[-1])
    return said


@contextmanager
def marked_program() -> Iterator[tuple[str, "Marked"]]:
    """Yield a program that sleeps, to be started with ``Marked.seconds``, and who runs it."""
    marked = Marked(f"1000.{random.randrange(10**12)}")
    yield shutil.which("sleep") or "/bin/sleep", marked
    for process in marked.running():
        process.kill()


class Marked:
    """Processes that sleep for a time that nobody else has."""

    def __init__(self, seconds: str) -> None:
        self.seconds = seconds

    def running(self) -> list[psutil.Process]:
        """Return those that live."""
        found = []
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            if words[1:] == [self.seconds]:
                found.append(process)
        return found
