"""The audit: who did what, when, from where.

Rule: rows are added and never changed; the oldest go when there are more than ``MAX_ROWS``, or when they are older than
``MAX_AGE_S``.
"""

from typing import Literal, Protocol

import msgspec

MAX_ROWS = 100_000
MAX_AGE_S = 400 * 86_400.0
"""A year and a little."""
Outcome = Literal["ok", "refused", "failed"]


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did, or was refused."""

    id: str
    """Later ones are larger."""
    at: float
    """Seconds since 1970; of several in one the first."""
    who: str
    """A user, ``machine``, ``system``, ``token:ID``, or empty: nobody knows."""
    address: str = ""
    """From where."""
    verb: str
    """The name of the operation in OpenAPI, or of what the manager did by itself."""
    kind: str = ""
    """Of the subject: ``task user token session distributor blob workunit`` or empty."""
    subject: str = ""
    """Its id."""
    outcome: Outcome = "ok"
    detail: str = ""
    times: int = 1
    """How often, in a short time."""


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows; what is empty does not matter."""

    who: str = ""
    verb: str = ""
    kind: str = ""
    subject: str = ""
    outcome: str = ""
    since: float = 0.0
    until: float = 0.0


class AuditPage(msgspec.Struct, frozen=True):
    """Rows, the newest first."""

    items: list[AuditRow]
    next_cursor: str | None
    total: int
    """Rows that match, on all pages; -1 when nobody wanted them counted."""


class AuditStore(Protocol):
    """Keeps the audit."""

    async def append(self, rows: list[AuditRow]) -> None:
        """Add rows, durably."""
        ...

    async def page(self, wanted: AuditFilter, cursor: str, limit: int, *, counts: bool = True) -> AuditPage:
        """Return the rows before the one whose id is ``cursor`` (empty: the newest); uncounted, the total is -1."""
        ...

    async def trim(self, before: float, most: int) -> int:
        """Remove rows from before a time, and the oldest beyond ``most``; return how many."""
        ...


class HasAudit(Protocol):
    """A store that keeps an audit."""

    @property
    def audit(self) -> AuditStore:
        """Where it is."""
        ...
