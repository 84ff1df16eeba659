"""Runs a demo against a manager and shows how it goes.

Rule: a manager that is away is waited for; the demo ends only with its task.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from disio.demos import mandelbrot, pi
from disio.rest import ManagerClient
from disio_shared.errors import ManagerUnreachable
from disio_shared.ids import fresh_id
from disio_shared.taskdoc import OPEN_STATES

POLL_S = 0.25
LONELY_POLLS = 8
"""Looks without a client before a person is told what to do."""
GROUPS_PER_LINE = 6
GROUP = 16


class PlainProgress:
    """One line for every tenth that is done, for terminals that are none."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.tell, self._tenths = say, -1

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def show(self, done: int, total: int, note: str) -> None:
        """Take notice of how far the task is."""
        tenths = done * 10 // total
        if tenths > self._tenths:
            self._tenths = tenths
            self.tell(f"{tenths * 10:3d} %  {done}/{total} units  {note}".rstrip())


class BarProgress:
    """A bar with rate and time left."""

    def __init__(self, console: Console, name: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=console)
        self._task = self._bar.add_task(name, total=None, note="")

    def tell(self, text: str) -> None:
        """Show a line above the bar."""
        self._bar.console.print(text, highlight=False)

    def __enter__(self) -> "BarProgress":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int, note: str) -> None:
        """Take notice of how far the task is."""
        self._bar.update(self._task, completed=done, total=total, note=note)


async def run_pi(manager: ManagerClient, digits: int, say: Callable[[str], None], help_line: str) -> bool:
    """Compute digits of pi, print them on stdout and check them; return whether all are right.

    Args:
        manager: Where the task is created.
        digits: Hexadecimal digits after the point, at least.
        say: Shows a line to a person.
        help_line: What a person can do while no client is there.
    """
    task = await _create(manager, pi.task_document(digits))
    say(f"task {task['id']}: {task['total']} units of {pi.DIGITS_PER_UNIT} digits each")
    final = await _watch(manager, task["id"], "pi", say, help_line)
    if final["state"] != "done":
        say(f"the task ended as {final['state']} with {final['failed']} failed units")
        return False
    found = [str(row["result"]) async for row in manager.results(task["id"])]
    return _report(found, say)


async def run_mandelbrot(
    manager: ManagerClient, say: Callable[[str], None], help_line: str, link: Callable[[str], str]
) -> bool:
    """Have the picture painted, and check every pixel; return whether all are right.

    Args:
        manager: Where the task is created.
        say: Shows a line to a person.
        help_line: What a person can do while no client is there.
        link: Makes a path of the dashboard into what a person can open.
    """
    task = await _create(manager, mandelbrot.task_document())
    say(f"task {task['id']}: {task['total']} tiles of {mandelbrot.TILE} × {mandelbrot.TILE} pixels")
    say(f"Watch the picture paint itself: {link('/tasks/' + task['id'] + '?view=image')}")
    final = await _watch(manager, task["id"], "tiles", say, help_line)
    if final["state"] != "done":
        say(f"the task ended as {final['state']} with {final['failed']} failed tiles")
        return False
    picture = mandelbrot.painted([row["result"] async for row in manager.results(task["id"])])
    say(f"all {task['total']} tiles are here; computing every pixel once more in Python")
    wrong = await asyncio.to_thread(mandelbrot.first_wrong, picture)
    if wrong is None:
        say(f"all {len(picture) // mandelbrot.BYTES:,} pixels are right (checked in Python)")
        return True
    say(f"the pixel at {wrong.x}, {wrong.y} is {wrong.found.hex()}, it should be {wrong.known.hex()}")
    return False


async def _create(manager: ManagerClient, document: dict[str, Any]) -> dict[str, Any]:
    key = fresh_id(24)
    while True:
        try:
            return await manager.create_task(document, idempotency_key=key)
        except ManagerUnreachable:
            await asyncio.sleep(POLL_S)


async def _watch(
    manager: ManagerClient, task: str, name: str, say: Callable[[str], None], help_line: str
) -> dict[str, Any]:
    """Show progress until the task has ended; return its last JSON."""
    progress = BarProgress(Console(stderr=True), name) if sys.stderr.isatty() else PlainProgress(say)
    lonely = 0
    with progress:
        while True:
            seen, clients = await _look(manager, task)
            lonely = 0 if clients else lonely + 1
            if lonely == LONELY_POLLS:
                progress.tell(help_line)
            if seen is not None:
                progress.show(seen["done"] + seen["failed"], seen["total"], _counted(clients))
                if seen["state"] not in OPEN_STATES:
                    return seen
            await asyncio.sleep(POLL_S)


async def _look(manager: ManagerClient, task: str) -> tuple[dict[str, Any] | None, int | None]:
    """Return the task's JSON and the number of clients; None = the manager is away."""
    try:
        seen, stats = await manager.task(task), await manager.stats()
    except ManagerUnreachable:
        return None, None
    return seen, int(stats.get("clients", 0))


def _counted(clients: int | None) -> str:
    """Return the note beside the bar; nothing before the first client has been counted."""
    return "" if not clients else "1 client" if clients == 1 else f"{clients} clients"


def _report(found: list[str], say: Callable[[str], None]) -> bool:
    digits = "".join(found)
    groups = [digits[at : at + GROUP] for at in range(0, len(digits), GROUP)]
    print("pi = 3.")
    for at in range(0, len(groups), GROUPS_PER_LINE):
        print(" ".join(groups[at : at + GROUPS_PER_LINE]))
    wrong = pi.first_difference(found)
    if wrong is None:
        say(f"all {len(digits)} hexadecimal digits are right (checked with Machin's formula)")
        return True
    say(f"digit {wrong} is {digits[wrong : wrong + 1] or 'missing'}, it should be {pi.known_digits(wrong + 1)[-1]}")
    return False
