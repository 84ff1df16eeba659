"""``disio.as_completed``: the results of several tasks, as they come.

Rule: tasks of one kind at a time: those of ``Client`` give an iterator, those of ``AsyncClient`` an asynchronous one.
"""

from collections.abc import AsyncGenerator, Generator
from typing import Any, overload

from disio.sdk.merging import Merge
from disio.sdk.progress import make_bar
from disio.sdk.shapes import Result
from disio.sdk.sync import Task, one_by_one
from disio.sdk.tasks import AsyncTask, flat


@overload
def as_completed(*tasks: Task, partial: bool = ..., progress: bool = ...) -> Generator[Result, None, None]: ...


@overload
def as_completed(*tasks: AsyncTask, partial: bool = ..., progress: bool = ...) -> AsyncGenerator[Result, None]: ...


def as_completed(*tasks: Any, partial: bool = False, progress: bool = False) -> Any:
    """Yield the results of tasks until all of them are over; ``Result.task`` says whose they are.

    Args:
        tasks: All of ``Client``, or all of ``AsyncClient``.
        partial: An end with failed payloads, or before all were done, will do.
        progress: Show how far they are.

    Raises:
        TaskFailed: One ended otherwise than done; the others go on.
        TypeError: These are no tasks of one kind.
    """
    if all(isinstance(task, AsyncTask) for task in tasks) and tasks:
        return flat(_merged(list(tasks), partial, progress))
    if all(isinstance(task, Task) for task in tasks):
        if not tasks:
            return iter(())
        return one_by_one(tasks[0].loop, _merged([task.inner for task in tasks], partial, progress))
    raise TypeError("as_completed() takes tasks, all of disio.Client or all of disio.AsyncClient")


async def _merged(tasks: list[AsyncTask], partial: bool, progress: bool) -> AsyncGenerator[list[Result], None]:
    merge: Merge[Result] = Merge()
    by_id = {task.id: task for task in tasks}
    with make_bar() if progress else _Silent() as bar:
        try:
            for task in by_id.values():
                merge.add(task.batches(partial=partial))
            while batch := await merge.next():
                bar.show(by_id[batch[0].task].info)
                yield batch
        finally:
            await merge.close()
        for task in by_id.values():
            bar.show(task.info)


class _Silent:
    """Shows nothing."""

    def __enter__(self) -> "_Silent":
        return self

    def __exit__(self, *error: object) -> None:
        return

    def show(self, info: object) -> None:
        """Show nothing."""
