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

MAX_REMEMBERED = 10_000


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
    deleted: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Tasks that were deleted, or were about to be; the last 10,000."""
    creating: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a task with an idempotency key is created."""

    def note_body(self, task: str, digest: str) -> None:
        """Remember which request made a task."""
        self.bodies[task] = digest
        while len(self.bodies) > MAX_REMEMBERED:
            self.bodies.popitem(last=False)

    def note_deleted(self, task: str) -> None:
        """Remember that a task is deleted: a late repeat of the request that made it is not to make it anew."""
        self.deleted[task] = None
        while len(self.deleted) > MAX_REMEMBERED:
            self.deleted.popitem(last=False)


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """Return the application's context."""
    return request.app[CONTEXT]
