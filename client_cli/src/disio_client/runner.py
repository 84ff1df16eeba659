"""One slot: an engine, a watchdog, and what to do when a unit ends its engine.

Rule: a unit is blamed only when it ended an engine while running alone; its neighbours are run again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from disio_client.engines import frames
from disio_client.engines.deno import MB, DenoEngine, EngineDied, EngineUnavailable
from disio_client.events import (
    Event,
    RunFinished,
    SlotLost,
    SlotUp,
    StartRun,
    StateSaved,
    UnitProgressed,
    UnitsDone,
    UnitsFailed,
)
from disio_shared.clock import Clock

POLL_S = 0.25
"""Seconds between two looks at an engine's memory."""
UNIT_MEMORY_MB = 512
"""Memory of one unit when the task does not say."""
SLACK_MB = 128
"""Garbage that V8 has not collected yet is not the unit's fault."""
LOAD_S = {"javascript": 10.0, "wasm": 20.0, "python": 60.0}
"""Seconds that an engine gets for loading code, before the time of the first unit begins."""
_SIGNS_OF_LIFE = frames.Loaded | frames.Started | frames.Done | frames.Failed
"""What a unit's time is counted from."""
OWN_MB = {"python": 600}
"""What a language's own machinery may take beside its units."""
RESTART_FIRST_S, RESTART_CEILING_S = 0.5, 30.0

StartEngine = Callable[[], Awaitable[DenoEngine]]
KitOf = Callable[[str], Mapping[str, bytes]]
"""The files that a language needs beside its units; none for most."""
Report = Callable[[Event], Awaitable[None]]


@dataclass(slots=True)
class _Death:
    """How an engine ended under a run."""

    kind: str
    """``timeout``, ``memory`` or ``crash``."""
    text: str


@dataclass(slots=True)
class _Job:
    """A run and what is left of it."""

    run: StartRun
    code: bytes
    open: dict[int, bytes]
    states: dict[int, bytes]
    current: int | None = None
    """The unit that runs alone now."""
    seen_deaths: int = 0
    """Engines that died in single mode while no unit was known to run."""
    passes: int = 0


def no_kit(_language: str) -> Mapping[str, bytes]:
    """Return the kit of languages that need none."""
    return {}


