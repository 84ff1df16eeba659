"""The store over MongoDB, for managers whose data outgrows one file.

Rule: the only module that imports motor, and only for calls that PyMongo's ``AsyncMongoClient`` has too; every write
waits for a journaled majority. Documents hold our own bytes (MessagePack), never BSON made from users' JSON.
"""

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument
from pymongo.errors import ConfigurationError, DuplicateKeyError, InvalidURI, PyMongoError

from disio_manager.core.changes import Change, PutTask
from disio_manager.core.records import DistributorRecord, LoadedTask, Look, SharedTask, StretchRecord, TaskRecord
from disio_manager.stores import (
    mongo_audit,
    mongo_finding,
    mongo_history,
    mongo_journal,
    mongo_keys,
    mongo_people,
    mongo_sites,
    mongo_snapshots,
    mongo_tries,
    mongo_votes,
)
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
from disio_manager.stores.finding import newest
from disio_manager.stores.mongo_audit import MongoAudit
from disio_manager.stores.mongo_blobs import MongoBlobs
from disio_manager.stores.mongo_books import Books
from disio_manager.stores.mongo_documents import DELETED, SCHEMA_VERSION, read_chunks, write_chunks
from disio_manager.stores.mongo_finding import MongoFinding
from disio_manager.stores.mongo_history import MongoHistory
from disio_manager.stores.mongo_journal import MongoArrivals, MongoJournal
from disio_manager.stores.mongo_keys import MongoKeys
from disio_manager.stores.mongo_loading import MongoLoader
from disio_manager.stores.mongo_origins import MongoOrigins
from disio_manager.stores.mongo_people import MongoPeople
from disio_manager.stores.mongo_reading import MongoReader
from disio_manager.stores.mongo_segments import MongoSegments
from disio_manager.stores.mongo_sharing import MongoSharing
from disio_manager.stores.mongo_sites import MongoSites
from disio_manager.stores.mongo_snapshots import MongoSnapshots
from disio_manager.stores.mongo_tries import MongoTries
from disio_manager.stores.mongo_versioned import MongoVersioned
from disio_manager.stores.mongo_writing import MongoWriter
from disio_shared.errors import ConfigError, StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.ranges import Run

DEFAULT_DATABASE = "disio"
MAX_MANAGERS = 100
CLIENT_OPTIONS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 3_000,
    # Also for heartbeats: when one is answered later than this, the driver gives up what is under way, and a database
    # that is only busy would lose long reads.
    "connectTimeoutMS": 10_000,
    "socketTimeoutMS": 20_000,
    "w": "majority",
    "journal": True,
    "wTimeoutMS": 15_000,
    "appname": "disio-manager",
}
INDEXES: dict[str, list[list[tuple[str, int]]]] = {
    "tasks": [[("number", -1)], [("state", 1), ("number", -1)], [("blob", 1)], *mongo_finding.INDEXES],
    "blocks": [[("task", 1), ("start", 1)]],
    "stretches": [[("task", 1)], [("owner", 1)]],
    "notices": [[("owner", 1)], [("task", 1)]],
    "votes": mongo_votes.INDEXES,
    "keys": mongo_keys.INDEXES,
    "blobs.chunks": [[("files_id", 1), ("n", 1)]],
    "arrivals": mongo_journal.INDEXES,
    "snapshots": mongo_snapshots.INDEXES,
    "people": [[("id", 1)]],
    "passes": mongo_people.INDEXES,
    "audit": mongo_audit.INDEXES,
    "history": mongo_history.INDEXES,
    "site_days": mongo_sites.INDEXES,
    "tries": mongo_tries.INDEXES,
    "tries_kept": mongo_tries.KEPT_INDEXES,
}
UNIQUE = {"blobs.files": "filename"}
"""Collection to a field of which no two documents have the same."""


