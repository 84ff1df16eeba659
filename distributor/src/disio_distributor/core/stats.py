"""What people and managers want to know of a distributor at a glance.

Rule: numbers only; reading them changes nothing.
"""

import msgspec


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a dispatcher."""

    clients: int
    """Welcomed sessions."""
    slots: int
    """Units they run at a time."""
    kinds: dict[str, int]
    """Sessions per kind."""
    rate: float
    """Results a second, lately."""
    outbox_entries: int
    outbox_results: int
    """Results and failures not yet committed by a manager."""
    outbox_bytes: int
    held_payloads: int
    """Open payloads: ready or assigned."""
    assigned_payloads: int
    blocks: int
    tasks: int
    space: float
    """Share of the cache's space that is used, 0 to 1."""
    managers: int
    """Links with a session."""
    draining: bool
