"""One slot: an engine, a watchdog, and a fresh engine when a unit ends it.

Rule: at most one run at a time, and every unit of it is answered unless the slot is stopped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from disio_client.engines import frames
from disio_client.engines.base import MB, UNIT_MEMORY_MB, Engine, EngineDied, EngineUnavailable
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
from disio_client.jobs import Death, Job
from disio_shared.abilities import is_native
from disio_shared.clock import Clock

POLL_S = 0.25
"""Seconds between two looks at an engine's memory."""
SLACK_MB = 128
"""Garbage that V8 has not collected yet is not the unit's fault."""
LOAD_S = {"javascript": 10.0, "wasm": 20.0, "python": 60.0, "python-native": 60.0}
"""Seconds that an engine gets for loading code, before the time of the first unit begins."""
MAX_LOADED = 8
"""Work units that an engine is taken to have; it keeps twice as many, the longest unused goes first."""
RESTART_FIRST_S, RESTART_CEILING_S = 0.5, 30.0

StartEngine = Callable[[], Awaitable[Engine]]
KitOf = Callable[[str], Mapping[str, bytes]]
"""The files that a language needs beside its units; none for most."""
Report = Callable[[Event], Awaitable[None]]


def no_kit(_language: str) -> Mapping[str, bytes]:
    """Return the kit of languages that need none."""
    return {}


