"""How calls get to a cluster and their answers back.

Rule: whoever feeds calls says how each one ended, exactly once; where they lie meanwhile is its own matter.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol

from disio.rest import RestProblem
from disio.sdk.errors import RemoteTraceback, TaskFailed, UnitFailed, raised
from disio.sdk.reading import Link, Reader
from disio.sdk.shapes import Failure, Result
from disio.sdk.tasks import AsyncTask
from disio.sdk.units import WorkUnit
from disio_shared.errors import DisioError

Give = Callable[[int, Any, Exception | None], None]
"""Takes the answer to a call: its number in the batch, and what it gave or how it failed."""
Submit = Callable[[WorkUnit, list[Any]], Awaitable[AsyncTask]]


class Feeder(Protocol):
    """Has calls computed."""

    async def run(self, unit: WorkUnit, payloads: list[Any], give: Give) -> None:
        """Return when each call was answered.

        Args:
            unit: What is called.
            payloads: What with.
            give: Takes the answers, as they come.

        Raises:
            DisioError: What was not answered by now will not be.
        """

    async def close(self) -> None:
        """Return when nothing of it is left at the manager but what others may want."""


class TaskFeeder:
    """Makes a task of each batch of calls.

    Args:
        link: The manager.
        submit: Makes tasks there.
    """

    def __init__(self, link: Link, submit: Submit) -> None:
        self._link, self._submit = link, submit

    async def run(self, unit: WorkUnit, payloads: list[Any], give: Give) -> None:
        """Have calls computed; see ``Feeder``. A task is removed when all its calls gave something."""
        task = await self._submit(unit, payloads)
        reader = Reader(self._link, task.info, "completed")
        try:
            async with aclosing(reader.answers()) as answers:
                async for batch in answers:
                    for answer in batch:
                        give(answer.index, *ending_of(answer, task.id))
        except asyncio.CancelledError:
            with contextlib.suppress(DisioError):  # nobody will ask for its results
                await task.cancel()
            raise
        info = reader.info
        if info.done == info.total:
            await self._remove(task)
        elif info.state not in ("done", "failed"):
            raise TaskFailed(info.id, info.state, info.failed, info.total, [])

    async def close(self) -> None:
        """Nothing is left of it when its calls have ended."""

    async def _remove(self, task: AsyncTask) -> None:
        try:
            await self._link.patience().ask(task.delete)
        except RestProblem:  # somebody else was quicker
            return


def ending_of(answer: Result | Failure, task: str) -> tuple[Any, Exception | None]:
    """Return what a call gave, or how it failed.

    Args:
        answer: Of a work unit that calls functions with ``args`` and ``kwargs``.
        task: Its task's id.
    """
    if isinstance(answer, Result):
        return value_of(answer.value), None
    text = answer.errors[-1] if answer.errors else ""
    error = raised(text)
    if error is None:
        error = UnitFailed(task, answer.index, answer.errors)
        error.__cause__ = RemoteTraceback(text)
    return None, error


def value_of(answer: Any) -> Any:
    """Return what a function returned: ``bytes`` stand for themselves, a tuple is one again."""
    if isinstance(answer, bytes):
        return answer
    return tuple(answer["t"]) if "t" in answer else answer["r"]
