"""What a trial makes of a slot that cannot go on, and of the memory that an engine's own processes take."""

import asyncio
import shutil
from collections.abc import Awaitable
from functools import partial
from pathlib import Path

import pytest

from disio.trial import native
from disio.trial.native import NativeSandbox
from disio.trial.trials import Outcome, Trial, TrialFailed
from disio_client.engines.native import NativeEngine, find_walls
from disio_client.engines.native_walls import Walls
from tests.waiting import patient

CHILD = """import subprocess, sys
def run(mb, unit):
    program = f"x = bytearray({mb} << 20); print(len(x), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return int(child.stdout.readline())
"""
"""It leaves a process behind, which is there when the unit is answered."""

TURNS = 20
"""Of the event loop: more than a cancellation takes to arrive."""


def sandbox(private: Path) -> NativeSandbox:
    """Return a slot with native workers behind limits alone: those start everywhere."""
    return NativeSandbox(partial(NativeEngine.start, private, Walls.LIMITS))


def trial(code: str, payload: bytes = b"1") -> Trial:
    return Trial(language="python", code=code.encode(), payload=payload, memory_mb=200)


async def run(private: Path, *trials: Trial) -> list[Outcome]:
    slot = sandbox(private)
    async with slot.serving():
        return [await slot.run(each) for each in trials]


async def test_engines_that_cannot_be_started_any_more_end_the_trial(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    slot = sandbox(private)
    async with slot.serving():
        shutil.rmtree(private)
        with pytest.raises(TrialFailed, match=r"no engine can be started any more: .*No such file"):
            async with asyncio.timeout(patient(20)):
                await slot.run(trial("def run(payload, unit): return payload"))


async def test_memory_of_processes_that_a_unit_starts_is_the_units(tmp_path: Path) -> None:
    small, large = await run(tmp_path, trial(CHILD, b"1"), trial(CHILD, b"100"))
    assert (small.value, large.value) == (b"%d" % (1 << 20), b"%d" % (100 << 20)), (small, large)
    assert small.memory_bytes is not None and large.memory_bytes is not None
    assert small.memory_bytes + (80 << 20) < large.memory_bytes


class Slow:
    """Lets something that starts go on only when it is told to."""

    def __init__(self) -> None:
        self.began, self.may_end = asyncio.Event(), asyncio.Event()
        self.engines: list[NativeEngine] = []
        self.found: list[Walls] = []

    async def start(self, private: Path) -> NativeEngine:
        engine = await NativeEngine.start(private, Walls.LIMITS)
        self.engines.append(engine)
        self.began.set()
        await self.may_end.wait()
        return engine

    async def find_walls(self, private: Path) -> Walls:
        walls = await find_walls(private)
        self.began.set()
        await self.may_end.wait()
        self.found.append(walls)
        return walls

    async def cancelled(self, entering: Awaitable[object]) -> None:
        """Enter, be cancelled in the middle, and end only then."""
        task = asyncio.ensure_future(entering)
        await self.began.wait()
        task.cancel()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert not task.done(), "it waits for what it began"
        self.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_engine_that_ctrl_c_finds_while_it_starts_is_ended(tmp_path: Path) -> None:
    slow = Slow()
    await slow.cancelled(NativeSandbox(partial(slow.start, tmp_path)).serving().__aenter__())
    assert [engine.is_ended for engine in slow.engines] == [True]
    assert list(tmp_path.iterdir()) == []


async def test_looking_for_walls_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(native, "find_walls", slow.find_walls)
    await slow.cancelled(NativeSandbox.open().__aenter__())
    assert len(slow.found) == 1
