"""The tables of ``manager.db`` and how an older or foreign file is met.

Rule: ``user_version`` names the schema; a newer one is refused, never guessed at.
"""

import apsw

VERSION = 1
APPLICATION_ID = 0x64697331  # "dis1": tells our file from any other SQLite database

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, search TEXT NOT NULL, record BLOB NOT NULL
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


def version_problem(connection: apsw.Connection) -> str | None:
    """Return why this file cannot be used, or None."""
    version = connection.pragma("user_version")
    if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_schema").get:
        return None
    if connection.pragma("application_id") != APPLICATION_ID:
        return "is a database of another program"
    if version != VERSION:
        return f"has schema version {version}, this program knows {VERSION}"
    return None


def prepare(connection: apsw.Connection) -> None:
    """Make the tables of a new file."""
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", False)
    connection.pragma("cache_size", -64_000)
    connection.pragma("wal_autocheckpoint", 4_000)
    if connection.pragma("user_version") == VERSION:
        return
    with connection:
        connection.execute(SCHEMA)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", VERSION)
