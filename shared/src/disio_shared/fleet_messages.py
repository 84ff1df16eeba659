"""What operators want of a distributor, as managers tell it.

Rule: an order is the whole of what is wanted, never a change; whoever hears it twice, or late, ends up the same.
"""

import msgspec

from disio_shared.message_base import Message

MAX_BLOCKED = 10_000
"""Clients that a cluster keeps out at most."""
MAX_STOPPED_TASKS = 1_000
"""Tasks that one distributor is to leave alone at most."""


class Orders(Message, frozen=True, kw_only=True):
    """What operators want of this distributor: sent after Admitted, and whenever it changes, to who ``speaks`` it.

    Kept by the distributor until one with a higher ``version`` comes, restarts included.
    """

    version: int
    """Grows with every change in the cluster; milliseconds since 1970 or more."""
    drained: bool = False
    """Move the clients away and give everything back; take neither again."""
    paused: bool = False
    """Hand out nothing more; what runs finishes, what waits goes back."""
    stopped: bool = False
    """Paused, and what runs is told to stop: its payloads go back at once."""
    tasks: list[str] = msgspec.field(default_factory=list)
    """Tasks that are stopped here; others go on."""
    max_clients: int = 0
    """0 = as many as it was started for."""
    max_slots: int = 0
    """Units that its clients run at a time; 0 = any number."""
    reason: str = ""
    """For the volunteers, in the operator's words."""
    blocked: list[str] = msgspec.field(default_factory=list)
    """Ids of clients that are not let in."""
