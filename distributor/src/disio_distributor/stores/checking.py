"""What must be true of a cache's rows while no distributor runs: ``disio check`` reads a file and names what is not.

Rule: reads rows as they are written and changes nothing; results are read one entry at a time, so an outbox of any
size costs no memory.
"""

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from disio_distributor.core.columns import Columns, columns_of, head_of
from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, OutboxEntry, OutboxHead
from disio_distributor.stores.bodies import unpack
from disio_shared.errors import StoreUnavailable
from disio_shared.messages import FailureColumns
from disio_shared.ranges import RangeSet, Run
from disio_shared.sqlite_errors import sqlite_unavailable

KEY_BYTES = 32
DELIVERED = " (managers are given it all the same)"
BAD_BODY = (msgspec.DecodeError, UnicodeDecodeError, zlib.error)
RecordT = TypeVar("RecordT")


def problems(path: Path) -> Iterator[str]:
    """Yield what is wrong with the cache in a file, one sentence each.

    Raises:
        StoreUnavailable: It is not there, not a cache of this version, damaged as a whole, or in use.
    """
    if not path.is_file():
        raise StoreUnavailable(str(path), "is not there", "name its directory with --data-dir")
    connection: apsw.Connection | None = None
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.execute("BEGIN")
        if not any(column == "head" for _, column, *_ in connection.execute("PRAGMA table_info(outbox)")):
            raise StoreUnavailable(str(path), "is no cache of this version", "start its distributor once, then stop it")
        yield from _Check(connection).run()
    except (apsw.Error, OSError) as error:
        raise sqlite_unavailable(str(path), error) from error
    finally:
        if connection is not None:
            connection.close(True)


