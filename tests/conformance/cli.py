"""Conformance units in the CLI client: a slot with its real engine.

Rule: one slot for all cases, as a client has it; what a unit does to its engine is the slot's to mend.
"""

from __future__ import annotations

import asyncio
import hashlib

from disio_client import events as ev
from disio_client.engines import frames
from disio_client.engines.deno import DenoEngine
from disio_client.runner import Slot
from disio_shared.clock import SystemClock
from disio_shared.values import encode_value
from tests.unit.client_cli.python_rig import python_kit
from tests.waiting import patient

from .case import LANGUAGES, Answer, Case, Ending
from .code import code_of

DEADLINE_S = 240.0
"""For one case: of five payloads with one that never ends, Pyodide is loaded three times, by a machine that is busy."""


class CliRunner:
    """Made by ``start``; ``close`` ends its engine."""

    runs_plain = True
    name = "cli"

    def __init__(self) -> None:
        self._answer = Answer()
        self._codes: dict[str, bytes] = {}
        self._runs = 0
        self._ended = asyncio.Condition()
        self._finished = 0
        self._is_up = False
        self._slot = Slot(0, self._start_engine, self._codes.__getitem__, self._take, SystemClock(), python_kit)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._serving = asyncio.create_task(self._slot.serve())
        await self._until(lambda: self._is_up)

    async def close(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)

    async def run(self, case: Case, form: str) -> Answer:
        code = code_of(case, form)
        workunit = hashlib.sha256(code).hexdigest()
        self._codes[workunit] = code
        self._answer, self._runs = Answer(), self._runs + 1
        run = ev.StartRun(
            slot=0,
            run=self._runs,
            token=f"token-{self._runs}",
            task=case.name,
            workunit=workunit,
            language=LANGUAGES[form],
            indexes=case.indexes,
            payloads=[encode_value(payload) for payload in case.payloads],
            unit_timeout_s=case.timeout_s,
            memory_mb=case.memory_mb,
            terms=case.terms,
            states={} if case.state is None else {case.first_index: encode_value(case.state)},
        )
        self._slot.start(run)
        await self._until(lambda: self._finished == run.run)
        return self._answer

    async def _until(self, fact: object) -> None:
        assert callable(fact)
        async with asyncio.timeout(patient(DEADLINE_S)), self._ended:
            await self._ended.wait_for(fact)

    async def _take(self, event: ev.Event) -> None:
        answer = self._answer
        async with self._ended:
            match event:
                case ev.UnitsDone():
                    self._note(dict(zip(event.indexes, event.values, strict=True)))
                case ev.UnitsFailed():
                    endings = map(Ending, event.kinds, event.errors)
                    self._note(dict(zip(event.indexes, endings, strict=True)))
                case ev.StateSaved():
                    answer.states.append(event.state)
                case ev.UnitProgressed():
                    answer.progress.append(event.fraction)
                case ev.RunFinished():
                    self._finished = event.run
                case ev.SlotUp():
                    self._is_up = True
            self._ended.notify_all()

    def _note(self, outcomes: dict[int, bytes] | dict[int, Ending]) -> None:
        assert not outcomes.keys() & self._answer.outcomes.keys(), "a payload was answered twice"
        self._answer.outcomes.update(outcomes)

    async def _start_engine(self) -> DenoEngine:
        engine = await DenoEngine.start()
        receive = engine.receive

        async def receive_and_note() -> frames.FromEngine:
            message = await receive()
            if isinstance(message, frames.Log):
                self._answer.logs.append(message.text)
            return message

        engine.receive = receive_and_note  # type: ignore[method-assign]
        return engine
