"""What ``disio task watch`` and ``disio task wait`` do.

Rule: they look and change nothing; a manager that is away is waited for, but not for ever.
"""

import asyncio
import sys
import time
from collections.abc import Sequence

import click
import msgspec

from disio import shapes
from disio.commands.asking import ask
from disio.commands.task_showing import progress_cells
from disio.locating import Where
from disio.patience import Patience
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.selecting import Row, choices_of, selected
from disio.showing import printable
from disio.submitting.progress import Screen
from disio.submitting.reporting import FAILED_PAYLOADS, FAILURE, FINISHED_STATES
from disio_shared.errors import DisioError
from disio_shared.starting import INTERRUPTED
from disio_shared.taskdoc import OPEN_STATES

PATIENCE_S = 600.0
POLL_S = 0.5


class Watching(msgspec.Struct, frozen=True, kw_only=True):
    """How tasks are watched."""

    interval_s: float = POLL_S
    timeout_s: float | None = None
    is_told: bool = False
    """Changes go to stdout."""


class TimeIsUp(DisioError):
    """Tasks are still open."""

    code = "time-is-up"
    retryable = True

    def __init__(self, seconds: float, numbers: Sequence[int]) -> None:
        shown = ", ".join(map(str, numbers[:10]))
        super().__init__(f"after {seconds:g} s these tasks are still open: {shown}; disio task explain tells why")


def watch_tasks(where: Where, words: Sequence[str], how: Watching) -> int:
    """Look until all tasks are over; return the exit status.

    Raises:
        TimeIsUp: They are not over in time.
        DisioError: There are no such tasks, or the manager is away for too long.
    """
    choices = choices_of(words)
    is_drawn = not how.is_told or (sys.stderr.isatty() and not where.as_json)
    with Screen() as screen:
        watch = _Watch(how, where.as_json, screen if is_drawn else None, screen)

        async def watched(manager: ManagerClient) -> list[Row]:
            rows = await selected(manager, choices)
            watch.names = [str(row["number"]) for row in rows]
            return await watch.to_the_end(manager, rows)

        try:
            rows = ask(where, watched)
        except KeyboardInterrupt:
            screen.say(f"stopped watching; come back with: disio task watch {','.join(watch.names) or words[0]}")
            return INTERRUPTED
    if not rows:
        tell("no task is open")
    return max((status_of(row) for row in rows), key=_gravity, default=0)


class _Watch:
    """Looks at tasks again and again."""

    def __init__(self, how: Watching, as_json: bool, bars: Screen | None, screen: Screen) -> None:
        self._how, self._as_json, self._bars, self._screen = how, as_json, bars, screen
        self._patience = Patience(PATIENCE_S, screen.say)
        self._told: dict[str, tuple[object, ...]] = {}
        self.names: list[str] = []
        """Numbers of the tasks."""

    async def to_the_end(self, manager: ManagerClient, rows: list[Row]) -> list[Row]:
        """Return the tasks as they ended."""
        began, ended = time.monotonic(), {}
        waiting = {row["id"]: row for row in rows}
        while True:
            for task in list(waiting):
                seen = await self._patience.ask(lambda: manager.task(task, with_payloads=False))  # noqa: B023 - awaited here
                waiting[task] = seen
                self._show(seen)
                if seen["state"] not in OPEN_STATES:
                    ended[task] = waiting.pop(task)
            if not waiting:
                return [ended[row["id"]] for row in rows]
            await self._pause(began, waiting)

    async def _pause(self, began: float, waiting: dict[str, Row]) -> None:
        left = self._how.interval_s
        if self._how.timeout_s is not None:
            left = min(left, began + self._how.timeout_s - time.monotonic())
            if left <= 0:
                raise TimeIsUp(self._how.timeout_s, [row["number"] for row in waiting.values()])
        await asyncio.sleep(left)

    def _show(self, seen: Row) -> None:
        is_over = seen["state"] not in OPEN_STATES
        if self._bars is not None:
            self._bars.show(seen)
            if is_over:
                self._bars.rest(seen["id"])
        told = (seen["state"], seen["done"], seen["failed"])
        is_news = self._told.get(seen["id"]) != told
        self._told[seen["id"]] = told
        if self._as_json:
            if is_over or (self._how.is_told and is_news):
                emit(shapes.Task, {name: value for name, value in seen.items() if name != "payloads"})
        elif is_news and (is_over or (self._how.is_told and self._bars is None)):
            click.echo(line_of(seen), err=not self._how.is_told)


def line_of(row: Row) -> str:
    """Return how a task stands, in one line."""
    done, rate, eta = progress_cells(row)
    parts = [str(row["number"]), row["state"], done]
    parts += [rate] if rate != "-" else []
    parts += [f"ETA {eta}"] if eta != "-" else []
    parts += [f"{row['failed']} failed"] if row["failed"] else []
    return "  ".join([*parts, printable(row["name"])])


def status_of(row: Row) -> int:
    """Return the exit status that the end of a task means."""
    if row["state"] not in FINISHED_STATES:
        return FAILURE
    return FAILED_PAYLOADS if row["failed"] or row["state"] == "failed" else 0


def _gravity(status: int) -> int:
    return {0: 0, FAILED_PAYLOADS: 1}.get(status, 2)
