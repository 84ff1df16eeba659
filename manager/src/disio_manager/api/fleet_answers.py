"""What calls about the fleet and the manager itself answer.

Rule: as for ``answers``: these types are what the OpenAPI document shows, and nothing else is sent.
"""

from typing import Literal

from disio_manager.api.answers import Shape
from disio_manager.api.fleet_view import DistributorShown
from disio_manager.cluster import ManagerRow


class DistributorList(Shape, kw_only=True, frozen=True):
    """Every distributor ever seen."""

    items: list[DistributorShown]


class ClientItem(Shape, kw_only=True, frozen=True):
    """A connected client, by what it says of itself."""

    id: str
    distributor: str
    kind: str
    slots: int
    """Units it runs at a time."""
    languages: list[str]
    site: str
    """Of the page that embeds it."""
    software: str
    age_s: float
    """Seconds since it connected."""
    busy: int
    """Payloads it has been given and not answered."""
    platform: str
    """Family of browser and system, of a browser."""
    units: int
    """Results since it connected."""
    failures: int
    """Tries that failed since then."""
    rate: float
    """Results a second, lately."""


class ClientList(Shape, kw_only=True, frozen=True):
    """One page of clients, by distributor and id."""

    items: list[ClientItem]
    missing: list[str]
    """Distributors that could not be asked: silent, of an earlier version, or connected to another manager."""
    next_cursor: str | None
    total: int
    """Clients that match; of ``missing`` distributors all when nothing is filtered, else none."""


class ManagerList(Shape, kw_only=True, frozen=True):
    """The managers of the cluster, the one that answers first."""

    items: list[ManagerRow]


class Stats(Shape, kw_only=True, frozen=True):
    """The cluster in a few numbers."""

    rate: float
    """Payloads closed a second, lately."""
    clients: int
    kinds: dict[str, int]
    """Clients by kind."""
    queue: int
    """Payloads without a result, of tasks that are not paused."""
    eta_s: float | None
    """Seconds for all of those at that rate; null when nothing moves, or nothing is to be done."""
    slots: int
    distributors: int
    tasks: dict[str, int]
    """By state."""


class Link(Shape, kw_only=True, frozen=True):
    """How distributors reach the manager."""

    zmq_port: int
    curve_key: str
    cluster: str
    version: int


class Health(Shape, kw_only=True, frozen=True):
    """The process serves; or it can save, too."""

    status: Literal["ok", "ready"]
