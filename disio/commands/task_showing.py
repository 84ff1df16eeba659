"""What ``disio task list`` and ``disio task show`` ask and print.

Rule: one task a line in lists, one fact a line of a task; nothing is cut off, and what is left out is said.
"""

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import click
import msgspec

from disio import shapes
from disio.commands.asking import ask
from disio.locating import Where
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.selecting import Row, choices_of, every_task, selected
from disio.showing import ago, columns, printable
from disio.times import time_text

HEAD = ("NO", "ID", "STATE", "DONE", "FAILED", "RATE", "ETA", "AGE", "NAME")
MAX_SHOWN = 300
"""Characters of a payload spec that a line shows."""


class Wanted(NamedTuple):
    """Which tasks are listed."""

    state: str
    q: str
    tag: str
    limit: int | None
    """None = all."""


class Listed(NamedTuple):
    """Tasks, and how many there are."""

    items: list[Row]
    total: int | None
    """None = nobody counted."""


def show_list(where: Where, wanted: Wanted) -> int:
    """Print a list of tasks; return the exit status."""
    listed = ask(where, lambda manager: _listed(manager, wanted))
    if where.as_json:
        emit(shapes.TaskList, {"items": listed.items, "total": listed.total})
        return 0
    if not listed.items:
        is_any = wanted.state or wanted.q or wanted.tag
        tell("no task is so" if is_any else "there is no task yet; make one: disio submit UNIT.js --range 0:100")
        return 0
    now = time.time()
    for line in columns([HEAD, *(_cells(row, now) for row in listed.items)]):
        click.echo(line)
    if listed.total is None or listed.total > len(listed.items):
        of = "" if listed.total is None else f" of {listed.total}"
        tell(f"the newest {len(listed.items)}{of}; --limit N or --all shows more")
    return 0


async def _listed(manager: ManagerClient, wanted: Wanted) -> Listed:
    if not wanted.tag and wanted.limit is not None and wanted.limit <= 500:
        page = await manager.tasks(state=wanted.state, q=wanted.q, limit=wanted.limit)
        return Listed(page["items"], page["total"])
    items: list[Row] = []
    async with aclosing(_matching(manager, wanted)) as rows:
        async for row in rows:
            if wanted.limit is not None and len(items) >= wanted.limit:
                return Listed(items, None)
            items.append(row)
    return Listed(items, len(items))


async def _matching(manager: ManagerClient, wanted: Wanted) -> AsyncGenerator[Row, None]:
    """Yield the tasks that are wanted; the manager looks for one text in names and tags, the rest is done here."""
    wish = wanted.q.casefold()
    async for row in every_task(manager, state=wanted.state, q=wanted.tag or wanted.q):
        has_text = not wish or any(wish in text.casefold() for text in (row["name"], *row["tags"]))
        if has_text and (not wanted.tag or wanted.tag in row["tags"]):
            yield row


def show_tasks(where: Where, words: Sequence[str]) -> int:
    """Print tasks; return the exit status."""
    choices = choices_of(words)

    async def whole(manager: ManagerClient) -> list[Row]:
        return [await manager.task(row["id"]) for row in await selected(manager, choices)]

    rows = ask(where, whole)
    if not rows:
        tell("no task is open")
    for at, row in enumerate(rows):
        if where.as_json:
            emit(shapes.Task, row)
        else:
            click.echo("\n".join([*([""] if at else []), *facts(row, time.time())]))
    return 0


def progress_cells(row: Row) -> tuple[str, str, str]:
    """Return how far a task is: done of all, rate, time left."""
    eta = row.get("eta_s")
    rate = f"{row['rate']:.1f}/s" if row["rate"] else "-"
    return f"{row['done']}/{row['total']}", rate, "-" if eta is None else time_text(eta)


def _cells(row: Row, now: float) -> tuple[str, ...]:
    done, rate, eta = progress_cells(row)
    number, age = str(row["number"]), ago(now - row["created_at"])
    return number, row["id"], row["state"], done, str(row["failed"]), rate, eta, age, printable(row["name"])


def facts(row: Row, now: float) -> Iterator[str]:
    """Yield what a person reads of a task."""
    done, rate, eta = progress_cells(row)
    unit, age = row["workunit"], ago(now - row["created_at"])
    yield f"task {row['number']}  {printable(row['name'])}"
    yield f"  id        {row['id']}"
    yield f"  state     {row['state']}" + (f", {eta} left" if eta != "-" else "")
    yield f"  progress  {done} done, {row['failed']} failed, {row['leased']} handed out, {rate}"
    yield f"  made      {age} ago" + (f", over {ago(now - row['finished_at'])} ago" if row["finished_at"] else "")
    yield f"  code      {unit['language']}, {unit['runtime']}, {unit['bytes']} bytes, SHA-256 {unit['sha256']}"
    if row["tags"]:
        yield f"  tags      {', '.join(map(printable, row['tags']))}"
    for line in row.get("description", "").splitlines():
        yield f"  about     {printable(line)}"
    if "payloads" in row:
        yield f"  payloads  {_short(row['payloads'])}"
    yield f"  policy    {_short(row['policy'])}"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(text)} characters)"
