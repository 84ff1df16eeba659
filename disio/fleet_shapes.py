"""The shapes of what commands about the fleet print with ``--json``: orders, clients that are kept
out, and sites.

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


class SiteNumbers(Shape):
    """What was counted of a site."""

    opened: int
    granted: int
    declined: int
    revoked: int
    opt_in_rate: float | None
    visits: int
    mean_s: float | None
    median_s: float | None
    mode_s: float | None
    units: int
    unit_seconds: float


class Site(SiteNumbers):
    """One site."""

    site: str
    name: str
    active: int


class Sites(Shape):
    """``disio sites``."""

    items: list[Site]
    total: int
    days: int
    resolution: float


class SiteDay(SiteNumbers):
    """One day of a site."""

    at: float


class SiteDays(Site):
    """``disio sites SITE``."""

    days: list[SiteDay]
    resolution: float
