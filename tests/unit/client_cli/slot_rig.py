"""One slot of the CLI client with a real engine, and what it reported.

Rule: an index that is answered twice fails the test, and so does an engine that outlives its slot.
"""

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import AsyncIterator
from typing import TypeVar

import psutil
import pytest

from disio_client import events as ev
from disio_client.engines.deno import DenoEngine
from disio_client.runner import Slot
from disio_shared.clock import SystemClock
from disio_shared.messages import Terms
from tests.waiting import patient

Rig = TypeVar("Rig", bound="SlotRig")
DEADLINE_S = 150.0
"""Seconds that a whole run may take: a busy machine takes long to start Python, and some runs do so several times."""


class SlotRig:
    """One slot and what it reported."""

    def __init__(self) -> None:
        self.code = b""
        self.values: dict[int, bytes] = {}
        self.failures: dict[int, tuple[str, str]] = {}
        self.logs: dict[int, str] = {}
        self.states: dict[int, bytes] = {}
        self.progress: list[float] = []
        self.ups = 0
        self.task = "task"
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()
        self._begun = self._finished = 0
        self.slot = Slot(0, DenoEngine.start, lambda _: self.code, self._take, SystemClock())

    async def _take(self, event: ev.Event) -> None:
        async with self._changed:
            match event:
                case ev.UnitsDone():
                    assert not set(event.indexes) & (self.values.keys() | self.failures.keys())
                    self.values.update(zip(event.indexes, event.values, strict=True))
                    self.logs.update(event.logs)
                case ev.UnitsFailed():
                    assert not set(event.indexes) & (self.values.keys() | self.failures.keys())
                    ends = zip(event.kinds, event.errors, strict=True)
                    self.failures.update(zip(event.indexes, ends, strict=True))
                    self.logs.update(event.logs)
                case ev.StateSaved():
                    self.states[event.index] = event.state
                case ev.UnitProgressed():
                    self.progress.append(event.fraction)
                case ev.RunFinished():
                    self._finished = event.run
                case ev.SlotUp():
                    self.ups += 1
            self._changed.notify_all()

    async def until(self, fact: object, what: str) -> None:
        assert callable(fact)
        try:
            async with asyncio.timeout(patient(DEADLINE_S)), self._changed:
                await self._changed.wait_for(fact)
        except TimeoutError:
            raise AssertionError(f"not {what}: {len(self.values)} values, {self.failures}") from None

    def begin(
        self,
        code: str | bytes,
        payloads: list[bytes],
        timeout_s: float = 20.0,
        states: dict[int, bytes] | None = None,
        memory_mb: int = 0,
        language: str = "javascript",
        terms: Terms | None = None,
        task: str | None = None,
        indexes: list[int] | None = None,
    ) -> int:
        """Start a run of this code; return its number."""
        self.code = code.encode() if isinstance(code, str) else code
        number = self._begun = next(self._numbers)
        run = ev.StartRun(
            slot=0,
            run=number,
            token=f"token-{number}",
            task=task or self.task,
            workunit=hashlib.sha256(self.code).hexdigest(),
            language=language,
            indexes=indexes or list(range(len(payloads))),
            payloads=payloads,
            unit_timeout_s=timeout_s,
            memory_mb=memory_mb,
            terms=terms or Terms(),
            states=states or {},
        )
        self.slot.start(run)
        return number

    async def run(self, code: str | bytes, payloads: list[bytes], **limits: object) -> None:
        number = self.begin(code, payloads, **limits)  # type: ignore[arg-type]
        await self.until(lambda: self._finished == number, "finished")

    def forget(self) -> None:
        """Be ready for another run, whose units have the same indexes."""
        self.values, self.failures, self.states, self.progress = {}, {}, {}, []

    async def renew(self) -> None:
        """Be ready for another test: nothing runs, an engine is up, and the task is a new one."""
        if self._finished != self._begun:
            before = self.ups
            self.slot.stop()
            await self.until(lambda: self.ups > before, "up again")
        self.forget()
        if self.slot.pid is None:
            await self.run("export default () => 0", [b"0"])
        self.forget()
        self.ups, self.task = 1, f"task-{self._begun}"


@contextlib.asynccontextmanager
async def serving(rig: Rig) -> AsyncIterator[Rig]:
    """Serve the slot of a rig, its engine up; end both in the end, with all that they started."""
    others = psutil.Process().children(recursive=True)
    await rig.slot.prepare()
    service = asyncio.create_task(rig.slot.serve())
    try:
        await rig.until(lambda: rig.ups == 1, "up")
        yield rig
    finally:
        children = [child for child in psutil.Process().children(recursive=True) if child not in others]
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert not alive, "an engine was left behind"


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[SlotRig]:
    async with serving(SlotRig()) as rig:
        yield rig


@pytest.fixture
async def rig(shared: SlotRig) -> SlotRig:
    """One slot for all tests of a module, as a client has it for all tasks."""
    await shared.renew()
    return shared
