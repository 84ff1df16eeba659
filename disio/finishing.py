"""Work that must not be left in its middle: a process that is half started is nobody's to end.

Rule: Ctrl-C is heard, and the work comes to its own end before it is followed; that takes no longer than its own limit.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

DoneT = TypeVar("DoneT")


async def to_its_end(work: Awaitable[DoneT], undo: Callable[[DoneT], Awaitable[None]] | None = None) -> DoneT:
    """Return what some work gives; when the waiting is cancelled, it is brought to its end and undone first.

    Args:
        work: Has a limit of its own.
        undo: Takes back what it gave, since nobody is there to have it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if undo is not None and not task.cancelled() and task.exception() is None:
            await undo(task.result())
        raise
