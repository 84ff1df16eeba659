"""What handlers share.

Rule: one ``Context`` per application, found under one typed key; there is no module-level state.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from aiohttp import web

from disio_manager.api.feed import Feed
from disio_manager.api.fleet_view import FleetView
from disio_manager.cluster import Cluster
from disio_manager.identity import Identity
from disio_manager.service import ManagerService


@dataclass(slots=True)
class Context:
    """One running manager, as its handlers see it."""

    service: ManagerService
    identity: Identity
    feed: Feed
    fleet: FleetView
    managers: Cluster
    cluster: str
    """Id of the database."""
    zmq_port: int
    is_loopback: bool
    """Bound to loopback only."""
    bodies: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Task id to the hash of the request that made it, for requests with an idempotency key; the last 10,000."""
    creating: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a task with an idempotency key is created."""


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """Return the application's context."""
    return request.app[CONTEXT]
