"""What handlers share.

Rule: one ``Context`` per application, found under one typed key; there is no module-level state.
"""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from disio_manager.aggregating import Aggregating
from disio_manager.api.awaiting import Awaiting
from disio_manager.api.feed import Feed
from disio_manager.api.fleet_view import FleetView
from disio_manager.chains import Chains
from disio_manager.cluster import Cluster
from disio_manager.identity import Identity
from disio_manager.operating import Operating
from disio_manager.people.gate import Gate
from disio_manager.questions import Questions
from disio_manager.service import ManagerService
from disio_manager.sites import SiteBook
from disio_manager.tracing import Tracing
from disio_manager.watching import Watching
from disio_manager.webhooks import Webhooks


@dataclass(slots=True)
class Context:
    """One running manager, as its handlers see it."""

    service: ManagerService
    identity: Identity
    feed: Feed
    fleet: FleetView
    managers: Cluster
    webhooks: Webhooks
    chains: Chains
    aggregating: Aggregating
    tracing: Tracing
    questions: Questions
    gate: Gate
    operating: Operating
    watching: Watching
    sites: SiteBook
    cluster: str
    """Id of the database."""
    zmq_port: int
    is_loopback: bool
    """Bound to loopback only."""
    awaiting: Awaiting = field(default_factory=Awaiting)
    making: dict[str, asyncio.Event] = field(default_factory=dict)
    """Of each idempotency key whose task is being made just now, what is set when that is over."""


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """Return the application's context."""
    return request.app[CONTEXT]
