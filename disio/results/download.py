"""A task's results into a file, or to stdout.

Rule: a download that was broken off, however, goes on where it was; no result is written twice or left out.
"""

import asyncio
import contextlib
import errno
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from disio.finishing import to_its_end
from disio.patience import Patience
from disio.rest import ManagerClient, ResultLine
from disio.results.provenance import write_provenance
from disio.results.sinks import PLAIN, Plain, Sink, Writer
from disio.results.state import Places, State, held, places_of, recall, remember
from disio.submitting.following import Follower
from disio.submitting.gaps import AsTheyCome, InOrder, Wanted
from disio.submitting.outputs import CHOOSE_ANOTHER, OutputProblem
from disio.submitting.progress import Screen
from disio_shared.errors import ConfigError
from disio_shared.ranges import RangeSet, runs_of

BEYOND = 10**12
"""An index that no task has: those that are growing have no end yet."""
SAVE_S, SAVE_ROWS, SAVE_BYTES = 1.0, 100_000, 64 << 20
"""After these something is saved."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    task: str
    format: str
    out: Path | None
    """None = stdout."""
    start: int
    stop: int
    is_ordered: bool
    is_followed: bool
    is_resumed: bool
    patience_s: float
    is_matched: bool = False
    """What the task searches for, and nothing else."""


class Outcome(msgspec.Struct, kw_only=True):
    """What became of it; with ``--json`` its fields are the object on stdout."""

    task: str
    state: str
    format: str
    out: str
    rows: int
    failed: int
    provenance: str


class Stdout:
    """Results on stdout, as plain lines."""

    def __init__(self, kind: str) -> None:
        if sys.stdout is None:  # as with >&-
            raise OutputProblem(Path("stdout"), OSError(errno.EBADF, os.strerror(errno.EBADF)), CHOOSE_ANOTHER)
        self._writer = Writer(kind, [])
        self.columns: list[str] = []

    def write(self, rows: list[ResultLine]) -> None:
        """Write lines.

        Raises:
            OutputProblem: They cannot be written.
            BrokenPipeError: Nobody reads them any more.
        """
        try:
            sys.stdout.buffer.write(self._writer.encode(rows))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputProblem(Path("stdout"), error, CHOOSE_ANOTHER) from error

    def save(self) -> int:
        """Do nothing: what was written is gone."""
        return 0

    def finish(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Download:
    """One download.

    Args:
        order: What is asked for.
        manager: Has the task.
        screen: Where a person reads.
    """

    def __init__(self, order: Order, manager: ManagerClient, screen: Screen) -> None:
        self._order, self._manager, self._screen = order, manager, screen
        self._patience = Patience(order.patience_s, screen.say)
        self._places: Places | None = None if order.out is None else places_of(order.out)
        self._wanted: Wanted
        self._left: RangeSet
        """The indexes that were not handed to the sink."""
        self._follower: Follower | None = None
        self._state: State
        self._sink: Sink
        self._saved_at, self._rows, self._bytes = time.monotonic(), 0, 0

    async def run(self) -> Outcome:
        """Fetch results; return what became of it.

        Raises:
            DisioError: The task is gone, the manager is away for too long, or the file cannot be written.
        """
        with contextlib.nullcontext() if self._places is None else held(self._places):
            return await self._run()

    async def _run(self) -> Outcome:
        order = self._order
        task = await self._patience.ask(lambda: self._manager.task(order.task))
        if order.is_matched and not task["policy"].get("stop_when"):
            raise ConfigError("--matched", f"task {task['number']} searches for nothing", "leave it out")
        await self._open(task["total"])
        try:
            seen = await self._fetch(task)
        except BaseException:
            self._give_up()
            raise
        await to_its_end(asyncio.to_thread(self._finish))
        if self._places is not None:
            await self._note_origin(self._places)
        return self._outcome(seen)

    async def _note_origin(self, places: Places) -> None:
        await self._patience.ask(lambda: write_provenance(self._manager, places, self._state))
        places.state.unlink(missing_ok=True)

    async def _fetch(self, task: dict[str, Any]) -> dict[str, Any]:
        """Take results; return the task as it is then."""
        order = self._order
        follower = Follower(self._manager, order.task, self._wanted, self._take, self._screen, self._patience)
        follower.taken, follower.is_partial, follower.is_matched = self._state.rows, True, order.is_matched
        is_whole = (order.start, order.stop) == (0, BEYOND) and not order.is_matched
        is_as_it_comes = is_whole and order.is_followed and not self._state.is_ordered
        follower.cursor = self._state.cursor if is_as_it_comes else None
        self._follower = follower
        if not order.is_followed:
            await follower.take_what_is_there()
            return task
        seen = await follower.follow()
        self._screen.rest(order.task)
        return seen

    async def _open(self, total: int) -> None:
        """Go on where an earlier download was, or begin."""
        order = self._order
        state = fresh = State(
            cluster="" if self._places is None else await self._patience.ask(self._manager.cluster),
            task=order.task,
            format=order.format,
            start=order.start,
            stop=order.stop,
            is_ordered=order.is_ordered and order.is_followed,
            is_matched=order.is_matched,
            left=[(order.start, order.stop)],
        )
        if self._places is not None and order.is_resumed:
            known = recall(self._places, fresh)
            if known is None:
                self._screen.say("nothing was begun there: starting")
            else:
                self._screen.say(f"going on after {known.rows} results")
                state = known
        start = state.left[0][0] if state.left else order.stop
        self._wanted = InOrder(order.stop, start) if state.is_ordered else AsTheyCome(order.stop, left=state.left)
        self._left = RangeSet(state.left)
        self._state, self._sink = state, self._make_sink(state, total)

    def _make_sink(self, state: State, total: int) -> Sink:
        kind, places = state.format, self._places
        if places is None:
            if kind not in PLAIN:
                raise ConfigError("--out", f"{kind} needs a file", "name one")
            return Stdout(kind)
        if kind not in PLAIN:
            return _large_sink(state, places, total)
        return Plain(places.path, places.part, kind, state.mark, state.columns)

    async def _take(self, batch: list[ResultLine]) -> None:
        if self._places is None:
            self._put(batch)
        else:  # what was written is counted too, even if that is the end
            await to_its_end(asyncio.to_thread(self._put, batch))

    def _put(self, batch: list[ResultLine]) -> None:
        """Write results and note them; now and then bring them to the disk."""
        self._sink.write(batch)
        if self._state.is_ordered:
            self._left = RangeSet([(batch[-1].i + 1, self._order.stop)])
        self._left.remove_all(runs_of([found.i for found in batch]))
        self._state.clients.count(found.client for found in batch)
        self._state.rows += len(batch)
        self._rows += len(batch)
        self._bytes += sum(len(found.line) for found in batch)
        is_due = time.monotonic() - self._saved_at >= SAVE_S or self._rows >= SAVE_ROWS or self._bytes >= SAVE_BYTES
        if is_due and self._places is not None:
            self._save()

    def _save(self) -> None:
        """Bring everything to the disk, and then the note of it."""
        assert self._places is not None, "there is nothing to save of stdout"
        self._state.mark = self._sink.save()
        self._state.left, self._state.columns = self._left.runs(), self._sink.columns
        self._state.cursor = None if self._follower is None else self._follower.cursor
        remember(self._places, self._state)
        self._saved_at, self._rows, self._bytes = time.monotonic(), 0, 0

    def _give_up(self) -> None:
        """Keep what was fetched."""
        try:
            if self._places is not None:
                self._save()
        finally:
            self._sink.close()

    def _finish(self) -> None:
        if self._places is not None:
            self._save()
        self._sink.finish()

    def _outcome(self, seen: dict[str, Any]) -> Outcome:
        return Outcome(
            task=seen["id"],
            state=seen["state"],
            format=self._order.format,
            out=str(self._order.out or "-"),
            rows=self._state.rows,
            failed=seen["failed"],
            provenance="" if self._places is None else str(self._places.provenance),
        )


def _large_sink(state: State, places: Places, total: int) -> Sink:
    """Return a sink that is no plain file; what it takes is imported only now."""
    if state.format == "dir":
        from disio.results.folder import Folder

        return Folder(places.path, total)
    if state.format == "parquet":
        from disio.results.parquet import Parquet

        return Parquet(places.path, places.part, state.mark)
    from disio.results.database import Database

    return Database(places.path, places.part, is_new=not state.mark)
