"""Trials in the CLI client's sandbox: its slot, its watchdog and its Deno engine, with an ear on what the engine says.

Rule: nothing of slot or engine is replaced; what volunteers do not keep (logs, the most memory) is only read beside it.
"""

import asyncio
import contextlib
import hashlib
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from disio.trial.kits import files_of
from disio.trial.trials import TASK, Outcome, Trial, TrialFailed
from disio_client import events as ev
from disio_client.engines import frames
from disio_client.engines.base import EngineUnavailable
from disio_client.engines.deno import DenoEngine, check_installed
from disio_client.runner import Slot
from disio_shared.clock import SystemClock


class _HeardEngine(DenoEngine):
    """An engine whose messages and memory are noted."""

    hear: Callable[[frames.FromEngine], None]
    peak_bytes = 0

    async def receive(self) -> frames.FromEngine:
        message = await super().receive()
        self.memory_bytes()
        if not isinstance(message, frames.Ready):
            self.hear(message)
        return message

    def memory_bytes(self) -> int:
        now = super().memory_bytes()
        self.peak_bytes = max(self.peak_bytes, now, _high_water(self.pid))
        return now

    def forget_peak(self) -> None:
        """Count the most memory from here."""
        with contextlib.suppress(OSError):  # not Linux, or gone: what was noted while it ran must do
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        self.peak_bytes = 0


def _high_water(pid: int) -> int:
    """Return the most resident memory a process has had, in bytes; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class DenoSandbox:
    """One slot of the CLI client; made by ``open``."""

    name = "cli"

    def __init__(self, kit: dict[str, Path]) -> None:
        self._code: dict[str, bytes] = {}
        self._engine: _HeardEngine | None = None
        self._outcome = Outcome()
        self._answered = asyncio.Event()
        self._problem = ""
        self._runs = 0
        files = {name: path.read_bytes() for name, path in kit.items()}
        code = self._code.__getitem__
        self._slot = Slot(0, self._start_engine, code, self._report, SystemClock(), lambda _language: files)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, language: str) -> AsyncIterator["DenoSandbox"]:
        """Start an engine; it has ended when this is left.

        Raises:
            TrialFailed: There is no engine here.
        """
        sandbox = cls(files_of(language))
        try:
            check_installed()
            await sandbox._slot.prepare()
        except EngineUnavailable as error:
            raise TrialFailed(error.problem, error.remedy) from error
        serving = asyncio.create_task(sandbox._slot.serve())
        try:
            yield sandbox
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await sandbox._slot.close()

    async def run(self, trial: Trial) -> Outcome:
        """Run this; runs of one unit share a realm, as they do at a volunteer's.

        Raises:
            TrialFailed: The engine cannot be started again.
        """
        self._outcome, self._runs = Outcome(), self._runs + 1
        self._answered.clear()
        if self._engine is not None and not self._engine.is_ended:
            self._engine.forget_peak()
        self._slot.start(self._run_of(trial))
        await self._answered.wait()
        if self._problem:
            raise TrialFailed(self._problem)
        self._note_memory()
        return self._outcome

    def _run_of(self, trial: Trial) -> ev.StartRun:
        workunit = hashlib.sha256(trial.code).hexdigest()
        self._code[workunit] = trial.code
        return ev.StartRun(
            slot=0,
            run=self._runs,
            token=f"test-{self._runs}",
            task=TASK,
            workunit=workunit,
            language=trial.language,
            indexes=[trial.index],
            payloads=[trial.payload],
            unit_timeout_s=trial.unit_timeout_s,
            memory_mb=trial.memory_mb,
            terms=trial.terms,
            states={} if trial.state is None else {trial.index: trial.state},
        )

    async def _start_engine(self) -> DenoEngine:
        engine = await _HeardEngine.start()
        assert isinstance(engine, _HeardEngine)
        engine.hear = partial(self._hear, engine)
        self._note_memory()
        self._engine = engine
        return engine

    def _note_memory(self) -> None:
        """Keep the most that the engine took, before another one takes its place."""
        if self._engine is not None:
            beyond = max(0, self._engine.peak_bytes - self._engine.idle_bytes)
            self._outcome.memory_bytes = max(beyond, self._outcome.memory_bytes or 0)

    def _hear(self, engine: _HeardEngine, message: frames.FromEngine) -> None:
        if engine is not self._engine:
            return
        outcome = self._outcome
        if isinstance(message, frames.Log):
            outcome.logs.append(message.text)
        elif isinstance(message, frames.Loaded):
            engine.forget_peak()  # loading takes more for a moment, and is not the unit's
        elif isinstance(message, frames.Started):  # a unit whose engine crashed runs once more
            for said in (outcome.logs, outcome.progress, outcome.states):
                said.clear()

    async def _report(self, event: ev.Event) -> None:
        outcome = self._outcome
        match event:
            case ev.UnitsDone():
                outcome.kind, outcome.value, outcome.seconds = "ok", event.values[0], event.seconds[0]
            case ev.UnitsFailed():
                outcome.kind, outcome.error = event.kinds[0], event.errors[0]
            case ev.StateSaved():
                outcome.states.append(event.state)
            case ev.UnitProgressed():
                outcome.progress.append(event.fraction)
            case ev.RunFinished():
                self._answered.set()
            case ev.SlotLost():
                self._problem = event.reason
                self._answered.set()
