"""What ``disio top`` asks and draws.

Rule: what is drawn is one look at the manager; a manager that is away stays on the screen as such until it is back.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from disio import shapes
from disio.commands.asking import ask
from disio.commands.mustering import fleet_of, sentence_of
from disio.commands.task_showing import progress_cells
from disio.locating import Where
from disio.printing import emit
from disio.rest import ManagerClient
from disio.showing import ago, printable
from disio_shared.errors import ManagerUnreachable
from disio_shared.starting import INTERRUPTED

MOST_TASKS = 500
FEWEST_LINES = 3
"""Lines of a table that is cut off at the screen's end."""
BAR = 24
Row = dict[str, Any]


class Look(msgspec.Struct):
    """One look at the manager."""

    at: float
    fleet: Row
    tasks: list[Row]
    """The open ones, those at work first."""
    others: int
    """Open ones beyond these."""
    by_state: dict[str, int]


def show_top(where: Where, interval_s: float, is_once: bool) -> int:
    """Draw until somebody ends it; return the exit status.

    Raises:
        DisioError: The first look fails.
    """
    console = Console()
    if where.as_json or is_once or not console.is_terminal:
        look = ask(where, look_at)
        if where.as_json:
            emit(shapes.Top, look)
        else:
            for part in drawn(look, "", 1 << 30):
                console.print(part)
        return 0
    try:
        ask(where, lambda manager: _live(manager, console, interval_s))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


async def look_at(manager: ManagerClient) -> Look:
    """Look once."""
    fleet, stats = await fleet_of(manager), await manager.stats()
    tasks: list[Row] = []
    total = 0
    for state in ("running", "queued", "paused"):
        page = await manager.tasks(state=state, limit=MOST_TASKS)
        tasks += page["items"]
        total += page["total"]
    return Look(time.time(), fleet, tasks, total - len(tasks), stats["tasks"])


async def _live(manager: ManagerClient, console: Console, interval_s: float) -> None:
    keys: asyncio.Queue[str] = asyncio.Queue(16)
    look, note, is_paused = await look_at(manager), "", False
    with _reading(keys), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(Group(*drawn(look, note, console.size.height)), refresh=True)
            key = await _key(keys, interval_s)
            if key == "q":
                return
            if key == "p":
                is_paused = not is_paused
            note = "stopped; p goes on" if is_paused else ""
            if not is_paused:
                try:
                    look = await look_at(manager)
                except ManagerUnreachable as error:
                    note = f"{error}; last seen {ago(time.time() - look.at)} ago"


async def _key(keys: "asyncio.Queue[str]", seconds: float) -> str:
    try:
        return await asyncio.wait_for(keys.get(), seconds)
    except TimeoutError:
        return ""


@contextlib.contextmanager
def _reading(keys: "asyncio.Queue[str]") -> Iterator[None]:
    """Put keys that are pressed into a queue, as far as the system hands them over one by one."""
    try:
        import termios
        import tty

        stdin = sys.stdin.fileno()
        before = termios.tcgetattr(stdin)
    except (ImportError, OSError, ValueError):  # no such terminal: Ctrl-C ends it
        yield
        return
    loop = asyncio.get_running_loop()
    tty.setcbreak(stdin)
    loop.add_reader(stdin, lambda: _pressed(stdin, keys))
    try:
        yield
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def _pressed(stdin: int, keys: "asyncio.Queue[str]") -> None:
    text = os.read(stdin, 16).decode("ascii", "replace") or "q"  # nothing: the terminal is gone
    for key in text:
        if not keys.full():
            keys.put_nowait(key)


def drawn(look: Look, note: str, height: int) -> Iterator[RenderableType]:
    """Yield what is on the screen, from its top.

    Args:
        look: What was seen.
        note: A line about the looking itself.
        height: Lines there are; tables end where they are full, and say how much they leave out.
    """
    yield Text(f"disio  {sentence_of(look.fleet)}", style="bold")
    counts = [f"{count} {state}" for state, count in look.by_state.items() if count]
    yield Text("tasks: " + (", ".join(counts) or "none yet; make one: disio submit UNIT.js --range 0:100"))
    distributors = look.fleet["distributors"]
    room = max(2 * FEWEST_LINES, height - 8)
    most_tasks = max(FEWEST_LINES, room - min(len(distributors), room // 3))
    if look.tasks:
        yield _tasks(look.tasks[:most_tasks])
        yield from _left_out(len(look.tasks) + look.others - most_tasks, "open tasks")
    if distributors:
        most = max(FEWEST_LINES, room - min(len(look.tasks), most_tasks))
        yield _distributors(distributors[:most], look.at)
        yield from _left_out(len(distributors) - most, "distributors")
    if note:
        yield Text(note, style="reverse")


def _left_out(count: int, of: str) -> Iterator[RenderableType]:
    if count > 0:
        yield Text(f"... and {count} more {of}", style="dim")


def _tasks(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("NO", "STATE", "", "DONE", "RATE", "ETA", "OUT", "FAILED", "NAME"):
        table.add_column(name, no_wrap=True, overflow="fold" if name == "NAME" else "ellipsis")
    for row in rows:
        done, rate, eta = progress_cells(row)
        bar = ProgressBar(total=max(1, row["total"]), completed=row["done"] + row["failed"], width=BAR)
        numbers = (done, rate, eta, str(row["leased"]), str(row["failed"]))
        table.add_row(str(row["number"]), row["state"], bar, *numbers, Text(printable(row["name"])))
    return table


def _distributors(rows: list[Row], now: float) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("DISTRIBUTOR", "STATE", "CLIENTS", "SLOTS", "RATE", "OUTBOX", "SEEN"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        numbers = (str(row["clients"]), str(row["slots"]), f"{row['rate']:.1f}/s", str(row["outbox"]))
        seen = f"{ago(now - row['last_seen'])} ago" if row["last_seen"] else "never"
        table.add_row(Text(printable(row["name"])), row["state"], *numbers, seen)
    return table
