"""Further results in MongoDB.

Rule: as in SQLite, a vote is compared once with the result that is there when it comes; one that came before any
result is compared when it is read. Its ``_id`` begins with that of the result, so that votes lie in index order.
"""

from disio_manager.core.changes import MAX_VOTES, AddVotes
from disio_manager.stores.base import VoteRow
from disio_manager.stores.mongo_documents import (
    Database,
    Document,
    in_parts,
    index_of,
    insert_new,
    number_of,
    row_id,
)

PAGE_ROWS = 1_000
INDEXES: list[list[tuple[str, int]]] = [[("row", 1)], [("task", 1), ("agrees", 1)]]


def vote_id(row: int, client: str) -> str:
    """Return the ``_id`` of a client's vote on the payload of a result row."""
    return f"{row:016x}/{client}"


async def add(db: Database, number: int, change: AddVotes) -> None:
    """Keep votes, at most MAX_VOTES an index; two managers that add at once may pass that by what each adds."""
    rows = [row_id(number, index) for index in change.indexes]
    canonical = await _results(db, rows)
    there = await _voters(db, rows)
    documents: list[Document] = []
    for at, row in enumerate(rows):
        client, value = change.clients[change.by[at]], change.values[at]
        voters = there.setdefault(row, set())
        if client in voters or len(voters) >= MAX_VOTES:
            continue
        voters.add(client)
        agrees = canonical[row] == value if row in canonical else None
        documents.append(
            {
                "_id": vote_id(row, client),
                "row": row,
                "task": number,
                "c": client,
                "d": change.distributor,
                "s": change.seconds[at],
                "agrees": agrees,
                "v": b"" if agrees else value,
                "at": change.at,
            }
        )
    await insert_new(db, "votes", documents)


async def page(db: Database, task: str, start: int, limit: int) -> list[VoteRow]:
    """Return up to ``limit`` (0 = all) votes from index ``start`` on."""
    number = await number_of(db, task)
    if number is None:
        return []
    bounds = {"$gte": vote_id(row_id(number, start), ""), "$lt": vote_id(row_id(number + 1, 0), "")}
    votes: list[VoteRow] = []
    batch: list[Document] = []
    async for found in db["votes"].find({"_id": bounds}).sort("_id", 1).batch_size(PAGE_ROWS):
        batch.append(found)
        if len(batch) >= PAGE_ROWS:
            votes += await _decided(db, batch)
            batch = []
        if limit and len(votes) >= limit:
            break
    votes += await _decided(db, batch)
    return votes[:limit] if limit else votes


async def agreements(db: Database, task: str) -> int:
    """Return how many votes are like the canonical result."""
    return await _count(db, task, agrees=True)


async def disagreements(db: Database, task: str) -> int:
    """Return how many votes differ from the canonical result."""
    return await _count(db, task, agrees=False)


async def _count(db: Database, task: str, agrees: bool) -> int:
    number = await number_of(db, task)
    if number is None:
        return 0
    known: int = await db["votes"].count_documents({"task": number, "agrees": agrees})
    waiting = [found async for found in db["votes"].find({"task": number, "agrees": None})]
    late = [vote for some in in_parts(waiting) for vote in await _decided(db, some)]
    return known + sum(vote.agrees == agrees for vote in late)


async def _decided(db: Database, found: list[Document]) -> list[VoteRow]:
    """Return votes as rows, those that wait for a result left out."""
    canonical = await _results(db, [one["row"] for one in found if one["agrees"] is None])
    votes = []
    for one in found:
        agrees, value = one["agrees"], one["v"]
        if agrees is None:
            if one["row"] not in canonical:
                continue
            agrees = canonical[one["row"]] == value
        votes.append(VoteRow(index_of(one["row"]), one["c"], one["d"], one["s"], agrees, b"" if agrees else value))
    return votes


async def _results(db: Database, rows: list[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for some in in_parts(rows):
        async for one in db["results"].find({"_id": {"$in": some}}, {"v": 1}):
            found[one["_id"]] = one["v"]
    return found


async def _voters(db: Database, rows: list[int]) -> dict[int, set[str]]:
    voters: dict[int, set[str]] = {}
    for some in in_parts(rows):
        async for one in db["votes"].find({"row": {"$in": some}}, {"row": 1, "c": 1}):
            voters.setdefault(one["row"], set()).add(one["c"])
    return voters
