"""How far tasks are, shown to people: a bar in a terminal, a widget in a notebook, a line for each tenth elsewhere.

Rule: nothing is printed to standard output, and nothing moves where no terminal is.
"""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from disio.sdk.notebook import NotebookBar, in_notebook
from disio.sdk.shapes import TaskInfo
from disio.times import time_text

if TYPE_CHECKING:
    from rich.console import Console as Console
else:
    Console = Any  # loaded where a terminal is


class Bar(Protocol):
    """Shows tasks. Use as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, info: TaskInfo) -> None:
        """Show how far a task is."""


class TerminalBar:
    """A line for each task, with a bar.

    Args:
        console: Where.
    """

    def __init__(self, console: "Console") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(30),
            TaskProgressColumn(),
            MofNCompleteColumn(),
        )
        self._bar = Progress(*columns, TextColumn("{task.fields[note]}", markup=False), console=console)
        self._rows: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, info: TaskInfo) -> None:
        """Show how far a task is."""
        if info.id not in self._rows:
            self._rows[info.id] = self._bar.add_task(info.name, total=info.total, note="")
        self._bar.update(self._rows[info.id], total=info.total, completed=info.done + info.failed, note=note_of(info))


class LineBar:
    """A line on standard error for each tenth of a task."""

    def __init__(self) -> None:
        self._tenths: dict[str, tuple[int, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, info: TaskInfo) -> None:
        """Show how far a task is, if that is news."""
        news = (info.done + info.failed) * 10 // max(info.total, 1), info.state
        if self._tenths.get(info.id) != news:
            self._tenths[info.id] = news
            note = ", ".join(filter(None, (info.state, note_of(info))))
            print(f"{info.name}: {info.done + info.failed} of {info.total} ({note})", file=sys.stderr, flush=True)


def make_bar(console: "Console | None" = None) -> Bar:
    """Return what shows progress here.

    Args:
        console: Where; None = the notebook this runs in, or standard error.
    """
    if console is None:
        if in_notebook():
            return NotebookBar()
        if not sys.stderr.isatty():
            return LineBar()
        from rich.console import Console

        console = Console(stderr=True)
    return TerminalBar(console)


def note_of(info: TaskInfo) -> str:
    """Return rate, time left and failures in a few words."""
    parts = [f"{info.rate:.1f}/s"] if info.rate else []
    if info.eta_s is not None:
        parts.append(f"{time_text(info.eta_s)} left")
    if info.failed:
        parts.append(f"{info.failed} failed")
    return ", ".join(parts)
