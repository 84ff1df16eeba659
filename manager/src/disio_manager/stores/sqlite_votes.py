"""Further results in SQLite.

Rule: a vote is compared once, with the result that is there when it comes; one that came before any result stays
undecided in its row, is compared whenever it is read, and is not shown while there is nothing to compare it with.
A task's page asks how many differ, so these and the undecided lie in an index of their own: what agrees is not read.
"""

from itertools import repeat

import apsw

from disio_manager.core.changes import MAX_VOTES, AddVotes
from disio_manager.stores.base import VoteRow

ADD = f"""
INSERT OR IGNORE INTO votes (task, idx, client, distributor, seconds, at, agrees, value)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, canonical = ?7, iif(canonical = ?7, x'', ?7)
FROM (SELECT (SELECT value FROM results WHERE task = ?1 AND idx = ?2) AS canonical)
WHERE (SELECT count(*) FROM votes WHERE task = ?1 AND idx = ?2) < {MAX_VOTES}
"""
AGREES = "coalesce(votes.agrees, votes.value = results.value)"
DECIDED = (
    "FROM votes JOIN results ON results.task = votes.task AND results.idx = votes.idx "
    "WHERE votes.task = (SELECT number FROM tasks WHERE id = ?)"
)

DIFFERING = "CREATE INDEX IF NOT EXISTS votes_differing ON votes (task, agrees) WHERE agrees IS NOT 1;"
OF_TASK = "votes.task = (SELECT number FROM tasks WHERE id = ?1) AND votes.agrees IS NOT 1"
DISAGREE = f"""
SELECT (SELECT count(*) FROM votes WHERE {OF_TASK} AND votes.agrees = 0) + (
    SELECT count(*) FROM votes CROSS JOIN results ON results.task = votes.task AND results.idx = votes.idx
    WHERE {OF_TASK} AND unlikely(votes.agrees IS NULL) AND votes.value != results.value
)
"""
"""Of a vote that was compared the result is there: results go with their task only. ``CROSS``: votes first."""


def add(connection: apsw.Connection, number: int | None, change: AddVotes) -> None:
    """Keep votes of a task; those of one that is deleted go nowhere."""
    if number is None:
        return
    connection.executemany(
        ADD,
        zip(
            repeat(number),
            change.indexes,
            [change.clients[by] for by in change.by],
            repeat(change.distributor),
            change.seconds,
            repeat(round(change.at * 1000)),
            change.values,
            strict=False,
        ),
    )


def page(connection: apsw.Connection, task: str, start: int, limit: int) -> list[VoteRow]:
    """Return up to ``limit`` (0 = all) votes from index ``start`` on."""
    query = (
        f"SELECT votes.idx, client, distributor, votes.seconds, {AGREES} AS fits, iif({AGREES}, x'', votes.value) "
        f"{DECIDED} AND votes.idx >= ? ORDER BY votes.idx, client LIMIT ?"
    )
    rows = connection.execute(query, (task, start, limit or -1))
    return [
        VoteRow(index, client, distributor, seconds, bool(fits), value)
        for index, client, distributor, seconds, fits, value in rows
    ]


def agreements(connection: apsw.Connection, task: str) -> int:
    """Return how many votes are like the canonical result."""
    return int(connection.execute(f"SELECT count(*) {DECIDED} AND {AGREES}", (task,)).get)


def disagreements(connection: apsw.Connection, task: str) -> int:
    """Return how many votes differ from the canonical result."""
    return int(connection.execute(DISAGREE, (task,)).get)
