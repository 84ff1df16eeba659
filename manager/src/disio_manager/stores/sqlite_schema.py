"""The tables of ``manager.db`` and how an older or foreign file is met.

Rule: ``user_version`` names the schema; an older one is brought up to date in one transaction, a newer one is
refused, never guessed at.
"""

import apsw
import msgspec

from disio_manager.stores.sqlite_audit import AUDIT
from disio_manager.stores.sqlite_finding import ENDS, OWNERS, TIMES, fill_owners
from disio_manager.stores.sqlite_finding import fill as fill_times
from disio_manager.stores.sqlite_history import HISTORY
from disio_manager.stores.sqlite_journal import ARRIVALS, fill
from disio_manager.stores.sqlite_keys import KEYS
from disio_manager.stores.sqlite_people import PEOPLE
from disio_manager.stores.sqlite_segments import SEGMENTS
from disio_manager.stores.sqlite_sites import SITES
from disio_manager.stores.sqlite_snapshots import SNAPSHOTS
from disio_manager.stores.sqlite_tries import TRIES
from disio_manager.stores.sqlite_versioned import DOCUMENTS
from disio_manager.stores.sqlite_votes import DIFFERING
from disio_shared.errors import StoreUnavailable

VERSION = 6
OLDEST = 1
APPLICATION_ID = 0x64697331  # "dis1": tells our file from any other SQLite database

VOTES = """
CREATE TABLE votes (
    task INTEGER NOT NULL, idx INTEGER NOT NULL, client TEXT NOT NULL, distributor TEXT NOT NULL, seconds REAL NOT NULL,
    agrees INTEGER, value BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (task, idx, client)
) WITHOUT ROWID;
"""
BLOB_TASKS = """
CREATE TABLE blob_tasks (task INTEGER PRIMARY KEY, sha256 TEXT NOT NULL);
CREATE INDEX blob_tasks_by_blob ON blob_tasks (sha256);
"""
"""Which blob the payloads of a task are read from, for those that name one."""
MATCHES = "CREATE TABLE matches (task INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (task, idx)) WITHOUT ROWID;"
"""Results that satisfy the ``stop_when`` of their task."""
MATCHED = "ALTER TABLE tasks ADD COLUMN matched INTEGER NOT NULL DEFAULT 0;"
SINCE_5 = PEOPLE + AUDIT + DOCUMENTS + HISTORY + TIMES + SITES
"""Tables that came with version 5."""
SINCE_6 = TRIES + OWNERS
"""Tables that came with version 6."""
LATER_INDEXES = DIFFERING + ENDS
"""Made wherever they are missing: they change what is quick and nothing else, so the version stays."""
STRETCH_COLUMNS = ("frontier", "done", "failed", "leased", "retries")
"""Of the table ``tasks``, since version 2: what a StretchRecord holds beyond its bounds and owner."""
SCHEMA = (
    """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, search TEXT NOT NULL,
    record BLOB NOT NULL,
    frontier INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
    leased INTEGER NOT NULL DEFAULT 0, retries INTEGER NOT NULL DEFAULT 0, matched INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX tasks_by_state ON tasks (state, number);
CREATE TABLE task_payloads (task INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE blocks (
    id TEXT PRIMARY KEY, task INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    lease INTEGER NOT NULL, holder TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX blocks_by_task ON blocks (task, start);
CREATE TABLE origins (
    number INTEGER PRIMARY KEY, client TEXT NOT NULL, distributor TEXT NOT NULL, UNIQUE (client, distributor)
);
CREATE TABLE results (
    task INTEGER NOT NULL, idx INTEGER NOT NULL, value BLOB NOT NULL, seconds REAL NOT NULL, origin INTEGER NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (task, idx)
) WITHOUT ROWID;
CREATE TABLE failures (
    task INTEGER NOT NULL, idx INTEGER NOT NULL, errors BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (task, idx)
) WITHOUT ROWID;
CREATE TABLE workunits (sha256 TEXT PRIMARY KEY, language TEXT NOT NULL, code BLOB NOT NULL);
CREATE TABLE distributors (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
"""
    + VOTES
    + BLOB_TASKS
    + ARRIVALS
    + KEYS
    + MATCHES
    + SEGMENTS
    + SNAPSHOTS
    + SINCE_5
    + SINCE_6
)


class _Version1(msgspec.Struct):
    """What a task's record held in version 1 and its row's columns hold now."""

    frontier: int = 0
    done: int = 0
    failed: int = 0
    retries: int = 0


def version_problem(connection: apsw.Connection, is_reader: bool) -> tuple[str, str] | None:
    """Return why this file cannot be used and a remedy, or None."""
    version = connection.pragma("user_version")
    if version == 0 and not is_reader and not connection.execute("SELECT count(*) FROM sqlite_schema").get:
        return None
    if connection.pragma("application_id") != APPLICATION_ID:
        return "is a database of another program", "choose another file"
    if version < OLDEST or version > VERSION:
        return f"has schema version {version}, this program knows {VERSION}", "choose another file, or upgrade disio"
    if version != VERSION and is_reader:
        return f"has schema version {version}", "start the manager once: it brings the file up to date"
    return None


def prepare(connection: apsw.Connection) -> None:
    """Make the tables of a new file, or bring those of an older one up to date.

    Raises:
        StoreUnavailable: The older one holds a task that cannot be read.
    """
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", False)
    connection.pragma("cache_size", -8_000)  # a task of any size costs no more; rows come nearly in order
    connection.pragma("wal_autocheckpoint", 4_000)
    version = connection.pragma("user_version")
    if version == VERSION:
        connection.execute(LATER_INDEXES)
        return
    with connection:
        if version == 0:
            connection.execute(SCHEMA)
            connection.pragma("application_id", APPLICATION_ID)
        elif version == 1:
            _from_version_1(connection)
        if version in (1, 2):
            connection.execute(BLOB_TASKS)
        if version in (1, 2, 3):
            connection.execute(ARRIVALS + KEYS + MATCHES + MATCHED + SEGMENTS + SNAPSHOTS)
            fill(connection)
        if version in (1, 2, 3, 4):
            connection.execute(SINCE_5)
            fill_times(connection)
        if version:
            connection.execute(SINCE_6)
            fill_owners(connection)
        connection.pragma("user_version", VERSION)
        connection.execute(LATER_INDEXES)


def _from_version_1(connection: apsw.Connection) -> None:
    """Read frontier and counters out of the records' bytes into columns; the bytes stay as they are."""
    for column in STRETCH_COLUMNS:
        connection.execute(f"ALTER TABLE tasks ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
    connection.execute(VOTES)
    decoder = msgspec.msgpack.Decoder(_Version1)
    update = "UPDATE tasks SET frontier = ?, done = ?, failed = ?, retries = ? WHERE number = ?"
    for number, task in connection.execute("SELECT number, id FROM tasks").fetchall():
        record = connection.execute("SELECT record FROM tasks WHERE number = ?", (number,)).get
        try:
            old = decoder.decode(record)
        except msgspec.MsgspecError as error:
            problem = f"task {task} cannot be read: {error}"
            raise StoreUnavailable(connection.filename, problem, "restore the file from a backup") from error
        connection.execute(update, (old.frontier, old.done, old.failed, old.retries, number))
