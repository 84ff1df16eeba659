"""Which tasks are looked for, and in which order they are shown.

Rule: a total counts every task that fits, whatever the page; a page goes on behind the last task of the one before, so
nothing comes twice while nothing changes.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.stores.rows import TaskPage
from disio_shared.ranges import Run

Sort = Literal["newest", "ended", "progress"]
MAX_IDS = 100_000
"""Tasks that one question about all of them may name."""
END = 2**62


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks; all of it must fit, and what is empty always does."""

    states: Sequence[str] = ()
    q: str = ""
    """A part of the name or of a tag, in any case."""
    numbers: Sequence[Run] = ()
    ids: Sequence[str] = ()
    created: tuple[float, float] | None = None
    """From the first to before the second, seconds since 1970."""
    ended: tuple[float, float] | None = None
    owner: str = ""
    """As in ``TaskRecord.owner``."""
    has_failures: bool = False
    """It has payloads that failed for good."""


class Cursor(NamedTuple):
    """Behind which task a page begins."""

    key: float
    """What the order is by."""
    number: int

    @classmethod
    def parse(cls, text: str, sort: Sort) -> "Cursor":
        """Return the place that a text names; of none it is the begin.

        Raises:
            ValueError: It is none.
        """
        if not text:
            return cls(float("inf"), END)
        if sort == "newest":
            return cls(float(text), int(text))
        key, _, number = text.partition("_")
        return cls(float(key), int(number))

    def text(self, sort: Sort) -> str:
        """Return it as a text of letters that need no quoting."""
        return str(self.number) if sort == "newest" else f"{self.key!r}_{self.number}"


def key_of(record: TaskRecord, sort: Sort) -> float:
    """Return what a task's place in an order is by; the largest come first."""
    if sort == "newest":
        return float(record.number)
    if sort == "ended":
        return record.finished_at or 0.0
    return progress(record.done + record.failed, record.total)


def progress(closed: int, total: int) -> float:
    """Return the share of payloads that are done or failed."""
    return closed / total if total else 0.0


def paged(found: list[TaskRecord], total: int, sort: Sort, limit: int) -> TaskPage:
    """Return a page of tasks, of which one more than fits was looked for."""
    items = found[:limit]
    more = len(found) > limit and bool(items)
    last = Cursor(key_of(items[-1], sort), items[-1].number).text(sort) if more else None
    return TaskPage(items=items, next_cursor=last, total=total)


class Matches(NamedTuple):
    """Tasks that fit."""

    ids: list[str]
    """At most ``MAX_IDS``."""
    total: int


class FindingStore(Protocol):
    """Finds tasks."""

    async def page(self, wanted: TaskFilter, sort: Sort, limit: int, cursor: Cursor) -> TaskPage:
        """Return up to ``limit`` tasks behind a place."""
        ...

    async def ids(self, wanted: TaskFilter) -> Matches:
        """Return the tasks that fit, oldest first."""
        ...


class HasFinding(Protocol):
    """A store that finds tasks."""

    @property
    def finding(self) -> FindingStore:
        """Where they are."""
        ...


async def newest(
    store: FindingStore, state: str, q: str, limit: int, cursor: str, numbers: Sequence[Run] = ()
) -> TaskPage:
    """Return a page of tasks in a state (empty = any) by name or tag, newest first."""
    wanted = TaskFilter(states=(state,) if state else (), q=q, numbers=numbers)
    return await store.page(wanted, "newest", limit, Cursor.parse(cursor if cursor.isdecimal() else "", "newest"))
