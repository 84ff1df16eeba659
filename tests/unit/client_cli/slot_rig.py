"""One slot of the CLI client with a real engine, and what it reported.

Rule: an index that is answered twice fails the test, and so does an engine that outlives its slot.
"""

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import psutil

from disio_client import events as ev
from disio_client.engines.deno import DenoEngine
from disio_client.runner import Slot
from disio_shared.clock import SystemClock
from disio_shared.messages import Terms

DEADLINE_S = 40.0
"""Seconds that a whole run may take."""


class SlotRig:
    """One slot and what it reported."""

    def __init__(self, private_dir: Path) -> None:
        self.code = b""
        self.values: dict[int, bytes] = {}
        self.failures: dict[int, tuple[str, str]] = {}
        self.states: dict[int, bytes] = {}
        self.progress: list[float] = []
        self.ups = 0
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()
        self._finished = 0
        self.slot = Slot(0, partial(DenoEngine.start, private_dir), lambda _: self.code, self._take, SystemClock())

    async def _take(self, event: ev.Event) -> None:
        async with self._changed:
            match event:
                case ev.UnitsDone():
                    assert not set(event.indexes) & (self.values.keys() | self.failures.keys())
                    self.values.update(zip(event.indexes, event.values, strict=True))
                case ev.UnitsFailed():
                    assert not set(event.indexes) & (self.values.keys() | self.failures.keys())
                    ends = zip(event.kinds, event.errors, strict=True)
                    self.failures.update(zip(event.indexes, ends, strict=True))
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
            async with asyncio.timeout(DEADLINE_S), self._changed:
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
        task: str = "task",
    ) -> int:
        """Start a run of this code; return its number."""
        self.code = code.encode() if isinstance(code, str) else code
        number = next(self._numbers)
        run = ev.StartRun(
            slot=0,
            run=number,
            token=f"token-{number}",
            task=task,
            workunit=hashlib.sha256(self.code).hexdigest(),
            language=language,
            indexes=list(range(len(payloads))),
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


@contextlib.asynccontextmanager
async def running_slot(private_dir: Path) -> AsyncIterator[SlotRig]:
    """Serve a slot, its engine up; end both in the end."""
    rig = SlotRig(private_dir)
    await rig.slot.prepare()
    serving = asyncio.create_task(rig.slot.serve())
    try:
        await rig.until(lambda: rig.ups == 1, "up")
        yield rig
    finally:
        pid = rig.slot.pid
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert pid is None or not psutil.pid_exists(pid), "an engine was left behind"
