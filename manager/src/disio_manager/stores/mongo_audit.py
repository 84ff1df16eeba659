"""The audit in MongoDB.

Rule: a row is a document named by its id; a repeat changes nothing.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from pymongo import UpdateOne

from disio_manager.stores.audit import AuditFilter, AuditPage, AuditRow
from disio_manager.stores.mongo_documents import Database

INDEXES: list[list[tuple[str, int]]] = [[("subject", 1), ("_id", -1)], [("who", 1), ("_id", -1)], [("at", 1)]]


class MongoAudit:
    """AuditStore over the collection ``audit``.

    Args:
        db: Where it is.
        answering: Translates the driver's errors.
        writing: The same, for who may write.
    """

    def __init__(
        self,
        db: Database,
        answering: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._rows, self._answering, self._writing = db["audit"], answering, writing

    async def append(self, rows: list[AuditRow]) -> None:
        """Add rows."""
        steps = []
        for row in rows:
            document = msgspec.structs.asdict(row)
            steps.append(UpdateOne({"_id": document.pop("id")}, {"$setOnInsert": document}, upsert=True))
        if steps:
            with self._writing():
                await self._rows.bulk_write(steps, ordered=False)

    async def page(self, wanted: AuditFilter, cursor: str, limit: int, *, counts: bool = True) -> AuditPage:
        """Return rows, the newest first."""
        key = _condition(wanted)
        with self._answering():
            total = await self._rows.count_documents(key) if counts else -1
            before = {**key, "_id": {"$lt": cursor}} if cursor else key
            rows = await self._rows.find(before).sort("_id", -1).limit(limit + 1).to_list(limit + 1)
        items = [AuditRow(id=row.pop("_id"), **row) for row in rows[:limit]]
        return AuditPage(items, items[-1].id if len(rows) > limit else None, int(total))

    async def trim(self, before: float, most: int) -> int:
        """Remove old rows."""
        with self._writing():
            removed = int((await self._rows.delete_many({"at": {"$lt": before}})).deleted_count)
            oldest = await self._rows.find({}, {"_id": 1}).sort("_id", -1).skip(most).limit(1).to_list(1)
            for row in oldest:
                removed += int((await self._rows.delete_many({"_id": {"$lte": row["_id"]}})).deleted_count)
        return removed


def _condition(wanted: AuditFilter) -> dict[str, Any]:
    key: dict[str, Any] = {}
    for name in ("who", "verb", "kind", "subject", "outcome"):
        if value := getattr(wanted, name):
            key[name] = value
    bounds = {"$gte": wanted.since, "$lt": wanted.until}
    at = {comparison: value for comparison, value in bounds.items() if value}
    return {**key, "at": at} if at else key
