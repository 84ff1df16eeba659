"""Past tries in MongoDB.

Rule: rows are written before they are counted; what a crash between the two leaves uncounted is a row more than the
limit, and several managers that write at once may pass the limits by what each adds.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager

from disio_manager.core.changes import MAX_TASK_CHARS, MAX_TASK_TRIES, MAX_TRIES, AddTries, Change
from disio_manager.stores.mongo_documents import Database, Document, in_parts, insert_new, number_of, row_id
from disio_manager.stores.tries import NewTry, PastOf, TriesKept, TryRow, rows_of

INDEXES: list[list[tuple[str, int]]] = [[("row", 1)], [("task", 1)]]
KEPT_INDEXES: list[list[tuple[str, int]]] = [[("task", 1)]]
Known = Callable[[str], Awaitable[tuple[int, int] | None]]
"""Returns a task's number and something else."""


async def write(db: Database, group: Sequence[Change], known: Known) -> None:
    """Keep the past tries in a group of changes; those of a task that is deleted go nowhere."""
    for change in group:
        if isinstance(change, AddTries):
            found = await known(change.task)
            if found is not None:
                await _add(db, found[0], change)


async def _add(db: Database, number: int, change: AddTries) -> None:
    whole = await _counts(db, f"{number}")
    if whole["kept"] >= MAX_TASK_TRIES:
        await _count(db, number, f"{number}", whole, left_out=len(change.indexes))
        return
    rows = list(rows_of(change))
    of_payload = await _there(db, sorted({row_id(number, row.payload) for row in rows}))
    documents: list[Document] = []
    chars = left_out = 0
    beyond: dict[int, int] = {}
    for row in rows:
        there = of_payload.setdefault(row_id(number, row.payload), set())
        name = f"{row_id(number, row.payload):016x}/{row.at:015d}/{row.nth:04d}"
        if name in there:
            continue
        if len(there) >= MAX_TRIES:
            beyond[row.payload] = beyond.get(row.payload, 0) + 1
        elif whole["kept"] + len(documents) >= MAX_TASK_TRIES or whole["chars"] + chars + row.chars > MAX_TASK_CHARS:
            left_out += 1
        else:
            there.add(name)
            documents.append(_document(name, number, row))
            chars += row.chars
    await insert_new(db, "tries", documents)
    await _count(db, number, f"{number}", whole, len(documents), chars, left_out)
    for index, more in beyond.items():
        place = f"{number}/{index}"
        await _count(db, number, place, await _counts(db, place), left_out=more)


class MongoTries:
    """TryStore over the collections ``tries`` and ``tries_kept``.

    Args:
        db: Where they are.
        answering: Translates the driver's errors.
    """

    def __init__(self, db: Database, answering: Callable[[], AbstractContextManager[None]]) -> None:
        self._db, self._answering = db, answering

    async def of(self, task: str, index: int) -> PastOf:
        """Return what is kept of a payload."""
        with self._answering():
            number = await number_of(self._db, task)
            if number is None:
                return PastOf([], 0, TriesKept(0, 0))
            cursor = self._db["tries"].find({"row": row_id(number, index)}).sort("_id", 1)
            rows = [
                TryRow(found["c"], found["d"], found["outcome"], found["error"], found["log"], found["at"] / 1000)
                async for found in cursor
            ]
            mine, whole = await _counts(self._db, f"{number}/{index}"), await _counts(self._db, f"{number}")
            return PastOf(rows, mine["left_out"], TriesKept(whole["kept"], whole["left_out"]))


def _document(name: str, number: int, row: NewTry) -> Document:
    return {
        "_id": name,
        "row": row_id(number, row.payload),
        "task": number,
        "at": row.at,
        "c": row.client,
        "d": row.distributor,
        "outcome": row.outcome,
        "error": row.error,
        "log": row.log,
    }


async def _there(db: Database, rows: list[int]) -> dict[int, set[str]]:
    there: dict[int, set[str]] = {}
    for some in in_parts(rows):
        async for found in db["tries"].find({"row": {"$in": some}}, {"row": 1}):
            there.setdefault(found["row"], set()).add(found["_id"])
    return there


async def _counts(db: Database, name: str) -> Document:
    found: Document | None = await db["tries_kept"].find_one({"_id": name})
    return found or {"kept": 0, "chars": 0, "left_out": 0}


async def _count(
    db: Database, number: int, name: str, before: Document, kept: int = 0, chars: int = 0, left_out: int = 0
) -> None:
    if kept or left_out:
        counts = {
            "_id": name,
            "task": number,
            "kept": before["kept"] + kept,
            "chars": before["chars"] + chars,
            "left_out": before["left_out"] + left_out,
        }
        await db["tries_kept"].replace_one({"_id": name}, counts, upsert=True)
