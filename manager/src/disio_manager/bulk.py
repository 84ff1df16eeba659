"""One verb on many tasks: begun once, done in steps, told of while it goes on.

Rule: which tasks are meant is settled when it begins; each of them is done or refused with its reason, and none holds
the others up. What a manager that stops had not come to stays as it was.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from disio_shared.clock import Clock
from disio_shared.errors import DisioError, UnavailableError
from disio_shared.ids import fresh_id
from disio_shared.logs import logger

BulkVerb = Literal["pause", "resume", "cancel", "retry", "delete"]
MAX_RUNNING = 4
MAX_KEPT = 100
"""Of those that are over, how many can still be asked for."""
MAX_REFUSALS = 100
"""Reasons kept of one; how many there were is always exact."""
AWAY_S = 1.0
MAX_AWAY = 30
"""How often a database that does not answer is asked again, before the rest is given up."""


class TooManyBulks(UnavailableError):
    """Enough is being done at once."""

    code = "too-many-bulks"


class Refusal(NamedTuple):
    """Why one task stayed as it was."""

    task: str
    code: str
    reason: str


@dataclass(slots=True)
class Job:
    """One verb on many tasks."""

    id: str
    verb: BulkVerb
    matched: int
    begun_at: float
    """Seconds since 1970."""
    done: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    trouble: str = ""
    """Why it was given up."""
    is_over: bool = False


Use = Callable[[str, BulkVerb], Awaitable[None]]
"""Does it to one task; raises DisioError when that is refused."""
Check = Callable[[str], Awaitable[None]]
"""Raises DisioError when whoever asked may not do it to this task."""


class Bulks:
    """Does what was begun.

    Args:
        use: Does a verb to a task.
        clock: When things begin.
    """

    def __init__(self, use: Use, clock: Clock) -> None:
        self._use, self._clock = use, clock
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()
        self._log = logger("manager.bulk")

    def find(self, name: str) -> Job | None:
        """Return what was begun, if it is known (still)."""
        return self._jobs.get(name)

    def begin(self, verb: BulkVerb, tasks: Sequence[str], check: Check) -> Job:
        """Begin with tasks, each of which is checked first; those that come later are not meant.

        Raises:
            TooManyBulks: ``MAX_RUNNING`` are being done.
        """
        if len(self._running) >= MAX_RUNNING:
            raise TooManyBulks(f"{MAX_RUNNING} bulk actions are being done: wait until one of them is over")
        job = Job(fresh_id(), verb, len(tasks), self._clock.wall())
        self._jobs[job.id] = job
        over = [name for name, known in self._jobs.items() if known.is_over]
        for name in over[: max(0, len(self._jobs) - MAX_KEPT - MAX_RUNNING)]:
            del self._jobs[name]
        running = asyncio.create_task(self._run(job, tasks, check))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return job

    async def stop(self) -> None:
        """Do no more."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, job: Job, tasks: Sequence[str], check: Check) -> None:
        try:
            for task in tasks:
                await self._one(job, task, check)
                if job.trouble:
                    break
        finally:
            job.is_over = True

    async def _one(self, job: Job, task: str, check: Check) -> None:
        for _ in range(MAX_AWAY):
            try:
                await check(task)
                await self._use(task, job.verb)
            except UnavailableError as error:
                job.trouble = str(error)
                await asyncio.sleep(AWAY_S)
                continue
            except DisioError as error:
                self._refuse(job, Refusal(task, error.code, str(error)))
            except Exception:
                self._log.exception("a bulk action met a mistake of ours", task=task, verb=job.verb)
                self._refuse(job, Refusal(task, "internal", "the manager made a mistake; its log says more"))
            else:
                job.done += 1
            job.trouble = ""
            return

    def _refuse(self, job: Job, refusal: Refusal) -> None:
        job.refused += 1
        if len(job.refusals) < MAX_REFUSALS:
            job.refusals.append(refusal)
