"""Past tries in SQLite.

Rule: a task whose limit is reached costs one small update a batch and no row.
"""

import apsw

from disio_manager.core.changes import MAX_TASK_CHARS, MAX_TASK_TRIES, MAX_TRIES, AddTries
from disio_manager.stores.sqlite_journal import Reading
from disio_manager.stores.tries import PastOf, TriesKept, TryRow, rows_of

TRIES = """
CREATE TABLE tries (
    task INTEGER NOT NULL, idx INTEGER NOT NULL, at INTEGER NOT NULL, nth INTEGER NOT NULL, client TEXT NOT NULL,
    distributor TEXT NOT NULL, outcome TEXT NOT NULL, error TEXT NOT NULL, log TEXT NOT NULL,
    PRIMARY KEY (task, idx, at, nth)
);
CREATE TABLE tries_kept (
    task INTEGER NOT NULL, idx INTEGER NOT NULL, kept INTEGER NOT NULL, chars INTEGER NOT NULL,
    left_out INTEGER NOT NULL, PRIMARY KEY (task, idx)
) WITHOUT ROWID;
"""
"""``tries_kept`` counts by task (``idx`` -1), and by payload those that its own limit left out."""
TABLES = ("tries", "tries_kept")
WHOLE_TASK = -1
ADD = "INSERT OR IGNORE INTO tries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
IS_THERE = "SELECT 1 FROM tries WHERE task = ? AND idx = ? AND at = ? AND nth = ?"
KEPT = "SELECT kept, chars, left_out FROM tries_kept WHERE task = ? AND idx = ?"
COUNT = """
INSERT INTO tries_kept VALUES (?, ?, ?, ?, ?) ON CONFLICT (task, idx) DO UPDATE
SET kept = excluded.kept, chars = excluded.chars, left_out = excluded.left_out
"""
OF = """
SELECT client, distributor, outcome, error, log, at / 1000.0 FROM tries WHERE task = ? AND idx = ? ORDER BY at, nth
"""


def add(connection: apsw.Connection, number: int | None, change: AddTries) -> None:
    """Keep past tries of a task; those of one that is deleted go nowhere."""
    if number is None:
        return
    kept, chars, left_out = connection.execute(KEPT, (number, WHOLE_TASK)).fetchone() or (0, 0, 0)
    if kept >= MAX_TASK_TRIES:
        connection.execute(COUNT, (number, WHOLE_TASK, kept, chars, left_out + len(change.indexes)))
        return
    of_payload: dict[int, int] = {}
    for row in rows_of(change):
        if row.payload not in of_payload:
            query = "SELECT count(*) FROM tries WHERE task = ? AND idx = ?"
            of_payload[row.payload] = int(connection.execute(query, (number, row.payload)).get)
        if connection.execute(IS_THERE, (number, row.payload, row.at, row.nth)).fetchone():
            continue
        if of_payload[row.payload] >= MAX_TRIES:
            before = connection.execute(KEPT, (number, row.payload)).fetchone() or (0, 0, 0)
            connection.execute(COUNT, (number, row.payload, 0, 0, before[2] + 1))
        elif kept >= MAX_TASK_TRIES or chars + row.chars > MAX_TASK_CHARS:
            left_out += 1
        else:
            connection.execute(ADD, (number, *row))
            of_payload[row.payload] += 1
            kept, chars = kept + 1, chars + row.chars
    connection.execute(COUNT, (number, WHOLE_TASK, kept, chars, left_out))


class SqliteTries:
    """TryStore over a file."""

    def __init__(self, connection: apsw.Connection, reading: Reading) -> None:
        self._connection, self._reading = connection, reading

    async def of(self, task: str, index: int) -> PastOf:
        """Return what is kept of a payload."""
        return await self._reading(lambda: self._of(task, index))

    def _of(self, task: str, index: int) -> PastOf:
        number = self._connection.execute("SELECT number FROM tasks WHERE id = ?", (task,)).get
        rows = [TryRow(*row) for row in self._connection.execute(OF, (number, index))]
        mine = self._connection.execute(KEPT, (number, index)).fetchone() or (0, 0, 0)
        whole = self._connection.execute(KEPT, (number, WHOLE_TASK)).fetchone() or (0, 0, 0)
        return PastOf(rows, mine[2], TriesKept(whole[0], whole[2]))
