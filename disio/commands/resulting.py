"""What ``disio results`` makes of its options.

Rule: options that make no sense together are refused before the manager is asked.
"""

import asyncio
import os
import sys
from pathlib import Path

import click
import msgspec

from disio import shapes
from disio.commands.asking import FAILURE, manager_of
from disio.locating import Where
from disio.printing import emit
from disio.rest import ManagerClient
from disio.results.download import BEYOND, Download, Order, Outcome
from disio.results.sinks import ENDINGS, PLAIN
from disio.selecting import choices_of, one_selected
from disio.submitting.progress import Screen
from disio.submitting.reporting import Report
from disio_shared.errors import ConfigError, DisioError
from disio_shared.starting import INTERRUPTED
from disio_shared.taskdoc import OPEN_STATES

PAGE = 500


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The command line."""

    word: str
    kind: str | None
    out: Path | None
    follow: bool
    ordered: bool
    resume: bool
    start: int
    limit: int | None
    failures: bool
    matched: bool
    patience: float


def write_results(where: Where, wish: Wish) -> int:
    """Write results, or failures; return the exit status.

    Raises:
        ConfigError: The options make no sense together.
        DisioError: There is no such task, the manager is away, or the file cannot be written.
    """
    choices_of([wish.word])
    kind = _kind(where, wish)
    client = manager_of(where)

    async def attend(screen: Screen) -> Outcome | None:
        async with client as manager:
            row = await one_selected(manager, wish.word)
            if wish.failures:
                await _print_failures(manager, str(row["id"]), wish)
                return None
            return await Download(_order(wish, kind, str(row["id"])), manager, screen).run()

    with Screen() as screen:
        try:
            outcome = asyncio.run(attend(screen))
        except KeyboardInterrupt:
            screen.say(_way_back(wish))
            return INTERRUPTED
        except BrokenPipeError:  # as with | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILURE
        except DisioError as error:
            if error.retryable:
                screen.say(_way_back(wish))
            raise
        return 0 if outcome is None else _told(where, wish, outcome, screen)


def _way_back(wish: Wish) -> str:
    if wish.out is None:
        return f"stopped; come back with: disio results {wish.word}" + (" --follow" if wish.follow else "")
    return "stopped; what was fetched is kept: run the same command again with --resume to go on"


def _told(where: Where, wish: Wish, outcome: Outcome, screen: Screen) -> int:
    is_over = outcome.state not in OPEN_STATES
    failed = f", {outcome.failed} failed" if outcome.failed else ""
    rest = "" if is_over else f"; the task is {outcome.state}: --follow waits for the rest"
    place = "" if wish.out is None else f" in {wish.out}, their provenance in {outcome.provenance}"
    screen.say(f"{outcome.rows} results{place}{failed}{rest}")
    if where.as_json and wish.out is not None:
        emit(shapes.Downloaded, outcome)
    return Report(state=outcome.state, failed=outcome.failed).status() if wish.follow and is_over else 0


def _kind(where: Where, wish: Wish) -> str:
    """Return the format that is meant.

    Raises:
        ConfigError: The options make no sense together.
    """
    by_name = "" if wish.out is None else ENDINGS.get(wish.out.suffix.lower(), "")
    kind = wish.kind or by_name or "ndjson"
    if wish.ordered and not wish.follow:
        raise ConfigError("--ordered", "goes with --follow", "what is there is written in index order anyway")
    if wish.matched and (wish.ordered or wish.failures):
        raise ConfigError("--matched", "goes with neither --ordered nor --failures", "leave one of them out")
    if wish.failures and (wish.kind or wish.out or wish.follow or wish.resume):
        raise ConfigError("--failures", "goes to stdout, as NDJSON", "leave the other options out")
    if wish.out is None:
        _check_stdout(where, wish, kind)
    else:
        _check_place(wish.out, kind)
    if kind == "parquet":
        from disio.results.parquet import arrow

        arrow()
    return kind


def _check_stdout(where: Where, wish: Wish, kind: str) -> None:
    if kind not in PLAIN:
        raise ConfigError("--format", f"{kind} needs --out", "name a file, or a directory for dir")
    if wish.resume:
        raise ConfigError("--resume", "goes with --out", "name the file that was begun")
    if where.as_json and kind != "ndjson":
        raise ConfigError("--json", f"is NDJSON on stdout, not {kind}", "leave one of them out")


def _check_place(out: Path, kind: str) -> None:
    if kind != "dir" and out.is_dir():
        raise ConfigError("--out", f"{out} is a directory", "name a file, or give --format dir")
    if out.exists() and not (out.is_file() or out.is_dir()):
        raise ConfigError("--out", f"{out} is no regular file", "write to stdout instead: > FILE")


def _order(wish: Wish, kind: str, task: str) -> Order:
    return Order(
        task=task,
        format=kind,
        out=wish.out,
        start=wish.start,
        stop=BEYOND if wish.limit is None else min(BEYOND, wish.start + wish.limit),
        is_ordered=wish.ordered,
        is_followed=wish.follow,
        is_resumed=wish.resume,
        patience_s=wish.patience,
        is_matched=wish.matched,
    )


async def _print_failures(manager: ManagerClient, task: str, wish: Wish) -> None:
    start, left = wish.start, wish.limit
    while left is None or left > 0:
        items = await manager.failures(task, start, PAGE if left is None else min(PAGE, left))
        if not items:
            return
        for item in items:
            click.echo(msgspec.json.encode(item))
        start, left = items[-1]["i"] + 1, None if left is None else left - len(items)