class MongoStore:
    """ManagerStore over a MongoDB database."""

    is_shared = True

    def __init__(self, client: Any, place: str, manager: str) -> None:
        self._client, self._place, self._manager = client, place, manager
        self._db = client.get_default_database(DEFAULT_DATABASE)
        self.blobs = MongoBlobs(self._db, manager, self._answering, self._writing)
        self.keys = MongoKeys(self._db, self._writing)
        self.segments = MongoSegments(self._db, self._answering, self._writing)
        self._reader = MongoReader(self._db)
        self._books, arrivals = Books(), MongoArrivals(self._db, manager)
        self.journal = MongoJournal(self._db, self._answering)
        self.origins = MongoOrigins(self._db, self._answering)
        self.tries = MongoTries(self._db, self._answering)
        self.snapshots = MongoSnapshots(self._db, self._answering, self._writing)
        self.people = MongoPeople(self._db, self._answering, self._writing)
        self.audit = MongoAudit(self._db, self._answering, self._writing)
        self.sites = MongoSites(self._db, self._answering, self._writing)
        self.documents = MongoVersioned(self._db, self._answering, self._writing)
        self.history = MongoHistory(self._db, manager, self._answering, self._writing)
        self.finding = MongoFinding(self._db, self._reader, self._answering)
        self._loader = MongoLoader(self._db, self._reader, self.blobs, manager, self._books, arrivals)
        self._sharing = MongoSharing(self._db, self._reader, self._loader, manager, self._books)
        self._writer = MongoWriter(self._db, manager, self._books, arrivals)

    @classmethod
    async def open(cls, url: str, manager: str) -> "MongoStore":
        """Connect to ``mongodb://...``; the URL's path names the database (default ``disio``).

        Raises:
            ConfigError: The URL is wrong.
            StoreUnavailable: No server answers within a few seconds, or its data is of another version of disio.
        """
        place = f"MongoDB at {urlsplit(url).netloc.rpartition('@')[2]}"
        try:
            client: Any = AsyncIOMotorClient(url, **CLIENT_OPTIONS)
            store = cls(client, place, manager)
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise ConfigError("--db", f"not a MongoDB URL: {error}", "use mongodb://host:port/name") from error
        try:
            await store._prepare()
        except StoreUnavailable:
            client.close()
            raise
        return store

    async def _prepare(self) -> None:
        with self._answering():
            version = await (self._given_once("schema", SCHEMA_VERSION) if self._manager else self._value("schema"))
            if version is None:
                raise StoreUnavailable(self._place, "holds nothing of disio", "name the database with --db")
            if version != SCHEMA_VERSION:
                problem = f"has schema version {version}, this program knows {SCHEMA_VERSION}"
                older = "finish its tasks with the older disio and use another database: there is no way to convert it"
                remedy = older if version < SCHEMA_VERSION else "use another database, or upgrade disio"
                raise StoreUnavailable(self._place, problem, remedy)
            if self._manager:
                await self._index()
                await mongo_finding.fill(self._db)

    async def _index(self) -> None:
        for collection, keys in INDEXES.items():
            for key in keys:
                await self._db[collection].create_index(key)
        for collection, name in UNIQUE.items():
            await self._db[collection].create_index([(name, 1)], unique=True)

    # What the core's shell needs

    async def load(self) -> list[LoadedTask]:
        """Return all open tasks; what a crash left half written is put right first."""
        with self._answering():
            if self._manager:
                await self._writer.finish_deletes()
            self._sharing.forget_taken()
            self._books.forget()
            found = await self._loader.load_all(await self._reader.open_tasks())
        self._sharing.note_seen(task.record.id for task in found)
        return found

    async def load_task(self, task: str) -> LoadedTask | None:
        """Return one task in any state."""
        with self._answering():
            return await self._loader.load(task)

    async def commit(self, changes: Sequence[Change]) -> None:
        """Make changes durable; a crash in the middle leaves what ``load`` can put right."""
        with self._writing():
            await self._writer.commit(changes)
        self._sharing.note_seen(change.record.id for change in changes if isinstance(change, PutTask))

    async def prove_writable(self) -> None:
        """Return when a small write went through."""
        with self._writing():
            await self._db["meta"].update_one({"_id": "probe"}, {"$inc": {"value": 1}}, upsert=True)

    async def next_number(self) -> int:
        """Return a task number never given before."""
        with self._writing():
            after = await self._db["meta"].find_one_and_update(
                {"_id": "next_number"}, {"$inc": {"value": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
            return int(after["value"])

    # What the REST interface reads

    async def cluster_id(self) -> str:
        """Return this database's id."""
        with self._answering():
            return str(await (self._given_once("cluster", fresh_id()) if self._manager else self._value("cluster")))

    async def token_key(self) -> bytes:
        """Return the key that this database's distributors make tokens with."""
        with self._writing():
            return bytes(await self._given_once("token_key", secrets.token_bytes(TOKEN_KEY_BYTES)))

    async def task(self, task: str) -> TaskRecord | None:
        """Return a task by id."""
        with self._answering():
            return await self._reader.task(task)

    async def tasks(self, state: str, q: str, limit: int, cursor: str, numbers: Sequence[Run] = ()) -> TaskPage:
        """Return a page of tasks, newest first."""
        return await newest(self.finding, state, q, limit, cursor, numbers)

    async def results(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield pages of results in index order."""
        with self._answering():
            async for page in self._reader.result_pages(task, start, limit):
                yield page

    async def matches(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield pages of results that satisfy the task's ``stop_when``."""
        with self._answering():
            async for page in self._reader.match_pages(task, start, limit):
                yield page

    async def failures(self, task: str, start: int, limit: int) -> list[FailureRow]:
        """Return quarantined payloads in index order."""
        with self._answering():
            return await self._reader.failures(task, start, limit)

    async def distributors(self) -> list[DistributorRecord]:
        """Return every distributor."""
        with self._answering():
            return await self._reader.distributors()

    async def ping(self) -> None:
        """Return when the server answers."""
        with self._answering():
            await self._db.command("ping")

    async def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    # Work units

    async def put_workunit(self, sha256: str, language: str, code: bytes) -> None:
        """Keep code."""
        with self._writing():
            if await self._db["workunits"].find_one({"_id": sha256}) is None:
                parts = await write_chunks(self._db, f"workunit/{sha256}", code)
                await self._insert_once("workunits", {"_id": sha256, "language": language, "parts": parts})

    async def workunit(self, sha256: str) -> tuple[str, bytes] | None:
        """Return language and code."""
        with self._answering():
            found = await self._db["workunits"].find_one({"_id": sha256})
            if found is None:
                return None
            return found["language"], await read_chunks(self._db, f"workunit/{sha256}", found["parts"])

    # Managers

    async def enlist(self, entry: ManagerEntry) -> None:
        """Put a manager in, or renew its entry."""
        document = {"_id": entry.id, "url": entry.url, "since": entry.since, "beat": entry.beat}
        with self._writing():
            await self._db["managers"].replace_one({"_id": entry.id}, document, upsert=True)

    async def managers(self) -> list[ManagerEntry]:
        """Return every entry."""
        with self._answering():
            rows = await self._db["managers"].find({}).to_list(MAX_MANAGERS)
        return [ManagerEntry(row["_id"], row["url"], row["since"], row["beat"]) for row in rows]

    async def strike_off(self, manager: str) -> None:
        """Take an entry out."""
        with self._writing():
            await self._db["managers"].delete_one({"_id": manager})

    # The other managers

    async def claim(self, stretch: StretchRecord) -> list[StretchRecord]:
        """Insert a stretch if none begins at its start; return all of the task."""
        with self._writing():
            return await self._sharing.claim(stretch)

    async def take_over(self, gone: str) -> list[LoadedTask]:
        """Become the owner of what a manager that is gone looked after."""
        with self._writing():
            return await self._sharing.take_over(gone)

    async def look(self, known: Sequence[str]) -> Look:
        """Return what other managers did."""
        with self._answering():
            return await self._sharing.look(known)

    async def recount(self) -> bool:
        """Tell this manager of results that are there without its knowing; return whether there were any."""
        with self._writing():
            return await self._sharing.recount()

    # Further results

    async def votes(self, task: str, start: int, limit: int) -> list[VoteRow]:
        """Return votes by index, then client."""
        with self._answering():
            return await mongo_votes.page(self._db, task, start, limit)

    async def disagreements(self, task: str) -> int:
        """Return how many votes differ from the canonical result."""
        with self._answering():
            return await mongo_votes.disagreements(self._db, task)

    # What a check wants

    async def tasks_after(self, number: int, limit: int) -> list[SharedTask]:
        """Return tasks as they are written."""
        with self._answering():
            return await self._reader.shared({"number": {"$gt": number}, "state": {"$ne": DELETED}}, limit)

    async def indexes(self, rows: IndexedRows, task: str, start: int, limit: int) -> list[int]:
        """Return indexes that have such a row."""
        with self._answering():
            return await self._reader.indexes(rows, task, start, limit)

    async def blocks(self, task: str, start: int, limit: int) -> list[StoredBlock]:
        """Return blocks as they are written."""
        with self._answering():
            return await self._reader.blocks(task, start, limit)

    async def _given_once(self, name: str, value: Any) -> Any:
        """Return the value under a name; the first one given stays."""
        await self._insert_once("meta", {"_id": name, "value": value})
        return await self._value(name)

    async def _value(self, name: str) -> Any:
        found = await self._db["meta"].find_one({"_id": name})
        return None if found is None else found["value"]

    async def _insert_once(self, collection: str, document: dict[str, Any]) -> None:
        try:
            await self._db[collection].insert_one(document)
        except DuplicateKeyError:
            return

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if not self._manager:
            raise StoreUnavailable(self._place, "was opened for reading only")
        with self._answering():
            yield

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Translate the driver's errors."""
        try:
            yield
        except PyMongoError as error:
            problem = str(error).split(", Timeout:")[0]
            raise StoreUnavailable(self._place, problem, "start the database, or check --db") from error
