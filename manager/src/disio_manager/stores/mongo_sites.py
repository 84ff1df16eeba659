"""What was counted of sites, in MongoDB.

Rule: a document is named by distributor, day and site, and replaced only where its version is older.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import msgspec
from pymongo.errors import DuplicateKeyError

from disio_manager.stores.mongo_documents import Database, Document
from disio_shared.messages import SiteDay

_decoder = msgspec.msgpack.Decoder(SiteDay)
INDEXES: list[list[tuple[str, int]]] = [[("day", 1)]]


class MongoSites:
    """SiteStore over the collection ``site_days``.

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
        self._db, self._answering, self._writing = db, answering, writing

    async def put(self, distributor: str, rows: Sequence[SiteDay]) -> None:
        """Keep rows."""
        with self._writing():
            for row in rows:
                await self._put(f"{distributor}/{row.day}/{row.site}", row)

    async def since(self, day: int) -> list[SiteDay]:
        """Return rows."""
        return await self._rows({"day": {"$gte": day}})

    async def of(self, site: str, day: int) -> list[SiteDay]:
        """Return rows of a site; the server looks through the names of those days."""
        named = {"$regex": f"/{re.escape(site)}$"}
        return [row for row in await self._rows({"day": {"$gte": day}, "_id": named}) if row.site == site]

    async def _rows(self, matching: Document) -> list[SiteDay]:
        with self._answering():
            cursor = self._db["site_days"].find(matching, {"body": 1})
            return [_decoder.decode(found["body"]) async for found in cursor]

    async def drop_before(self, day: int) -> None:
        """Forget older days."""
        with self._writing():
            await self._db["site_days"].delete_many({"day": {"$lt": day}})

    async def _put(self, name: str, row: SiteDay) -> None:
        content = {"day": row.day, "version": row.version, "body": msgspec.msgpack.encode(row)}
        older = {"_id": name, "version": {"$lt": row.version}}
        done = await self._db["site_days"].update_one(older, {"$set": content})
        if done.matched_count:
            return
        try:
            await self._db["site_days"].insert_one({"_id": name, **content})
        except DuplicateKeyError:
            return  # a newer one, or the same, is there
