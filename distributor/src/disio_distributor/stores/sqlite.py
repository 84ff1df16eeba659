"""The embedded cache: one SQLite file, written through to the disk.

Rule: one connection in one thread does everything; a commit is one transaction and is on the disk when it returns.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from disio_distributor.core.changes import Change
from disio_distributor.core.columns import head_of
from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, KnownClient, OutboxEntry, Snapshot
from disio_distributor.stores.bodies import head_bytes, heads_of, unpacked
from disio_distributor.stores.reserve import Reserve
from disio_distributor.stores.statements import PUT_OUTBOX, Statement, statements_of
from disio_shared.errors import StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.messages import Orders, SiteDay
from disio_shared.sqlite_errors import sqlite_unavailable

ResultT = TypeVar("ResultT")

MAX_CLIENTS = 100_000
BUSY_MS = 2_000
_FORGET_EVERY = 256
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cluster_keys(cluster TEXT PRIMARY KEY, key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tasks(task TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS blocks(block TEXT PRIMARY KEY, task TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS blocks_of_task ON blocks(task);
CREATE TABLE IF NOT EXISTS block_payloads(block TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outbox(id INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS attempts(
    task TEXT NOT NULL, idx INTEGER NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (task, idx, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoints(
    task TEXT NOT NULL, idx INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY (task, idx));
CREATE TABLE IF NOT EXISTS workunits(sha256 TEXT PRIMARY KEY, language TEXT NOT NULL, code BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS clients(
    id TEXT PRIMARY KEY, secret_hash BLOB NOT NULL, kind TEXT NOT NULL, last_seen REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS clients_by_last_seen ON clients(last_seen);
CREATE TABLE IF NOT EXISTS site_days(
    day INTEGER NOT NULL, site TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (day, site)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders(cluster TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""


class SqliteCache:
    """A DistributorCache in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disio-cache")
        self._connection: apsw.Connection | None = None
        self._put_since_forgetting = 0
        self._reserve = Reserve(path.with_name(f"{path.name}-reserve"))

    @classmethod
    async def open(cls, path: Path) -> "SqliteCache":
        """Open or make the file.

        Raises:
            StoreUnavailable: It cannot be opened, or another process has it.
        """
        cache = cls(path)
        try:
            await cache._call(cache._open)
        except StoreUnavailable:
            cache._thread.shutdown(wait=False)
            raise
        return cache

    # CoreCache

    async def load(self) -> Snapshot:
        """Return everything."""
        return await self._call(self._load)

    async def commit(self, changes: Sequence[Change]) -> None:
        """Make changes durable in one transaction."""
        await self._call(lambda: self._write([each for change in changes for each in statements_of(change)]))

    async def outbox(self, ids: Sequence[int]) -> list[OutboxEntry]:
        """Return those of these entries that are there, by id."""
        sql = "SELECT body FROM outbox WHERE id IN (SELECT value FROM json_each(?))"
        return await self._call(lambda: unpacked(body for (body,) in self._rows(sql, (json.dumps(list(ids)),))))

    # ServingCache

    async def workunit(self, sha256: str) -> tuple[str, bytes] | None:
        """Return language and code."""
        rows = await self._call(lambda: self._rows("SELECT language, code FROM workunits WHERE sha256 = ?", (sha256,)))
        return (str(rows[0][0]), bytes(rows[0][1])) if rows else None

    async def client(self, client: str) -> KnownClient | None:
        """Return a client that was welcomed before."""
        sql = "SELECT id, secret_hash, kind, last_seen FROM clients WHERE id = ?"
        rows = await self._call(lambda: self._rows(sql, (client,)))
        if not rows:
            return None
        name, secret_hash, kind, last_seen = rows[0]
        return KnownClient(id=name, secret_hash=bytes(secret_hash), kind=kind, last_seen=last_seen)

    async def put_client(self, client: KnownClient) -> None:
        """Remember a client; the longest unseen go beyond 100,000 (give or take a few hundred)."""
        row = (client.id, client.secret_hash, client.kind, client.last_seen)
        statements: list[Statement] = [("INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?)", row)]
        self._put_since_forgetting += 1
        if self._put_since_forgetting >= _FORGET_EVERY:
            self._put_since_forgetting = 0
            sql = (
                "DELETE FROM clients WHERE id IN (SELECT id FROM clients ORDER BY last_seen"
                " LIMIT max(0, (SELECT count(*) FROM clients) - ?))"
            )
            statements.append((sql, (MAX_CLIENTS,)))
        await self._call(lambda: self._write(statements))

    async def site_days(self) -> list[SiteDay]:
        """Return what was counted of sites."""
        rows = await self._call(lambda: self._rows("SELECT body FROM site_days ORDER BY day, site"))
        return [msgspec.msgpack.decode(body, type=SiteDay) for (body,) in rows]

    async def put_site_days(self, rows: list[SiteDay], oldest: int) -> None:
        """Keep what was counted of sites, and drop days before ``oldest``."""
        put = "INSERT OR REPLACE INTO site_days VALUES (?, ?, ?)"
        statements: list[Statement] = [(put, (row.day, row.site, msgspec.msgpack.encode(row))) for row in rows]
        await self._call(lambda: self._write([*statements, ("DELETE FROM site_days WHERE day < ?", (oldest,))]))

    async def durability(self) -> str:
        """Return ``full``: every commit waits for the disk."""
        return "full"

    async def used_bytes(self) -> int:
        """Return the size of what the file holds."""

        def measure() -> int:
            names = ("page_count", "freelist_count", "page_size")
            pages, free, size = (int(self._rows(f"PRAGMA {name}")[0][0]) for name in names)
            return (pages - free) * size

        return await self._call(measure)

    async def room(self) -> int:
        """Return what is free on the disk, and in the file itself."""

        def measure() -> int:
            free, size = (int(self._rows(f"PRAGMA {name}")[0][0]) for name in ("freelist_count", "page_size"))
            return self._reserve.free() + free * size

        return await self._call(measure)

    async def close(self) -> None:
        """Close the file."""
        await self._call(self._close)
        self._thread.shutdown(wait=False)

    # In the thread

    async def _call(self, work: Callable[[], ResultT]) -> ResultT:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (apsw.Error, OSError) as error:
            raise sqlite_unavailable(f"cache {self._path}", error) from error
        except RuntimeError as error:  # the executor was shut down
            raise StoreUnavailable(f"cache {self._path}", "is closed") from error

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = apsw.Connection(str(self._path))
        try:
            connection.set_busy_timeout(BUSY_MS)
            # Two distributors over one file would take each other's results for their own.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA temp_store = MEMORY")  # loading must work on a full disk
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_SCHEMA)
            _give_heads(connection)
            identity = {"distributor_id": fresh_id().encode(), "token_key": secrets.token_bytes(32)}
            connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", identity.items())
            connection.execute("COMMIT")
        except apsw.Error:
            connection.close(True)
            raise
        self._connection = connection
        self._reserve.open()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close(True)
            self._connection = None

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            raise StoreUnavailable(f"cache {self._path}", "is closed")
        return self._connection

    def _rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        return list(self._opened().execute(sql, parameters))

    def _write(self, statements: Sequence[Statement]) -> None:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, row in statements:
                connection.execute(sql, row)
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, apsw.FullError):
                self._make_room(connection)
            raise

    def _make_room(self, connection: apsw.Connection) -> None:
        """Let the log go into the file, so that deleting needs no more room than it gives."""
        self._reserve.give_up()
        with contextlib.suppress(apsw.Error):
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _load(self) -> Snapshot:
        meta = dict(self._rows("SELECT key, value FROM meta"))
        checkpoints: dict[str, dict[int, bytes]] = {}
        for task, index, state in self._rows("SELECT task, idx, state FROM checkpoints"):
            checkpoints.setdefault(task, {})[index] = state
        attempts = self._rows("SELECT body FROM attempts ORDER BY task, idx, number")
        return Snapshot(
            distributor_id=meta["distributor_id"].decode(),
            token_key=meta["token_key"],
            tasks=[msgspec.msgpack.decode(body, type=HeldTask) for (body,) in self._rows("SELECT body FROM tasks")],
            blocks=self._load_blocks(),
            outbox=heads_of(head for (head,) in self._rows("SELECT head FROM outbox ORDER BY id")),
            attempts=[msgspec.msgpack.decode(body, type=Attempt) for (body,) in attempts],
            checkpoints=checkpoints,
            workunits=[sha256 for (sha256,) in self._rows("SELECT sha256 FROM workunits ORDER BY rowid")],
            cluster_keys=dict(self._rows("SELECT cluster, key FROM cluster_keys ORDER BY rowid")),
            orders={
                cluster: msgspec.msgpack.decode(body, type=Orders)
                for cluster, body in self._rows("SELECT cluster, body FROM orders")
            },
        )

    def _load_blocks(self) -> list[HeldBlock]:
        sql = "SELECT b.body, p.body FROM blocks b LEFT JOIN block_payloads p ON p.block = b.block ORDER BY b.rowid"
        blocks = []
        for body, payloads in self._rows(sql):
            block = msgspec.msgpack.decode(body, type=HeldBlock)
            if payloads is not None:
                block.payloads = msgspec.msgpack.decode(payloads, type=list[bytes])
            blocks.append(block)
        return blocks


def _give_heads(connection: apsw.Connection) -> None:
    """Bring an outbox from before there were heads up to date."""
    if any(name == "head" for _, name, *_ in connection.execute("PRAGMA table_info(outbox)")):
        return
    connection.execute("ALTER TABLE outbox RENAME TO outbox_without_heads")
    connection.execute(_SCHEMA)
    for (body,) in connection.execute("SELECT body FROM outbox_without_heads"):
        for entry in unpacked([body]):
            row = (entry.id, head_bytes(head_of(entry, manager="")), body)
            connection.execute(PUT_OUTBOX, row)
    connection.execute("DROP TABLE outbox_without_heads")
