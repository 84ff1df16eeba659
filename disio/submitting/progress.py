"""What a person sees while tasks run: one line for each on stderr.

Rule: nothing moves where no terminal is; messages are whole lines and come there too.
"""

import sys
from typing import TYPE_CHECKING, Any

import click

from disio.showing import printable
from disio.times import time_text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STEP = 10
"""Percents between two lines where no terminal is."""


class Screen:
    """Stderr, with bars if it is a terminal. Use as a context manager."""

    def __init__(self) -> None:
        self._bar = _bar() if sys.stderr.isatty() else None
        self._rows: dict[str, TaskID] = {}
        self._steps: dict[str, int] = {}

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Show a line."""
        if self._bar is None:
            click.echo(text, err=True)
        else:
            self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def show(self, task: dict[str, Any], clients: int | None = None) -> None:
        """Show how far a task is.

        Args:
            task: Its JSON.
            clients: How many are connected; None = it is not known.
        """
        done, note = task["done"] + task["failed"], note_of(task, clients)
        if self._bar is None:
            self._show_step(task, done, note)
            return
        if task["id"] not in self._rows:
            self._bar.start()
            self._rows[task["id"]] = self._bar.add_task(printable(task["name"]), total=task["total"], note="")
        self._bar.update(self._rows[task["id"]], total=task["total"], completed=done, note=note)

    def rest(self, task: str) -> None:
        """Take a task's bar away: it is over."""
        self._steps.pop(task, None)
        row = self._rows.pop(task, None)
        if self._bar is None or row is None:
            return
        self._bar.remove_task(row)
        if not self._rows:
            self._bar.stop()

    def _show_step(self, task: dict[str, Any], done: int, note: str) -> None:
        """Show a line each ``STEP`` percents."""
        step = 100 * done // max(1, task["total"]) // STEP
        if step > self._steps.get(task["id"], 0):
            self.say(f"{step * STEP} % done: {done} of {task['total']}  {note}".rstrip())
        self._steps[task["id"]] = step


def _bar() -> "Progress":
    from rich.console import Console  # here: what a terminal alone needs takes long to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(30), TaskProgressColumn())
    note = TextColumn("{task.fields[note]}", markup=False)
    return Progress(*columns, MofNCompleteColumn(), note, TimeElapsedColumn(), console=Console(stderr=True))


def note_of(task: dict[str, Any], clients: int | None) -> str:
    """Return rate, time left, failures and clients in a few words."""
    parts = [f"{task['rate']:.1f}/s"] if task["rate"] else []
    if task.get("eta_s") is not None:
        parts.append(f"ETA {time_text(task['eta_s'])}")
    if task["failed"]:
        parts.append(f"{task['failed']} failed")
    if clients is not None:
        parts.append("1 client" if clients == 1 else f"{clients} clients")
    return "  ".join(parts)
