"""Trials in a slot of the CLI client: its watchdog and its engine, with an ear on what the engine says.

Rule: nothing of slot or engine is replaced; what volunteers do not keep (logs, the most memory) is only read beside it.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from disio.finishing import to_its_end
from disio.trial.hearing import Heard, Measurable, MemoryMeter
from disio.trial.trials import TASK, Outcome, Trial, TrialFailed
from disio_client import events as ev
from disio_client.engines import frames
from disio_client.engines.base import Engine, EngineUnavailable
from disio_client.engines.native_walls import Walls
from disio_client.runner import Slot
from disio_shared.clock import SystemClock

LOOK_S = 0.1
"""Seconds between two looks at an engine's memory."""
StartMeasurable = Callable[[], Awaitable[Measurable]]


class SlotSandbox:
    """One slot.

    Args:
        start: Starts an engine.
        files: What the language needs beside its units, by name.
    """

    walls: Walls | None = None
    """Around native Python."""
    language_of: ClassVar[dict[str, str]] = {}
    """What the client calls a language in such a slot, if it has another name there."""

    def __init__(self, start: StartMeasurable, files: Mapping[str, bytes] | None = None) -> None:
        self._start = start
        self._code: dict[str, bytes] = {}
        self._engine: Measurable | None = None
        self._meter: MemoryMeter | None = None
        self._outcome = Outcome()
        self._answered = asyncio.Event()
        self._problem = ""
        self._runs = 0
        self._serving: asyncio.Task[None] | None = None
        kit = dict(files or {})
        code, own = self._code.__getitem__, self._start_engine
        self._slot = Slot(0, own, code, self._report, SystemClock(), lambda _language: kit, start_native=own)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Start an engine; it has ended when this is left.

        Raises:
            TrialFailed: None starts here.
        """
        try:
            await self._slot.prepare()
        except EngineUnavailable as error:
            raise TrialFailed(error.problem, error.remedy) from error
        self._serving = asyncio.create_task(self._slot.serve())
        try:
            yield
        finally:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
            await self._slot.close()

    async def run(self, trial: Trial) -> Outcome:
        """Run this; runs of one unit share a realm, as they do at a volunteer's.

        Raises:
            TrialFailed: The engine cannot be started again.
        """
        self._outcome, self._runs = Outcome(), self._runs + 1
        self._answered.clear()
        if self._meter is not None and self._engine is not None and not self._engine.is_ended:
            self._meter.forget()
        self._slot.start(self._run_of(trial))
        await self._until_answered()
        if self._problem:
            raise TrialFailed(self._problem)
        self._note_memory()
        return self._outcome

    async def _until_answered(self) -> None:
        """Wait for the answer, as long as the slot serves, with an eye on the memory."""
        assert self._serving is not None
        answer = asyncio.create_task(self._answered.wait())
        done: set[asyncio.Task[Any]] = set()
        try:
            while not done:
                waiting = (answer, self._serving)
                done, _ = await asyncio.wait(waiting, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                self._look()
        finally:
            answer.cancel()
        if self._serving.done() and not self._answered.is_set():
            error = self._serving.exception()
            raise TrialFailed(f"no engine can be started any more: {error}") from error

    def _run_of(self, trial: Trial) -> ev.StartRun:
        workunit = hashlib.sha256(trial.code).hexdigest()
        self._code[workunit] = trial.code
        return ev.StartRun(
            slot=0,
            run=self._runs,
            token=f"test-{self._runs}",
            task=TASK,
            workunit=workunit,
            language=self.language_of.get(trial.language, trial.language),
            indexes=[trial.index],
            payloads=[trial.payload],
            unit_timeout_s=trial.unit_timeout_s,
            memory_mb=trial.memory_mb,
            terms=trial.terms,
            states={} if trial.state is None else {trial.index: trial.state},
        )

    async def _start_engine(self) -> Engine:
        engine = await to_its_end(self._start(), _close)
        self._note_memory()
        self._engine, self._meter = engine, MemoryMeter(engine)
        return Heard(engine, partial(self._hear, engine))

    def _idle_bytes(self, engine: Measurable, meter: MemoryMeter) -> int:
        """Return the memory that is the engine's own."""
        return meter.start_bytes

    def _look(self) -> None:
        if self._meter is not None:
            self._meter.look()

    def _note_memory(self) -> None:
        """Keep the most that the engine took, before another one takes its place."""
        if self._engine is not None and self._meter is not None:
            self._look()
            beyond = max(0, self._meter.peak_bytes - self._idle_bytes(self._engine, self._meter))
            self._outcome.memory_bytes = max(beyond, self._outcome.memory_bytes or 0)

    def _hear(self, engine: Engine, message: frames.FromEngine) -> None:
        if engine is not self._engine:
            return
        outcome = self._outcome
        if isinstance(message, frames.Log):
            outcome.logs.append(message.text)
        elif isinstance(message, frames.Loaded):
            if self._meter is not None:
                self._meter.forget()  # loading takes more for a moment, and is not the unit's
        elif isinstance(message, frames.Started):  # a unit whose engine crashed runs once more
            for said in (outcome.logs, outcome.progress, outcome.states):
                said.clear()
        elif isinstance(message, frames.Done | frames.Failed):
            self._look()

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


async def _close(engine: Engine) -> None:
    await engine.close()
