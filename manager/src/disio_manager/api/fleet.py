"""The fleet, the cluster's numbers, who is calling, and how distributors reach the link.

Rule: these answers are views of this moment; they change nothing.
"""

import asyncio
import contextlib
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import json_answer
from disio_manager.api.calling import caller_of
from disio_manager.api.context import context_of
from disio_manager.api.event_stream import EventStream
from disio_manager.api.fleet_answers import DistributorList, Link, ManagerList, Stats
from disio_manager.api.journals import journal_of
from disio_manager.api.news import USUAL, Topics
from disio_manager.api.queries import Query
from disio_manager.service import ManagerService
from disio_shared.messages import PROTOCOL_VERSION

CLOSED_STATES = ("done", "failed", "cancelled", "expired")
RECOUNT_S = 5.0
"""Seconds for which the numbers of closed tasks are good."""
PING_S = 15.0
LONGEST_S = 600.0
"""A stream of who may be signed out ends after so long, and begins anew if they are not."""


class EventsQuery(Query, kw_only=True, frozen=True):
    """Which news, and for how long."""

    topics: Annotated[
        str,
        Meta(
            max_length=2_000,
            pattern="^[A-Za-z0-9_:,-]*$",
            description="Of tasks, task:ID, fleet, stats, attention, results:ID",
        ),
    ] = USUAL
    seconds: Annotated[float, Meta(ge=0, le=86_400, description="After which the stream ends; 0 = never")] = 0.0
    last_event_id: Annotated[str, Meta(max_length=100, description="As the header Last-Event-ID")] = ""


class Statistics:
    """The cluster in a few numbers; closed tasks are counted by the store, now and then."""

    def __init__(self, service: ManagerService) -> None:
        self._service = service
        self._closed: dict[str, int] = {}
        self._counted_at = float("-inf")

    async def read(self) -> Stats:
        """Return the numbers.

        Raises:
            StoreUnavailable: The manager waits for its database.
        """
        now = self._service.clock.steady()
        if now - self._counted_at >= RECOUNT_S:
            store = self._service.store
            self._closed = {state: (await store.tasks(state, "", 1, "")).total for state in CLOSED_STATES}
            self._counted_at = now
        stats = self._service.coordinator.stats(now)
        return Stats(
            rate=round(stats.rate, 3),
            clients=stats.clients,
            kinds=stats.kinds,
            queue=stats.queue,
            eta_s=round(stats.queue / stats.rate, 1) if stats.queue and stats.rate > 1e-6 else None,
            slots=stats.slots,
            distributors=stats.distributors,
            tasks=stats.tasks | self._closed,
        )


STATISTICS: web.AppKey[Statistics] = web.AppKey("statistics", Statistics)


async def list_distributors(request: web.Request) -> web.Response:
    """``GET /api/distributors``."""
    return json_answer(DistributorList(items=context_of(request).fleet.rows()))


async def list_managers(request: web.Request) -> web.Response:
    """``GET /api/managers``."""
    return json_answer(ManagerList(items=context_of(request).managers.rows()))


async def get_stats(request: web.Request) -> web.Response:
    """``GET /api/stats``."""
    return json_answer(await request.app[STATISTICS].read())


async def get_link(request: web.Request) -> web.Response:
    """``GET /api/link``: public, distributors read it before they have anything."""
    context = context_of(request)
    return json_answer(
        Link(
            zmq_port=context.zmq_port,
            curve_key=context.identity.curve_public.decode(),
            cluster=context.cluster,
            version=PROTOCOL_VERSION,
        )
    )


def _longest(request: web.Request, wanted_s: float) -> float | None:
    """Return the seconds that a stream may last; None = any time."""
    if caller_of(request).how == "machine":
        return wanted_s or None
    return min(wanted_s or LONGEST_S, LONGEST_S)


async def get_events(request: web.Request, query: EventsQuery) -> web.StreamResponse:
    """``GET /api/events``: server-sent events."""
    context, topics = context_of(request), Topics.parse(query.topics)
    if topics.of("results"):
        journal_of(context.service.store, "topics")
    feed = context.feed
    viewer = await feed.open(topics, request.headers.get("Last-Event-ID", "") or query.last_event_id)
    stream = EventStream(PING_S)
    # A viewer that goes away, or reads too slowly, ends the stream and nothing else.
    with contextlib.suppress(ConnectionError, TimeoutError):
        try:
            await stream.prepare(request)
            async with stream, asyncio.timeout(_longest(request, query.seconds)):
                # While nothing happens only a ping finds out that the viewer is gone.
                gone = asyncio.create_task(stream.wait())
                gone.add_done_callback(lambda _: viewer.end())
                while stream.is_connected() and (some := await viewer.take()):
                    await stream.tell(request, b"".join(map(feed.ring.told, some)))
        finally:
            feed.close(viewer)
    return stream
