"""What is worked out of a task's rows and kept, so that a restart goes on where it was.

Rule: a snapshot is nothing but what its rows would give again; losing one, or an older one put over a newer, costs time
and no fact.
"""

from typing import Protocol

MAX_BYTES = 8 << 20
"""Of one snapshot."""


class SnapshotStore(Protocol):
    """Keeps snapshots, one under each name of a task; they go with the task."""

    async def put(self, task: str, name: str, body: bytes) -> None:
        """Keep at most ``MAX_BYTES``, in place of what was there; of a task that is gone nothing."""
        ...

    async def get(self, task: str, name: str) -> bytes | None:
        """Return a snapshot, if there is one."""
        ...


class HasSnapshots(Protocol):
    """A store that keeps snapshots."""

    @property
    def snapshots(self) -> SnapshotStore:
        """Where they are."""
        ...