class Slot:
    """Runs one unit at a time; reports everything as session events."""

    def __init__(
        self,
        number: int,
        start_engine: StartEngine,
        code: Callable[[str], bytes],
        report: Report,
        clock: Clock,
        kit: KitOf = no_kit,
    ) -> None:
        self._number, self._start_engine, self._code, self._kit = number, start_engine, code, kit
        self._report, self._clock = report, clock
        self._engine: DenoEngine | None = None
        self._next: StartRun | None = None
        self._wake = asyncio.Event()
        self._is_running = self._is_stopping = False

    @property
    def pid(self) -> int | None:
        return None if self._engine is None else self._engine.pid

    def start(self, run: StartRun) -> None:
        """Run this; the slot is free."""
        self._next = run
        self._wake.set()

    def stop(self) -> None:
        """End what runs; ``SlotUp`` follows when the slot is free again."""
        self._is_stopping = True
        self._next = None
        self._wake.set()
        if self._is_running and self._engine is not None:
            self._engine.kill()

    def kill(self) -> None:
        """End the engine at once, for good."""
        if self._engine is not None:
            self._engine.kill()

    async def prepare(self) -> None:
        """Start the first engine.

        Raises:
            EngineUnavailable: It does not start.
        """
        self._engine = await self._start_engine()

    async def serve(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                await self._ensure_engine()
                self._is_stopping = False
                await self._report(SlotUp(self._number))
                while not self._is_stopping:
                    await self._serve_one()
        finally:
            await self.close()

    async def close(self) -> None:
        """End the engine and wait until it is gone."""
        if self._engine is not None:
            await self._engine.close()

    async def _serve_one(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        run, self._next = self._next, None
        if run is None:
            return
        self._is_running = True
        try:
            await self._execute(run)
        except EngineUnavailable as error:
            await self._report(SlotLost(self._number, str(error)))
            self._is_stopping = True
        finally:
            self._is_running = False

    async def _ensure_engine(self) -> None:
        """Start an engine if there is none, however often it takes."""
        if self._engine is not None and self._engine.is_ended:
            await self._bury()
        wait_s = RESTART_FIRST_S
        while self._engine is None:
            try:
                self._engine = await self._start_engine()
            except EngineUnavailable:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RESTART_CEILING_S)

    async def _bury(self) -> None:
        if self._engine is not None:
            await self._engine.close()
        self._engine = None

    # One run

    async def _execute(self, run: StartRun) -> None:
        payloads = dict(zip(run.indexes, run.payloads, strict=True))
        job = _Job(run, self._code(run.workunit), payloads, dict(run.states))
        while job.open and not self._is_stopping:
            if self._engine is None:
                self._engine = await self._start_engine()
            is_single = job.passes > 0 or len(job.open) == 1
            death = await self._pass(self._engine, job, is_single)
            job.passes += 1
            if death is not None:
                await self._bury()
                if is_single and not self._is_stopping:
                    await self._blame(job, death)
        if not self._is_stopping:
            await self._report(RunFinished(self._number, run.run))

    async def _blame(self, job: _Job, death: _Death) -> None:
        """Fail the unit that ended the engine while alone, unless it may have been something else."""
        is_first_pass = job.passes == 1
        if death.kind == "crash" and is_first_pass:
            return  # an engine may also be killed from outside: the unit gets a second one before it is blamed
        guilty, job.current = job.current, None
        if guilty is None:
            job.seen_deaths += 1
            if job.seen_deaths < 2 and death.kind == "crash":
                return
            guilty = next(iter(job.open))
        job.seen_deaths = 0
        del job.open[guilty]
        await self._report(UnitsFailed(self._number, job.run.run, [guilty], [death.text], [death.kind]))

    async def _pass(self, engine: DenoEngine, job: _Job, is_single: bool) -> _Death | None:
        """Run what is open; return how the engine died, or None when all was answered."""
        run = job.run
        job.current = None
        try:
            await self._equip(engine, run)
            if run.workunit not in engine.loaded:
                await engine.send(frames.Load(workunit=run.workunit, language=run.language, code=job.code))
                engine.loaded.add(run.workunit)
            await engine.send(_frame(job, is_single))
            return await self._follow(engine, job)
        except EngineDied as error:
            if error.is_memory:
                return _Death("memory", f"the unit ran out of memory ({error.problem})")
            return _Death("crash", f"the engine ended under the unit ({error.problem})")

    async def _equip(self, engine: DenoEngine, run: StartRun) -> None:
        """Hand the engine what the run's language needs, once, and room for it."""
        engine.make_room(run.language, run.memory_mb or UNIT_MEMORY_MB)
        files = self._kit(run.language) if run.language not in engine.kits else {}
        if files:
            await engine.send(frames.Kit(language=run.language, files=dict(files)))
        engine.kits.add(run.language)

    async def _follow(self, engine: DenoEngine, job: _Job) -> _Death | None:
        limit_s = job.run.unit_timeout_s
        load_s = LOAD_S.get(job.run.language, limit_s)
        is_loaded = False
        deadline = self._clock.steady() + load_s
        next_look = self._clock.steady() + POLL_S
        while (now := self._clock.steady()) < deadline:
            if now >= next_look:
                next_look = now + POLL_S
                if (death := _overfull(engine, job.run, is_loaded)) is not None:
                    return death
            try:
                async with asyncio.timeout(min(deadline, next_look) - now):
                    message = await engine.receive()
            except TimeoutError:
                continue
            if isinstance(message, frames.Finished):
                return None if not job.open else _Death("crash", "the engine left units unanswered")
            if isinstance(message, _SIGNS_OF_LIFE):
                if not is_loaded:
                    engine.settle(OWN_MB.get(job.run.language, 0))
                is_loaded = True
                deadline = self._clock.steady() + limit_s
            await self._take(job, message)
        if is_loaded:
            return _Death("timeout", f"no answer within the unit's limit of {limit_s:g} s")
        return _Death("timeout", f"its code was not loaded within {load_s:g} s")

    async def _take(self, job: _Job, message: frames.FromEngine) -> None:
        """Pass on what an engine said about units that are open."""
        slot, run = self._number, job.run.run
        if isinstance(message, frames.Done):
            self._answered(job, message.indexes)
            await self._report(UnitsDone(slot, run, message.indexes, message.values, message.seconds))
        elif isinstance(message, frames.Failed):
            self._answered(job, message.indexes)
            await self._report(UnitsFailed(slot, run, message.indexes, message.errors, message.kinds))
        elif isinstance(message, frames.Started):
            job.current = message.index if message.index in job.open else None
        elif isinstance(message, frames.Checkpoint) and message.index in job.open:
            job.states[message.index] = message.state
            await self._report(StateSaved(slot, run, message.index, message.state))
        elif isinstance(message, frames.Progress):
            await self._report(UnitProgressed(slot, run, message.index, message.fraction))

    @staticmethod
    def _answered(job: _Job, indexes: list[int]) -> None:
        for index in indexes:
            job.open.pop(index, None)
        if job.current not in job.open:
            job.current = None


def _overfull(engine: DenoEngine, run: StartRun, is_loaded: bool) -> _Death | None:
    """Return what to say of an engine that takes more memory than its unit may."""
    limit_mb = (run.memory_mb or UNIT_MEMORY_MB) + SLACK_MB
    own_mb = 0 if is_loaded else OWN_MB.get(run.language, 0)
    if engine.memory_bytes() - engine.idle_bytes <= (limit_mb + own_mb) * MB:
        return None
    return _Death("memory", f"the unit used more than {limit_mb} MB")


def _frame(job: _Job, is_single: bool) -> frames.Run:
    run = job.run
    return frames.Run(
        token=run.token,
        task=run.task,
        workunit=run.workunit,
        indexes=list(job.open),
        payloads=list(job.open.values()),
        states={index: state for index, state in job.states.items() if index in job.open},
        unit_timeout_s=run.unit_timeout_s,
        memory_mb=run.memory_mb,
        terms=run.terms,
        single=is_single,
    )
