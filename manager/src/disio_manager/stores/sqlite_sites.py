"""What was counted of sites, in SQLite.

Rule: a version is compared where it is replaced.
"""

from collections.abc import Sequence

import apsw
import msgspec

from disio_manager.stores.sqlite_journal import Reading
from disio_manager.stores.sqlite_keys import Writing
from disio_shared.messages import SiteDay

SITES = """
CREATE TABLE site_days (
    day INTEGER NOT NULL, site TEXT NOT NULL, distributor TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (day, site, distributor)
) WITHOUT ROWID;
"""
PUT = """
INSERT INTO site_days VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, site, distributor) DO UPDATE
SET version = excluded.version, body = excluded.body WHERE excluded.version > version
"""

OF_SITE = """
WITH RECURSIVE days(day) AS (
    SELECT min(day) FROM site_days WHERE day >= ?1
    UNION ALL SELECT (SELECT min(day) FROM site_days WHERE day > days.day) FROM days WHERE day IS NOT NULL
) SELECT body FROM days CROSS JOIN site_days ON site_days.day = days.day AND site = ?2
"""
"""From day to day, and on each to the site alone."""
_decoder = msgspec.msgpack.Decoder(SiteDay)


class SqliteSites:
    """SiteStore over a file."""

    def __init__(self, write: apsw.Connection, writing: Writing, read: apsw.Connection, reading: Reading) -> None:
        self._write, self._writing, self._read, self._reading = write, writing, read, reading

    async def put(self, distributor: str, rows: Sequence[SiteDay]) -> None:
        """Keep rows."""
        found = [(row.day, row.site, distributor, row.version, msgspec.msgpack.encode(row)) for row in rows]

        def put() -> None:
            with self._write:
                self._write.executemany(PUT, found)

        await self._writing(put)

    async def since(self, day: int) -> list[SiteDay]:
        """Return rows."""
        return await self._rows("SELECT body FROM site_days WHERE day >= ?", (day,))

    async def of(self, site: str, day: int) -> list[SiteDay]:
        """Return rows of a site."""
        return await self._rows(OF_SITE, (day, site))

    async def _rows(self, sql: str, values: tuple[int | str, ...]) -> list[SiteDay]:
        return await self._reading(lambda: [_decoder.decode(body) for (body,) in self._read.execute(sql, values)])

    async def drop_before(self, day: int) -> None:
        """Forget older days."""
        await self._writing(lambda: self._write.execute("DELETE FROM site_days WHERE day < ?", (day,)))
