"""What operators want of the fleet: of each distributor, and which clients are kept out.

Rule: one document holds all of it under one version, so every manager and distributor of a cluster comes to the same,
whoever was asked.
"""

import msgspec

from disio_shared import messages


class DistributorOrders(msgspec.Struct, frozen=True, kw_only=True):
    """What operators want of one distributor; the defaults want nothing of it."""

    drained: bool = False
    """Its clients move away and its work goes back."""
    paused: bool = False
    """It hands out nothing more."""
    stopped: bool = False
    """And what its clients run is told to stop."""
    tasks: list[str] = []
    """Tasks that are stopped there."""
    max_clients: int = 0
    """0 = as started."""
    max_slots: int = 0
    """0 = any number."""
    reason: str = ""
    """For volunteers."""
    at: float = 0.0
    """When it was last changed, seconds since 1970; 0 = never."""

    @property
    def state(self) -> str:
        """Return the state of a distributor that is there and obeys."""
        return "draining" if self.drained else "paused" if self.paused or self.stopped else "online"


class BlockedClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that is kept out."""

    client: str
    reason: str = ""
    """For operators."""
    at: float
    """Seconds since 1970."""


NOTHING = DistributorOrders()


class FleetOrders(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    version: int = 0
    distributors: dict[str, DistributorOrders] = {}
    """By id; those of whom something is wanted."""
    blocked: dict[str, BlockedClient] = {}
    """By id of the client, the longest blocked first."""

    def of(self, distributor: str) -> DistributorOrders:
        """Return what is wanted of a distributor."""
        return self.distributors.get(distributor, NOTHING)

    def message_for(self, distributor: str) -> messages.Orders:
        """Return what a distributor is told."""
        wanted = self.of(distributor)
        return messages.Orders(
            version=self.version,
            drained=wanted.drained,
            paused=wanted.paused,
            stopped=wanted.stopped,
            tasks=wanted.tasks,
            max_clients=wanted.max_clients,
            max_slots=wanted.max_slots,
            reason=wanted.reason,
            blocked=list(self.blocked),
        )


NOBODY = FleetOrders()
"""Nothing is wanted of anybody."""
