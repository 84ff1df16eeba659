"""Which path is whose.

Rule: this table is the whole surface of the manager's HTTP interface.
"""

import asyncio

from aiohttp import web

from disio_manager.api import blobs, creating, fleet, health, payloads, results, tasks, workunits
from disio_manager.api.context import CONTEXT, Context
from disio_manager.api.guard import add_headers, check_host, check_token
from disio_manager.api.problems import translate_errors
from disio_shared.taskdoc import MAX_DOCUMENT_BYTES

VERBS = "pause|resume|cancel|retry"


def make_app(context: Context, statistics: fleet.Statistics) -> web.Application:
    """Return the application that serves one manager."""
    app = web.Application(
        middlewares=[translate_errors, check_host, check_token], client_max_size=MAX_DOCUMENT_BYTES + 1
    )
    app[CONTEXT], app[fleet.STATISTICS] = context, statistics
    app[blobs.UPLOADS] = asyncio.Semaphore(blobs.MAX_UPLOADS)
    app.on_response_prepare.append(add_headers)
    app.add_routes(
        [
            web.post("/api/tasks", creating.create_task),
            web.get("/api/tasks", tasks.list_tasks),
            web.get("/api/tasks/{id}", tasks.get_task),
            web.patch("/api/tasks/{id}", tasks.edit_task),
            web.delete("/api/tasks/{id}", tasks.delete_task),
            web.post(f"/api/tasks/{{id}}/{{verb:{VERBS}}}", tasks.use_verb),
            web.post("/api/tasks/{id}/clone", creating.clone_task),
            web.get("/api/tasks/{id}/results", results.get_results),
            web.get("/api/tasks/{id}/failures", results.get_failures),
            web.get("/api/tasks/{id}/payloads/{index}", payloads.get_payload),
            web.get("/api/tasks/{id}/explain", tasks.explain_task),
            web.post("/api/payloads/preview", creating.preview_payloads),
            web.put("/api/workunits/{sha256}", workunits.put_workunit),
            web.get("/api/workunits/{sha256}", workunits.get_workunit),
            web.put("/api/blobs/{sha256}", blobs.put_blob),
            web.get("/api/blobs/{sha256}", blobs.get_blob),
            web.get("/api/distributors", fleet.list_distributors),
            web.post("/api/distributors/{id}/drain", fleet.drain_distributor),
            web.get("/api/managers", fleet.list_managers),
            web.get("/api/stats", fleet.get_stats),
            web.get("/api/events", fleet.get_events),
            web.get("/api/me", fleet.get_me),
            web.get("/api/link", fleet.get_link),
            web.get("/healthz", health.healthz),
            web.get("/readyz", health.readyz),
            web.get("/metrics", health.metrics),
        ]
    )
    return app