class _Check:
    """Checks one cache."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._rows = connection.execute
        self._tasks: dict[str, HeldTask] = {}
        self._held: dict[str, RangeSet] = defaultdict(RangeSet)
        """Task to what its blocks span."""
        self._waiting: dict[str, RangeSet] = defaultdict(RangeSet)
        """Task to what the outbox has a result or a failure of."""
        self._worked_on: set[str] = set()
        """Tasks that clients have run units of."""

    def run(self) -> Iterator[str]:
        yield from self._identity()
        yield from self._held_tasks()
        yield from self._blocks()
        yield from self._outbox()
        yield from self._attempts()
        yield from self._checkpoints()
        yield from self._workunits()

    def _identity(self) -> Iterator[str]:
        meta = dict(self._rows("SELECT key, value FROM meta"))
        if not meta.get("distributor_id"):
            yield "the distributor's id is not there"
        if len(meta.get("token_key", b"")) != KEY_BYTES:
            yield "the key that authenticates assignments is not there: what clients hold will not be recognised"

    def _held_tasks(self) -> Iterator[str]:
        for name, body in self._rows("SELECT task, body FROM tasks ORDER BY rowid"):
            held = _decoded(body, HeldTask)
            if held is None:
                yield f"task {name}: its row does not decode"
            elif held.manifest.task != name:
                yield f"task {name}: its row is of task {held.manifest.task}"
            else:
                self._tasks[name] = held

    # Blocks

    def _blocks(self) -> Iterator[str]:
        query = (
            "SELECT b.block, b.task, b.body, p.body FROM blocks b LEFT JOIN block_payloads p ON p.block = b.block "
            "ORDER BY b.rowid"
        )
        for name, task, body, payloads in self._rows(query):
            block = _decoded(body, HeldBlock)
            if block is None or (block.block, block.task) != (name, task):
                yield f"task {task}: block {name}: its row {'does not decode' if block is None else 'is of another'}"
                continue
            for problem in self._block(block, payloads):
                yield f"task {task}: block {name} of payloads {_named((block.start, block.stop))} {problem}"
        lost = "SELECT block FROM block_payloads WHERE block NOT IN (SELECT block FROM blocks) ORDER BY block"
        for (name,) in self._rows(lost):
            yield f"payloads are kept for block {name}, which is not here"

    def _block(self, block: HeldBlock, payloads: bytes | None) -> Iterator[str]:
        if not 0 <= block.start < block.stop:
            yield "is empty"
            return
        held = self._held[block.task]
        if held.within(block.start, block.stop):
            yield "overlaps another block"
        held.add(block.start, block.stop)
        if any(not block.start <= start < stop <= block.stop for start, stop in block.done):
            yield "counts payloads outside of it as done"
        task = self._tasks.get(block.task)
        if task is None:
            yield "belongs to a task that is not here"
            return
        if task.cluster != block.cluster:
            yield f"is of cluster {block.cluster}, its task of {task.cluster}"
        if not task.manifest.payloads:
            values = None if payloads is None else _decoded(payloads, list[bytes])
            if values is None or len(values) != block.stop - block.start:
                yield "lacks its payloads"

    def _workunits(self) -> Iterator[str]:
        known = set()
        for sha256, code in self._rows("SELECT sha256, code FROM workunits"):
            known.add(sha256)
            if hashlib.sha256(code).hexdigest() != sha256:
                yield f"work unit {sha256} is damaged: its bytes have another SHA-256"
        for name, held in self._tasks.items():
            # Nobody has run it yet: its code may just not have come.
            if name in self._held and name in self._worked_on and held.manifest.workunit not in known:
                yield f"task {name}: its work unit {held.manifest.workunit} is not here"

    # The outbox

    def _outbox(self) -> Iterator[str]:
        for number, head, body in self._rows("SELECT id, head, body FROM outbox ORDER BY id"):
            for problem in self._entry(number, _decoded(head, OutboxHead), _entry_of(body)):
                yield f"outbox entry {number}: {problem}"

    def _entry(self, number: int, head: OutboxHead | None, entry: OutboxEntry | None) -> Iterator[str]:
        if head is None:
            yield "its head does not decode"
        else:
            yield from self._place(head)
        columns = None if entry is None else columns_of(entry)
        if entry is None or columns is None:
            yield (
                "its body does not decode"
                if entry is None
                else "it does not hold exactly one of results, failures, votes"
            )
            return
        if not _is_even(columns):
            yield "its columns are not equally long"
        elif head is not None:
            yield from _disagreements(number, head, entry)

    def _place(self, head: OutboxHead) -> Iterator[str]:
        self._worked_on.add(head.task)
        task = self._tasks.get(head.task)
        if task is None:
            has = f"of which it has payloads {_all_named(head.runs)}"
            yield f"it is an orphan: task {head.task}, {has}, is not here{DELIVERED}"
        elif task.cluster != head.cluster:
            yield f"it is of cluster {head.cluster}, its task {head.task} of {task.cluster}"
        if head.kind == "votes":
            return
        waiting = self._waiting[head.task]
        twice = [part for run in head.runs for part in waiting.within(*run)]
        if twice:
            yield f"payloads {_all_named(twice)} of task {head.task} wait in an earlier entry already"
        waiting.add_all(head.runs)

    # What is kept of single payloads

    def _attempts(self) -> Iterator[str]:
        for task, index, number, body in self._rows("SELECT task, idx, number, body FROM attempts"):
            self._worked_on.add(task)
            attempt = _decoded(body, Attempt)
            if attempt is None or (attempt.task, attempt.index, attempt.number) != (task, index, number):
                wrong = "does not decode" if attempt is None else "is of another"
                yield f"task {task}: try {number} of payload {index}: its row {wrong}"
            elif index not in self._held.get(task, ()):
                yield f"task {task}: try {number} of payload {index} is kept, but no block with it is held"

    def _checkpoints(self) -> Iterator[str]:
        for task, index in self._rows("SELECT task, idx FROM checkpoints ORDER BY task, idx"):
            self._worked_on.add(task)
            if index not in self._held.get(task, ()):
                yield f"task {task}: a saved state of payload {index} is kept, but no block with it is held"


def _disagreements(number: int, head: OutboxHead, entry: OutboxEntry) -> Iterator[str]:
    """Tell in what a head differs from its entry."""
    said, true = head, head_of(entry, head.manager)
    for name in ("cluster", "task", "kind", "client"):
        if getattr(said, name) != getattr(true, name):
            yield f"its head says {name} {getattr(said, name)!r}, its body {getattr(true, name)!r}"
    if {said.id, true.id} != {number}:
        yield f"its head says it is entry {said.id}, its body {true.id}"
    if RangeSet(said.runs).runs() != RangeSet(true.runs).runs():
        yield f"its head says payloads {_all_named(said.runs)}, its body {_all_named(true.runs)}"


def _entry_of(body: bytes) -> OutboxEntry | None:
    try:
        return unpack(body)
    except BAD_BODY:
        return None


def _decoded(body: bytes, kind: type[RecordT]) -> RecordT | None:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except BAD_BODY:
        return None


def _is_even(columns: Columns) -> bool:
    """Tell whether each index has its value, time and client."""
    many = len(columns.indexes)
    if isinstance(columns, FailureColumns):
        return len(columns.errors) == many
    lists: list[list[Any]] = [columns.values, columns.seconds, columns.by]
    return all(len(each) == many for each in lists) and all(0 <= by < len(columns.clients) for by in columns.by)


def _all_named(runs: list[Run]) -> str:
    return ", ".join(map(_named, RangeSet(runs).runs()[:5])) + (" and more" if len(runs) > 5 else "")


def _named(run: Run) -> str:
    start, stop = run
    return str(start) if stop - start == 1 else f"{start} to {stop - 1}"
