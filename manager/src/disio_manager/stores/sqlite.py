"""The embedded store: one SQLite file, one writer thread, one reading thread.

Rule: a commit returns after fsync (WAL, ``synchronous=FULL``); one manager at a time owns the file, held by a lock
that ends with the process.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from disio_manager.core.changes import Change
from disio_manager.core.records import DistributorRecord, LoadedTask, Look, SharedTask, StretchRecord, TaskRecord
from disio_manager.stores import sqlite_checking as checking
from disio_manager.stores import sqlite_reading as reading
from disio_manager.stores import sqlite_room, sqlite_schema, sqlite_votes
from disio_manager.stores.base import (
    TOKEN_KEY_BYTES,
    FailureRow,
    IndexedRows,
    ManagerEntry,
    ResultRow,
    StoredBlock,
    TaskPage,
    VoteRow,
)
from disio_manager.stores.blob_files import BlobFiles
from disio_manager.stores.finding import newest
from disio_manager.stores.sqlite_audit import SqliteAudit
from disio_manager.stores.sqlite_finding import SqliteFinding
from disio_manager.stores.sqlite_history import SqliteHistory
from disio_manager.stores.sqlite_journal import SqliteJournal
from disio_manager.stores.sqlite_keys import SqliteKeys
from disio_manager.stores.sqlite_origins import SqliteOrigins
from disio_manager.stores.sqlite_people import SqlitePeople
from disio_manager.stores.sqlite_segments import SqliteSegments
from disio_manager.stores.sqlite_sites import SqliteSites
from disio_manager.stores.sqlite_snapshots import SqliteSnapshots
from disio_manager.stores.sqlite_tries import SqliteTries
from disio_manager.stores.sqlite_versioned import SqliteDocuments
from disio_manager.stores.sqlite_writing import Writer
from disio_shared.errors import StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.ranges import Run
from disio_shared.sqlite_errors import sqlite_unavailable

BUSY_MS = 5_000
READ_WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
ValueT = TypeVar("ValueT")


class SqliteStore:
    """ManagerStore over a file."""

    is_shared = False

    def __init__(
        self, path: Path, manager: str, lock: apsw.Connection, write: apsw.Connection, read: apsw.Connection
    ) -> None:
        self._path, self._manager = path, manager
        self._lock, self._write, self._read = lock, write, read
        self.blobs = BlobFiles(_blob_folder(path), self._named_blobs, is_reader=not manager)
        self.journal, self.keys = SqliteJournal(read, self._reading), SqliteKeys(write, self._writing)
        self.segments = SqliteSegments(write, read, self._writing, self._reading)
        self.origins = SqliteOrigins(read, self._reading)
        self.tries = SqliteTries(read, self._reading)
        self.snapshots = SqliteSnapshots(write, self._writing, read, self._reading)
        self.people = SqlitePeople(write, self._writing, read, self._reading)
        self.audit = SqliteAudit(write, self._writing, read, self._reading)
        self.sites = SqliteSites(write, self._writing, read, self._reading)
        self.documents = SqliteDocuments(write, self._writing, read, self._reading)
        self.history = SqliteHistory(manager, write, self._writing, read, self._reading)
        self.finding = SqliteFinding(read, self._reading)
        self._writer = Writer(write, self.blobs)
        self._write_thread = ThreadPoolExecutor(1, "manager-db-write")
        self._read_thread = ThreadPoolExecutor(1, "manager-db-read")

    @classmethod
    async def open(cls, path: Path, manager: str) -> "SqliteStore":
        """Open a database file for a manager, or make it; for a reader (``""``) it must be there.

        Raises:
            StoreUnavailable: It cannot be written, is another program's, is newer, or another manager has it.
        """
        return await asyncio.to_thread(cls._open, path, manager)

    @classmethod
    def _open(cls, path: Path, manager: str) -> "SqliteStore":
        opened: list[apsw.Connection] = []
        try:
            if manager:
                path.parent.mkdir(parents=True, exist_ok=True)
            elif not path.is_file():
                raise StoreUnavailable(str(path), "is not there", "name the database with --db or --data-dir")
            opened.append(_take_lock(path))
            opened.append(_connect(path, READ_WRITE if manager else apsw.SQLITE_OPEN_READONLY))
            problem = sqlite_schema.version_problem(opened[-1], is_reader=not manager)
            if problem:
                raise StoreUnavailable(str(path), *problem)
            if manager:
                sqlite_schema.prepare(opened[-1])
            opened.append(_connect(path, apsw.SQLITE_OPEN_READONLY))
        except (OSError, apsw.Error, StoreUnavailable) as error:
            for connection in opened:
                connection.close()
            raise sqlite_unavailable(str(path), error) from error
        store = cls(path, manager, *opened)
        if manager:
            store.blobs.drop_drafts()
        return store

    # What the core's shell needs

    async def load(self) -> list[LoadedTask]:
        """Return all open tasks."""
        tasks = await self._reading(lambda: reading.open_tasks(self._read))
        return await self._load(tasks)

    async def load_task(self, task: str) -> LoadedTask | None:
        """Return one task in any state."""
        return next(iter(await self._load([task])), None)

    async def _load(self, tasks: list[str]) -> list[LoadedTask]:
        if self._manager:
            await self._writing(lambda: self._writer.drop_decided_failures(tasks))

        def load() -> list[LoadedTask]:
            loaded = [reading.load_task(self._read, task, self._manager, self.blobs) for task in tasks]
            return [task for task in loaded if task is not None]

        return await self._reading(load)

    async def commit(self, changes: Sequence[Change]) -> None:
        """Apply changes in one transaction, fsync included."""
        await self._writing(lambda: self._writer.commit(changes))

    async def prove_writable(self) -> None:
        """Return when a small write went through and there is room for more."""
        await self._writing(lambda: sqlite_room.prove_writable(self._write, self._path))

    async def next_number(self) -> int:
        """Return a task number never given before."""
        query = (
            "INSERT INTO meta VALUES ('next_number', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1 "
            "RETURNING value"
        )
        return int(await self._writing(lambda: self._write.execute(query).get))

    # What the REST interface reads

    async def cluster_id(self) -> str:
        """Return this database's id."""

        def read() -> str:
            if self._manager:
                self._write.execute("INSERT OR IGNORE INTO meta VALUES ('cluster', ?)", (fresh_id(),))
            return str(self._write.execute("SELECT value FROM meta WHERE key = 'cluster'").get)

        return await self._writing(read)

    async def token_key(self) -> bytes:
        """Return the key that this database's distributors make tokens with."""

        def read() -> bytes:
            row = (secrets.token_bytes(TOKEN_KEY_BYTES),)
            self._write.execute("INSERT OR IGNORE INTO meta VALUES ('token_key', ?)", row)
            return bytes(self._write.execute("SELECT value FROM meta WHERE key = 'token_key'").get)

        return await self._writing(read)

    async def task(self, task: str) -> TaskRecord | None:
        """Return a task by id."""
        return await self._reading(lambda: reading.read_task(self._read, task))

    async def tasks(self, state: str, q: str, limit: int, cursor: str, numbers: Sequence[Run] = ()) -> TaskPage:
        """Return a page of tasks, newest first."""
        return await newest(self.finding, state, q, limit, cursor, numbers)

    async def results(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield pages of results in index order."""
        async for page in self._result_pages(task, start, limit, is_matching=False):
            yield page

    async def matches(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield pages of results that satisfy the task's ``stop_when``."""
        async for page in self._result_pages(task, start, limit, is_matching=True):
            yield page

    async def _result_pages(
        self, task: str, start: int, limit: int, is_matching: bool
    ) -> AsyncIterator[list[ResultRow]]:
        left = limit
        while True:
            size = min(left, reading.PAGE_ROWS) if limit else reading.PAGE_ROWS
            page = await self._results_page(task, start, size, is_matching)
            if not page:
                return
            yield page
            start = page[-1].index + 1
            left -= len(page)
            if limit and left <= 0:
                return

    async def _results_page(self, task: str, start: int, size: int, is_matching: bool) -> list[ResultRow]:
        return await self._reading(lambda: reading.results_page(self._read, task, start, size, is_matching))

    async def failures(self, task: str, start: int, limit: int) -> list[FailureRow]:
        """Return quarantined payloads in index order."""
        return await self._reading(lambda: reading.failures_page(self._read, task, start, limit))

    async def distributors(self) -> list[DistributorRecord]:
        """Return every distributor."""
        return await self._reading(lambda: reading.distributors(self._read))

    async def ping(self) -> None:
        """Return when the file answers."""
        await self._reading(lambda: self._read.execute("SELECT 1 FROM meta").fetchone())

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._write_thread.shutdown()
        self._read_thread.shutdown()
        for connection in (self._read, self._write, self._lock):
            connection.close()

    # Further results

    async def votes(self, task: str, start: int, limit: int) -> list[VoteRow]:
        """Return votes by index, then client."""
        return await self._reading(lambda: sqlite_votes.page(self._read, task, start, limit))

    async def disagreements(self, task: str) -> int:
        """Return how many votes differ from the canonical result."""
        return await self._reading(lambda: sqlite_votes.disagreements(self._read, task))

    # Work units

    async def put_workunit(self, sha256: str, language: str, code: bytes) -> None:
        """Keep code."""
        query = "INSERT OR IGNORE INTO workunits VALUES (?, ?, ?)"
        await self._writing(lambda: self._write.execute(query, (sha256, language, code)))

    async def workunit(self, sha256: str) -> tuple[str, bytes] | None:
        """Return language and code."""
        query = "SELECT language, code FROM workunits WHERE sha256 = ?"
        return await self._reading(lambda: self._read.execute(query, (sha256,)).fetchone())

    # Managers: the file's lock lets one in

    async def enlist(self, entry: ManagerEntry) -> None:
        """Do nothing."""

    async def managers(self) -> list[ManagerEntry]:
        """Return none."""
        return []

    async def strike_off(self, manager: str) -> None:
        """Do nothing."""

    # Nobody else is there to share with

    async def claim(self, stretch: StretchRecord) -> list[StretchRecord]:
        """Return the one stretch of the task, which is this manager's."""
        found = await self._reading(lambda: reading.read_stretch(self._read, stretch.task, self._manager))
        return [found] if found else []

    async def take_over(self, gone: str) -> list[LoadedTask]:
        """Return none."""
        return []

    async def look(self, known: Sequence[str]) -> Look:
        """Return the open tasks as they are written, and which of the known ones are deleted."""
        return await self._reading(lambda: reading.look(self._read, known, self._manager))

    async def recount(self) -> bool:
        """Return False: rows and counters are written together."""
        return False

    # What a check wants

    async def tasks_after(self, number: int, limit: int) -> list[SharedTask]:
        """Return tasks as they are written."""
        return await self._reading(lambda: checking.tasks_after(self._read, number, limit, self._manager))

    async def indexes(self, rows: IndexedRows, task: str, start: int, limit: int) -> list[int]:
        """Return indexes that have such a row."""
        return await self._reading(lambda: checking.indexes(self._read, rows, task, start, limit))

    async def blocks(self, task: str, start: int, limit: int) -> list[StoredBlock]:
        """Return blocks as they are written."""
        return await self._reading(lambda: checking.blocks(self._read, task, start, limit, self._manager))

    async def _named_blobs(self) -> set[str]:
        query = "SELECT DISTINCT sha256 FROM blob_tasks"
        return await self._reading(lambda: {sha256 for (sha256,) in self._read.execute(query)})

    async def _writing(self, work: Callable[[], ValueT]) -> ValueT:
        return await self._in(self._write_thread, work)

    async def _reading(self, work: Callable[[], ValueT]) -> ValueT:
        def in_one_snapshot() -> ValueT:
            self._read.execute("BEGIN")
            try:
                return work()
            finally:
                if self._read.in_transaction:
                    self._read.execute("ROLLBACK")

        return await self._in(self._read_thread, in_one_snapshot)

    async def _in(self, thread: ThreadPoolExecutor, work: Callable[[], ValueT]) -> ValueT:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work)
        except (apsw.Error, OSError) as error:
            raise sqlite_unavailable(str(self._path), error) from error
        except RuntimeError as error:  # the executor after close()
            raise StoreUnavailable(str(self._path), "is closed") from error


def _blob_folder(path: Path) -> Path:
    """Return where the blobs of a database are: two databases in one directory share none."""
    return path.with_name("blobs" if path.name == "manager.db" else f"{path.name}.blobs")


def _connect(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_MS)
    return connection


def _take_lock(path: Path) -> apsw.Connection:
    """Hold a lock beside the file for as long as this process lives: two managers would lease the same blocks."""
    lock = apsw.Connection(f"{path}.lock")
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError as error:
        lock.close()
        raise StoreUnavailable(str(path), "is in use by another manager", "stop that one") from error
    return lock
