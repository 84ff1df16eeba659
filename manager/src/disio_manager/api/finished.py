"""Results as they finish: pages of a task's journal.

Rule: the state that is told was read before the rows, so an empty page of a task that is over is the last one.
"""

import asyncio
from typing import NamedTuple

from disio_manager.api.context import Context
from disio_manager.api.journals import journal_of, position_of
from disio_manager.api.tasks import task_record
from disio_manager.stores.base import FailureRow, ResultRow
from disio_manager.stores.journal import JournalStore, Position
from disio_shared.taskdoc import OPEN_STATES

MAX_ROWS = 10_000
MAX_BYTES = 16 << 20
"""Of results on a page; one part of a journal may be more by itself."""
LOOK_S = 1.0
"""Seconds after which who waits looks for what other managers wrote."""


class Finished(NamedTuple):
    """One page."""

    results: list[ResultRow]
    failures: list[FailureRow]
    position: Position
    state: str
    """Of the task, before the rows were read."""


async def read_finished(
    context: Context, task: str, cursor: str, limit: int, wait_s: float, *, with_failures: bool
) -> Finished:
    """Return what came after a cursor, waiting for the first row if need be.

    Args:
        context: This manager.
        task: Its id.
        cursor: Where the page before ended; empty = from the beginning.
        limit: Rows at most; 0 = as many as fit.
        wait_s: Seconds to wait for a row of an open task.
        with_failures: Failures are rows too.

    Raises:
        TaskNotFound: There is no such task.
        BadRequest: The cursor is none, or the database keeps no journal.
        TooManyWaiting: Too many requests wait already.
    """
    journal, position = journal_of(context.service.store, "order"), position_of(cursor)
    clock = context.service.clock
    end = clock.steady() + wait_s
    with context.awaiting.woken(task) as woken:
        while True:
            woken.clear()
            state = (await task_record(context, task)).state
            found = await _page(journal, task, position, min(limit or MAX_ROWS, MAX_ROWS), with_failures)
            left = end - clock.steady()
            if found.results or found.failures or left <= 0 or state not in OPEN_STATES:
                return found._replace(state=state)
            position = found.position
            await _sleep(woken, min(left, LOOK_S) if context.service.store.is_shared else left)


async def _sleep(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return


async def _page(journal: JournalStore, task: str, position: Position, limit: int, with_failures: bool) -> Finished:
    """Gather parts of the journal up to a limit of rows and bytes."""
    results: list[ResultRow] = []
    failures: list[FailureRow] = []
    size, left, is_end = 0, limit, False
    while left > 0 and size < MAX_BYTES and not is_end:
        part = await journal.arrivals(task, position, left)
        results += part.results
        size += sum(len(row.value) for row in part.results)
        if with_failures:
            failures += part.failures
        position, is_end = part.position, part.is_end
        left = limit - len(results) - len(failures)
    return Finished(results, failures, position, "")
