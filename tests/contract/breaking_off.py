"""Managers' stores on MongoDB whose process ends between two writes.

Rule: reads go through as ever; of writes only so many.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from disio_manager.stores.base import ManagerStore
from disio_shared.ranges import Run, runs_of

WRITES = ("insert", "replace", "update", "delete", "bulk", "find_one_and")


class PowerFailure(BaseException):
    """The process ends here."""


class CountedWrites:
    """A database that lets only so many writes through."""

    def __init__(self, db: Any, writes: int) -> None:
        self._db, self.left = db, writes

    def __getitem__(self, name: str) -> "CountedCollection":
        return CountedCollection(self._db[name], self)


class CountedCollection:
    def __init__(self, collection: Any, counter: CountedWrites) -> None:
        self._collection, self._counter = collection, counter

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._collection, name)
        if not name.startswith(WRITES):
            return found
        if self._counter.left <= 0:
            raise PowerFailure
        self._counter.left -= 1
        return found


def break_off_after(store: Any, writes: int) -> None:
    """Let a MongoDB store do so many writes from now on."""
    counted = CountedWrites(store._db, writes)
    for part in (store._writer, store._loader, store._sharing, store._writer._arrivals):
        part._db = counted


async def broke_off(store: ManagerStore, writes: int, act: Callable[[ManagerStore], Awaitable[object]]) -> bool:
    """Act with a store that breaks off after so many writes; return whether it did."""
    break_off_after(store, writes)
    try:
        await act(store)
    except PowerFailure:
        return True
    finally:
        await store.close()
    return False


def closed_by(notices: Sequence[Any]) -> tuple[list[Run], list[Run]]:
    """Return what notices say is done and failed."""
    return (
        runs_of(i for notice in notices for a, b in notice.done for i in range(a, b)),
        runs_of(i for notice in notices for i in notice.failed),
    )
