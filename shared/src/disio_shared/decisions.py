"""The shape of every pure core: an event goes in, a decision comes out.

Rule: a shell commits ``changes`` to its store in one call before it performs any of ``commands``.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

EventT = TypeVar("EventT")
ChangeT = TypeVar("ChangeT")
CommandT = TypeVar("CommandT")
EventIn = TypeVar("EventIn", contravariant=True)
ChangeIn = TypeVar("ChangeIn", contravariant=True)


class Decision(msgspec.Struct, Generic[ChangeT, CommandT]):
    """What a core decided about one event."""

    changes: list[ChangeT] = msgspec.field(default_factory=list)
    """Facts to make durable, in order."""
    commands: list[CommandT] = msgspec.field(default_factory=list)
    """Things to do once the facts are durable, in order."""

    def extend(self, other: "Decision[ChangeT, CommandT]") -> None:
        """Append another decision to this one."""
        self.changes.extend(other.changes)
        self.commands.extend(other.commands)


class Core(Protocol[EventIn, ChangeT, CommandT]):
    """A pure state machine: no clock, no randomness, no I/O."""

    def handle(self, event: EventIn, now: float) -> Decision[ChangeT, CommandT]:
        """Decide what follows from ``event`` at ``now`` (seconds, any steady clock)."""
        ...

    def next_deadline(self) -> float | None:
        """Return when the core wants a ``Tick`` at the latest, or None when nothing is due."""
        ...


class Store(Protocol[ChangeIn]):
    """Where a shell makes changes durable."""

    async def commit(self, changes: Sequence[ChangeIn]) -> None:
        """Make all changes durable, atomically or idempotently, before returning."""
        ...