class Slot:
    """Runs one unit at a time; reports everything as session events.

    ``start_engine`` starts an engine for all that runs in the sandbox, ``start_native`` one for native units of a task.
    """

    def __init__(
        self,
        number: int,
        start_engine: StartEngine,
        code: Callable[[str], bytes],
        report: Report,
        clock: Clock,
        kit: KitOf = no_kit,
        start_native: StartEngine | None = None,
    ) -> None:
        self._number, self._start_engine, self._code, self._kit = number, start_engine, code, kit
        self._start_native = start_native
        self._report, self._clock = report, clock
        self._engine: Engine | None = None
        self._realm: tuple[str, str, str] | None = None
        """Ability, task and work unit that the engine is kept for; None = whatever runs in the sandbox."""
        self._next: StartRun | None = None
        self._wake = asyncio.Event()
        self._is_running = self._is_stopping = False
        self._failed_starts = 0
        """Of engines for a run, one after the other."""

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
            # The sandbox may start all the same, and the next run of this kind would be back at once.
            await asyncio.sleep(min(RESTART_FIRST_S * 2**self._failed_starts, RESTART_CEILING_S))
            self._failed_starts = min(self._failed_starts + 1, 10)
        finally:
            self._is_running = False

    async def _ensure_engine(self) -> None:
        """Start an engine if there is none, however often it takes."""
        if self._engine is not None and self._engine.is_ended:
            await self._bury()
        wait_s = RESTART_FIRST_S
        while self._engine is None:
            try:
                self._realm, self._engine = None, await self._start_engine()
            except EngineUnavailable:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RESTART_CEILING_S)

    async def _bury(self) -> None:
        if self._engine is not None:
            await self._engine.close()
        self._engine = None

    # One run

    async def _execute(self, run: StartRun) -> None:
        job = Job(run, self._code(run.workunit))
        while job.open and not self._is_stopping:
            engine = await self._engine_for(run)
            if engine is None:
                return
            death = await self._pass(engine, job)
            if death is not None:
                await self._bury()
                if not self._is_stopping:
                    await self._blame(job, death)
        if not self._is_stopping:
            await self._report(RunFinished(self._number, run.run))

    async def _engine_for(self, run: StartRun) -> Engine | None:
        """Return the engine that this run needs, started if need be; None when the slot was stopped meanwhile."""
        if self._realm != _realm_of(run):
            await self._bury()
        if self._engine is None:
            self._realm = _realm_of(run)
            start = self._start_engine if self._realm is None else self._start_native
            if start is None:
                raise EngineUnavailable("this client runs no native Python")
            self._engine = await start()
            self._failed_starts = 0
        return None if self._is_stopping else self._engine

    async def _blame(self, job: Job, death: Death) -> None:
        """Fail what ended the engine, unless it may have been something else."""
        blamed, text = job.take_blamed(death)
        if blamed:
            texts, kinds = [text] * len(blamed), [death.kind] * len(blamed)
            await self._report(UnitsFailed(self._number, job.run.run, blamed, texts, kinds, job.logs.take(blamed)))

    async def _pass(self, engine: Engine, job: Job) -> Death | None:
        """Run what is open; return how the engine died, or None when all was answered."""
        job.begin_pass()
        try:
            await self._equip(engine, job.run.language)
            await self._load(engine, job)
            await engine.send(job.message())
            return await self._follow(engine, job)
        except EngineDied as error:
            if error.is_memory:
                return Death("memory", f"it ran out of memory ({error.problem})")
            return Death("crash", f"its engine ended under it ({error.problem})")

    @staticmethod
    async def _load(engine: Engine, job: Job) -> None:
        """Hand the engine the code of a run, unless it has it still."""
        workunit, language = job.run.workunit, job.run.language
        if engine.loaded.pop(workunit, None) is None:
            await engine.send(frames.Load(workunit=workunit, language=language, code=job.code))
        engine.loaded[workunit] = language
        for oldest in list(engine.loaded)[:-MAX_LOADED]:
            del engine.loaded[oldest]

    async def _equip(self, engine: Engine, language: str) -> None:
        """Hand the engine what a language needs, once."""
        files = self._kit(language) if language not in engine.kits else {}
        if files:
            await engine.send(frames.Kit(language=language, files=dict(files)))
        engine.kits.add(language)

    async def _follow(self, engine: Engine, job: Job) -> Death | None:
        limit_s = job.run.unit_timeout_s
        load_s = LOAD_S.get(job.run.language.partition(":")[0], limit_s)
        deadline = self._clock.steady() + load_s
        next_look = self._clock.steady() + POLL_S
        while (now := self._clock.steady()) < deadline:
            if now >= next_look:
                next_look = now + POLL_S
                if (death := _overfull(engine, job.run)) is not None:
                    return death
            try:
                async with asyncio.timeout(min(deadline, next_look) - now):
                    message = await engine.receive()
            except TimeoutError:
                continue
            if isinstance(message, frames.Finished):
                return None if not job.open else Death("crash", "the engine left units unanswered")
            if isinstance(message, frames.SIGNS_OF_LIFE):
                job.is_loaded = True
                deadline = self._clock.steady() + limit_s
            await self._take(job, message)
        if job.is_loaded:
            return Death("timeout", f"no answer within the unit's limit of {limit_s:g} s")
        return Death("timeout", f"its code was not ready within {load_s:g} s")

    async def _take(self, job: Job, message: frames.FromEngine) -> None:
        """Pass on what an engine said about units that are open."""
        slot, run = self._number, job.run.run
        if isinstance(message, frames.Done):
            job.answered(message.indexes)
            logs = job.logs.take(message.indexes)
            await self._report(UnitsDone(slot, run, message.indexes, message.values, message.seconds, logs))
        elif isinstance(message, frames.Failed):
            job.answered(message.indexes)
            logs = job.logs.take(message.indexes)
            await self._report(UnitsFailed(slot, run, message.indexes, message.errors, message.kinds, logs))
        elif isinstance(message, frames.Started):
            job.started(message.index)
        elif isinstance(message, frames.Checkpoint) and message.index in job.open:
            job.saved(message.index, message.state)
            await self._report(StateSaved(slot, run, message.index, message.state))
        elif isinstance(message, frames.Log) and message.index in job.open:
            job.logs.add(message.index, message.text)
        elif isinstance(message, frames.Progress):
            await self._report(UnitProgressed(slot, run, message.index, message.fraction))


def _realm_of(run: StartRun) -> tuple[str, str, str] | None:
    return (run.language, run.task, run.workunit) if is_native(run.language) else None


def _overfull(engine: Engine, run: StartRun) -> Death | None:
    """Return what to say of an engine that takes more memory than its unit may."""
    limit_mb = run.memory_mb or UNIT_MEMORY_MB
    used_mb = engine.used_bytes() // MB
    if used_mb <= limit_mb + SLACK_MB:
        return None
    return Death("memory", f"it used {used_mb} MB of memory; the limit is {limit_mb} MB")
