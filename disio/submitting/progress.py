"""What a person sees while a task runs: one line on stderr.

Rule: nothing moves where no terminal is; messages are whole lines and come there too.
"""

import sys
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn


class Screen:
    """Stderr, with a bar if it is a terminal. Use as a context manager."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(30), TaskProgressColumn(), MofNCompleteColumn())
            self._bar = Progress(
                *columns, TextColumn("{task.fields[note]}"), TimeElapsedColumn(), console=Console(stderr=True)
            )
        self._row: Any = None

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

    def show(self, task: dict[str, Any], clients: int) -> None:
        """Show how far a task is.

        Args:
            task: Its JSON.
            clients: How many are connected.
        """
        if self._bar is None:
            return
        if self._row is None:
            self._bar.start()
            self._row = self._bar.add_task(task["name"], total=task["total"], note="")
        done = task["done"] + task["failed"]
        self._bar.update(self._row, total=task["total"], completed=done, note=note_of(task, clients))

    def rest(self) -> None:
        """Take the bar away: what comes next is the end, or another task."""
        if self._bar is not None and self._row is not None:
            self._bar.stop()
            self._bar.remove_task(self._row)
            self._row = None


def note_of(task: dict[str, Any], clients: int) -> str:
    """Return rate, time left, failures and clients in a few words."""
    parts = [f"{task['rate']:.1f}/s"] if task["rate"] else []
    if task.get("eta_s") is not None:
        parts.append(f"ETA {time_text(task['eta_s'])}")
    if task["failed"]:
        parts.append(f"{task['failed']} failed")
    parts.append("1 client" if clients == 1 else f"{clients} clients")
    return "  ".join(parts)


def time_text(seconds: float) -> str:
    """Return a time as people say it: ``7s``, ``1m27s``, ``3h05m``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
