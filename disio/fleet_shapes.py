"""The shapes of what commands about the fleet print with ``--json``: orders, and clients that are kept out.

Rule: as in ``disio.shapes``, where commands find them.
"""

from typing import Literal

from disio.machine_shapes import Shape


class WantedOrders(Shape):
    """What operators want of a distributor."""

    drained: bool
    paused: bool
    stopped: bool
    tasks: list[str]
    """Stopped there."""
    max_clients: int
    max_slots: int
    reason: str


class OrderedDistributor(Shape):
    """``disio fleet drain`` and the like: the distributor as it is then."""

    id: str
    name: str
    state: str
    orders: WantedOrders


class BlockedClient(Shape):
    """``disio fleet block``."""

    client: str
    reason: str
    at: float


class BlockedClients(Shape):
    """``disio fleet blocked``."""

    items: list[BlockedClient]
    total: int


class Unblocked(Shape):
    """``disio fleet unblock``."""

    client: str
    blocked: Literal[False]
