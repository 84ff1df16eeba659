"""Health, readiness and metrics.

Rule: ``healthz`` says the process serves, ``readyz`` that it can also save; neither tells a secret.
"""

import asyncio

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from disio_manager.api.context import context_of
from disio_manager.api.fleet import STATISTICS
from disio_manager.api.problems import problem_of
from disio_shared.errors import DisioError, StoreUnavailable

PING_TIMEOUT_S = 5.0


async def healthz(request: web.Request) -> web.Response:
    """``GET /healthz``."""
    return web.Response(text='{"status":"ok"}', content_type="application/json")


async def readyz(request: web.Request) -> web.Response:
    """``GET /readyz``: 503 with the reason while the database is away or cannot be written."""
    service = context_of(request).service
    try:
        if service.trouble is not None:
            raise service.trouble
        _ = service.coordinator
        async with asyncio.timeout(PING_TIMEOUT_S):
            await service.store.ping()
    except TimeoutError:
        return problem_of(StoreUnavailable("database", f"gave no answer in {PING_TIMEOUT_S:g} s"))
    except DisioError as error:
        return problem_of(error)
    return web.Response(body=msgspec.json.encode({"status": "ready"}), content_type="application/json")


async def metrics(request: web.Request) -> web.Response:
    """``GET /metrics``: Prometheus text, made at each scrape."""
    stats = await request.app[STATISTICS].read()
    registry = CollectorRegistry()
    tasks = Gauge("disio_tasks", "Tasks by state", ["state"], registry=registry)
    for state, number in stats.tasks.items():
        tasks.labels(state).set(number)
    for name, told in (
        ("rate", "Payloads closed a second, lately"),
        ("clients", "Clients connected"),
        ("slots", "Units that clients run at a time"),
        ("distributors", "Distributors online"),
    ):
        Gauge(f"disio_{name}", told, registry=registry).set(getattr(stats, name))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4"})
