"""Writes the audit, off the way of the calls it is about.

Rule: at most ``MAX_QUEUED`` rows wait; what comes then is counted, and the count is written as a row of its own as soon
as there is room. What was noted is durable within a second or so, and at a proper end at once.
"""

import asyncio
import contextlib
from collections.abc import Hashable

import msgspec

from disio_manager.people.roles import SYSTEM
from disio_manager.stores.audit import MAX_AGE_S, MAX_ROWS, AuditRow, AuditStore, Outcome
from disio_shared.clock import Clock
from disio_shared.errors import StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.logs import logger

EVERY_S = 0.5
AFTER_TROUBLE_S = 5.0
MAX_QUEUED = 10_000
TRIM_EVERY = 2_000
"""Rows; until the oldest are removed again there may be so many too many."""
QUIET_S = 60.0
"""Failed sign-ins of one name from one address within so long are one row."""
MAX_QUIET = 1_000
STOP_S = 3.0
MAX_DETAIL = 1_000


class Auditing:
    """The rows that are not written yet.

    Args:
        store: Keeps them.
        clock: Now.
    """

    def __init__(self, store: AuditStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._queued: dict[Hashable, AuditRow] = {}
        self._quiet: dict[Hashable, float] = {}
        self._held: dict[Hashable, AuditRow] = {}
        self._lost = self._last_ms = 0
        self._since_trim = TRIM_EVERY
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()
        self._log = logger("manager.audit")

    def note(
        self,
        who: str,
        verb: str,
        *,
        address: str = "",
        kind: str = "",
        subject: str = "",
        outcome: Outcome = "ok",
        detail: str = "",
        is_quiet: bool = False,
    ) -> None:
        """Note what somebody did; never waits.

        Args:
            who: A user, ``machine``, ``system``, ``token:ID``, or nothing.
            verb: Name of the operation.
            address: From where.
            kind: Of what it was done to.
            subject: Its id.
            outcome: What came of it.
            detail: A few words more.
            is_quiet: After the first one the same within a minute becomes one more row.
        """
        key = (who, verb, address, kind, subject, outcome, detail)
        now = self._clock.wall()
        self._last_ms = max(round(now * 1000), self._last_ms + 1)  # of two in one moment the later one is larger
        row = AuditRow(
            id=f"{self._last_ms:012x}{fresh_id(6)}",
            at=round(now, 3),
            who=who,
            address=address[:64],
            verb=verb,
            kind=kind,
            subject=subject[:200],
            outcome=outcome,
            detail=detail[:MAX_DETAIL],
        )
        if is_quiet and self._hold(key, row):
            return
        self._put(key, row)

    def _hold(self, key: Hashable, row: AuditRow) -> bool:
        """Count a row that came a short time ago as well; tell whether that is so."""
        if key not in self._quiet:
            if len(self._quiet) < MAX_QUIET:
                self._quiet[key] = row.at + QUIET_S
            return False
        held = self._held.get(key, row)
        self._held[key] = msgspec.structs.replace(held, times=held.times + (key in self._held))
        return True

    def _release(self, *, is_end: bool = False) -> None:
        """Put what was held back long enough among the rows to be written."""
        now = self._clock.wall()
        for key in [key for key, until in self._quiet.items() if until <= now or is_end]:
            del self._quiet[key]
            if key in self._held:
                self._put(key, self._held.pop(key))

    def _put(self, key: Hashable, row: AuditRow) -> None:
        before = self._queued.get(key)
        if before is not None:
            self._queued[key] = msgspec.structs.replace(before, times=before.times + row.times)
        elif len(self._queued) >= MAX_QUEUED:
            self._lost += 1
        else:
            self._queued[key] = row
        self._news.set()

    async def run(self) -> None:
        """Write for ever; what waits at the end is written then."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(QUIET_S):
                        await self._news.wait()
                await asyncio.sleep(EVERY_S)
                try:
                    await self.flush()
                except StoreUnavailable as error:
                    self._log.warning("the audit waits for the database", problem=str(error), rows=len(self._queued))
                    await asyncio.sleep(AFTER_TROUBLE_S)
        finally:
            self._release(is_end=True)
            with contextlib.suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self.flush()

    async def flush(self) -> None:
        """Return when all that was noted is durable.

        Raises:
            StoreUnavailable: The database does not answer; nothing is lost by that.
        """
        async with self._writing:
            self._release()
            self._news.clear()
            rows, lost = dict(self._queued), self._lost
            if lost:
                self._news.set()
            if rows:
                await self._store.append(list(rows.values()))
                for key in rows:
                    self._settle(key, rows[key])
            if lost:
                self._lost -= lost
                self.note(SYSTEM, "audit_overflow", outcome="failed", detail=f"{lost} rows found no room")
            await self._trim(len(rows))

    def _settle(self, key: Hashable, written: AuditRow) -> None:
        """Take a written row out; what was added to it meanwhile stays for the next time."""
        now = self._queued[key]
        del self._queued[key]
        if now.times > written.times:
            left = msgspec.structs.replace(now, id=f"{now.id[:12]}{fresh_id(6)}", times=now.times - written.times)
            self._queued[key] = left
            self._news.set()

    async def _trim(self, written: int) -> None:
        self._since_trim += written
        if written and self._since_trim >= TRIM_EVERY:
            self._since_trim = 0
            await self._store.trim(self._clock.wall() - MAX_AGE_S, MAX_ROWS)
