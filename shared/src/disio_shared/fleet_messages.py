"""What operators want of a distributor, and what distributors count of the sites that embed them.

Rule: both are told whole, never as a change; whoever hears it twice, or late, ends up the same.
"""

import msgspec

from disio_shared.message_base import Message, Part

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


class SiteDay(Part, frozen=True, kw_only=True):
    """What one distributor counted of one site on one day; every number only grows."""

    site: str
    """The origin of the page, as the visitor's browser says it; ``others``: sites beyond the limit, together."""
    day: int
    """Days since 1970-01-01 UTC."""
    version: int
    """Grows with every change of the row."""
    name: str = ""
    """The ``data-site`` that was told last."""
    opened: int = 0
    """Consent frames fetched."""
    granted: int = 0
    declined: int = 0
    revoked: int = 0
    visits: int = 0
    """Visits that ended."""
    visit_seconds: float = 0.0
    """Of them together."""
    lengths: list[int] = msgspec.field(default_factory=list)
    """Of them, how many were how long: see ``disio_shared.visit_lengths``."""
    units: int = 0
    """Results taken from its visitors."""
    unit_seconds: float = 0.0
    """They computed so long, as they say."""


class Sites(Message, frozen=True, kw_only=True):
    """What a distributor counted, to managers that ``Admitted.hears`` it: rows that changed, at times all it has."""

    rows: list[SiteDay] = msgspec.field(default_factory=list)
    active: dict[str, int] = msgspec.field(default_factory=dict)
    """Site to the visitors that are connected now."""
    loader: str = ""
    """Path under which this version of the loader stays the same for ever."""
    integrity: str = ""
    """Of the loader, for the ``integrity`` attribute."""
