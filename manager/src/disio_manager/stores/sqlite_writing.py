"""Changes to rows of SQLite, one transaction a group.

Rule: runs in the one writer thread only; columns go in by executemany, and a repeated group leaves the same rows.
"""

from collections.abc import Sequence
from itertools import repeat

import apsw
import msgspec

from disio_manager.core import changes
from disio_manager.core.changes import Change
from disio_manager.core.records import StretchRecord
from disio_manager.stores import sqlite_segments, sqlite_tries, sqlite_votes
from disio_manager.stores.assembling import with_matching
from disio_manager.stores.blob_files import BlobFiles
from disio_manager.stores.sqlite_journal import Arrivals
from disio_manager.stores.sqlite_reading import DECIDED, read_task_row

MAX_REMEMBERED = 20_000
"""Task numbers and origins kept in memory."""
TABLES = ("blocks", "results", "matches", "failures", "votes", "segments", "snapshots", "history", *sqlite_tries.TABLES)
"""Whose rows go with their task."""
BLOB_OF = "SELECT sha256 FROM blob_tasks WHERE task = ?"
_encoder = msgspec.msgpack.Encoder()


class Writer:
    """Applies changes over one connection."""

    def __init__(self, connection: apsw.Connection, blobs: BlobFiles) -> None:
        self._connection, self._blobs = connection, blobs
        self._arrivals = Arrivals(connection)
        self._spare: set[str] = set()
        """Blobs of tasks that the present group deletes."""
        self._numbers: dict[str, int] = {}
        self._origins: dict[tuple[str, str], int] = {}

    def commit(self, group: Sequence[Change]) -> None:
        """Apply a group of changes in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._apply(_without_overwritten(group))
            self._arrivals.finish()
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk ends the transaction by itself. What was remembered may come from rows that are gone now.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._numbers.clear()
            self._origins.clear()
            self._spare.clear()
            self._arrivals.forget()
            raise
        self._drop_blobs()

    def drop_decided_failures(self, tasks: Sequence[str]) -> None:
        """Remove quarantined payloads that have a result."""
        with self._connection:
            for task in tasks:
                query = f"DELETE FROM failures WHERE task = ? AND {DECIDED}"
                self._connection.execute(query, (self._number(task),))

    def _apply(self, group: Sequence[Change]) -> None:
        for change in group:
            match change:
                case changes.AddResults():
                    self._add_results(change)
                case changes.PutTask():
                    self._put_task(change)
                case changes.PutStretch():
                    self._put_stretch(change.record)
                case changes.PutBlock():
                    self._put_block(change)
                case changes.DropBlock():
                    self._connection.execute("DELETE FROM blocks WHERE id = ?", (change.block,))
                case _:
                    self._apply_rare(change)

    def _apply_rare(self, change: Change) -> None:
        match change:
            case changes.AddFailures():
                self._add_failures(change)
            case changes.AddVotes():
                sqlite_votes.add(self._connection, self._number(change.task), change)
            case changes.AddTries():
                sqlite_tries.add(self._connection, self._number(change.task), change)
            case changes.DropFailures():
                self._drop_failures(change)
            case changes.DeleteTask():
                self._delete_task(change.task)
            case changes.AddSegments():
                sqlite_segments.add(self._connection, change.number, change.segments)
            case changes.AddForeign():
                self._apply([self._judged(change.rows)])
            case _:
                self._apply_to_fleet(change)

    def _apply_to_fleet(self, change: Change) -> None:
        if isinstance(change, changes.PutDistributor):
            row = (change.record.id, _encoder.encode(change.record))
            self._connection.execute("INSERT OR REPLACE INTO distributors VALUES (?, ?)", row)
        elif isinstance(change, changes.DropDistributor):
            self._connection.execute("DELETE FROM distributors WHERE id = ?", (change.distributor,))

    def _add_results(self, change: changes.AddResults) -> None:
        number = self._number(change.task)
        if number is None:
            return
        origins = [self._origin(client, change.distributor) for client in change.clients]
        before = self._connection.total_changes()
        self._connection.executemany(
            "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?)",
            zip(
                repeat(number),
                change.indexes,
                change.values,
                change.seconds,
                [origins[by] for by in change.by],
                repeat(round(change.at * 1000)),
                strict=False,
            ),
        )
        self._arrivals.note_results(number, change.indexes, self._connection.total_changes() - before)
        if change.matching:
            self._add_matches(number, change)

    def _add_matches(self, number: int, change: changes.AddResults) -> None:
        """Note which of the results that are there now satisfy the task's condition."""
        found = set(change.matching)
        pairs = zip(change.indexes, change.values, strict=True)
        self._connection.executemany(
            "INSERT OR IGNORE INTO matches SELECT task, idx FROM results WHERE task = ? AND idx = ? AND value = ?",
            [(number, index, value) for index, value in pairs if index in found],
        )

    def _judged(self, rows: changes.AddResults | changes.AddFailures) -> changes.AddResults | changes.AddFailures:
        """Return rows that another manager was sent with what satisfies the task's condition."""
        if isinstance(rows, changes.AddFailures):
            return rows
        record = read_task_row(self._connection, rows.task)
        return rows if record is None else with_matching(rows, record.policy.stop_when)

    def _add_failures(self, change: changes.AddFailures) -> None:
        number = self._number(change.task)
        if number is None:
            return
        texts, before = map(_encoder.encode, change.errors), self._connection.total_changes()
        self._connection.executemany(
            "INSERT OR IGNORE INTO failures SELECT ?1, ?2, ?3, ?4 "
            "WHERE NOT EXISTS (SELECT 1 FROM results WHERE task = ?1 AND idx = ?2)",
            zip(repeat(number), change.indexes, texts, repeat(round(change.at * 1000)), strict=False),
        )
        self._arrivals.note_failures(number, change.indexes, self._connection.total_changes() - before)

    def _drop_failures(self, change: changes.DropFailures) -> None:
        number = self._number(change.task)
        rows = ((number, start, stop) for start, stop in change.runs)
        self._connection.executemany("DELETE FROM failures WHERE task = ? AND idx >= ? AND idx < ?", rows)

    def _put_task(self, change: changes.PutTask) -> None:
        record = change.record
        search = "\n".join([record.name, *record.tags]).casefold()
        body = _encoder.encode(msgspec.structs.replace(record, payloads=b"", done=0, failed=0, matched=0))
        if change.was:
            query = "UPDATE tasks SET state = ?, search = ?, record = ?, finished_at = ? WHERE id = ?"
            self._connection.execute(query, (record.state, search, body, record.finished_at, record.id))
            return
        self._connection.execute(
            "INSERT INTO tasks (number, id, state, search, record, created_at, finished_at, total, owner) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, "
            "search = excluded.search, record = excluded.record, finished_at = excluded.finished_at",
            (
                record.number,
                record.id,
                record.state,
                search,
                body,
                record.created_at,
                record.finished_at,
                record.total,
                record.owner,
            ),
        )
        # Payloads may be many megabytes and never change: they are written once.
        self._connection.execute("INSERT OR IGNORE INTO task_payloads VALUES (?, ?)", (record.number, record.payloads))
        if record.blob:
            query = "INSERT OR IGNORE INTO blob_tasks VALUES (?, ?)"
            self._connection.execute(query, (record.number, record.blob))
        self._remember_number(record.id, record.number)

    def _drop_blobs(self) -> None:
        """Remove blobs that no task names any more; nothing is written meanwhile."""
        for sha256 in self._spare:
            if not self._connection.execute("SELECT count(*) FROM blob_tasks WHERE sha256 = ?", (sha256,)).get:
                self._blobs.drop(sha256)
        self._spare.clear()

    def _put_stretch(self, record: StretchRecord) -> None:
        counters = (record.frontier, record.done, record.failed, record.leased, record.retries, record.matched)
        query = (
            "UPDATE tasks SET frontier = ?, done = ?, failed = ?, leased = ?, retries = ?, matched = ?, total = ? "
            "WHERE id = ?"
        )
        self._connection.execute(query, (*counters, record.stop, record.task))

    def _put_block(self, change: changes.PutBlock) -> None:
        record = change.record
        number = self._number(record.task)
        if number is None:
            return
        row = (record.id, number, record.start, record.stop, record.lease, record.holder)
        self._connection.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?)", row)

    def _delete_task(self, task: str) -> None:
        number = self._number(task)
        if number is None:
            return
        self._spare.update(sha256 for (sha256,) in self._connection.execute(BLOB_OF, (number,)))
        for table in (*TABLES, "task_payloads", "blob_tasks"):
            self._connection.execute(f"DELETE FROM {table} WHERE task = ?", (number,))
        self._arrivals.drop(number)
        self._connection.execute("DELETE FROM tasks WHERE number = ?", (number,))
        del self._numbers[task]

    def _number(self, task: str) -> int | None:
        """Return a task's number; results of a task that was deleted meanwhile go nowhere."""
        known = self._numbers.get(task)
        if known is None:
            known = self._connection.execute("SELECT number FROM tasks WHERE id = ?", (task,)).get
            if known is not None:
                self._remember_number(task, known)
        return known

    def _remember_number(self, task: str, number: int) -> None:
        if len(self._numbers) >= MAX_REMEMBERED:
            self._numbers.clear()
        self._numbers[task] = number

    def _origin(self, client: str, distributor: str) -> int:
        """Return the number of a client at a distributor; result rows hold the number only."""
        key = (client, distributor)
        known = self._origins.get(key)
        if known is None:
            self._connection.execute("INSERT OR IGNORE INTO origins (client, distributor) VALUES (?, ?)", key)
            query = "SELECT number FROM origins WHERE client = ? AND distributor = ?"
            known = int(self._connection.execute(query, key).get)
            if len(self._origins) >= MAX_REMEMBERED:
                self._origins.clear()
            self._origins[key] = known
        return known


def _without_overwritten(group: Sequence[Change]) -> list[Change]:
    """Drop rows of tasks and stretches that a later one of the same group replaces.

    The first row of a task stays where other rows are to refer to it.
    """
    last: dict[tuple[type[Change], str], int] = {}
    first: set[int] = set()
    for at, change in enumerate(group):
        if isinstance(change, changes.PutTask):
            if (changes.PutTask, change.record.id) not in last:
                first.add(at)
            last[changes.PutTask, change.record.id] = at
        elif isinstance(change, changes.PutStretch):
            last[changes.PutStretch, change.record.task] = at
        elif isinstance(change, changes.DeleteTask):
            last.pop((changes.PutTask, change.task), None)
    kept = first | set(last.values())
    replaced = changes.PutTask | changes.PutStretch
    return [change for at, change in enumerate(group) if not isinstance(change, replaced) or at in kept]
