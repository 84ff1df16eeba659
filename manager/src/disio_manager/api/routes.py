"""Which path is whose.

Rule: the table of operations is the whole surface of the manager's HTTP interface.
"""

import asyncio

from aiohttp import web

from disio_manager.api import blobs, describing, fleet, public_page
from disio_manager.api.audited import note_calls
from disio_manager.api.calling import CALLS, calls_of
from disio_manager.api.context import CONTEXT, Context
from disio_manager.api.guard import add_headers, check_caller, check_host
from disio_manager.api.operation import route
from disio_manager.api.operations import OPERATIONS
from disio_manager.api.problems import translate_errors
from disio_shared.taskdoc import MAX_DOCUMENT_BYTES


def make_app(context: Context, statistics: fleet.Statistics) -> web.Application:
    """Return the application that serves one manager."""
    app = web.Application(
        middlewares=[translate_errors, check_host, note_calls, check_caller], client_max_size=MAX_DOCUMENT_BYTES + 1
    )
    app[CONTEXT], app[fleet.STATISTICS] = context, statistics
    app[CALLS] = calls_of(OPERATIONS)
    app[describing.DESCRIPTION] = describing.Description(OPERATIONS)
    app[public_page.PAGES] = public_page.PublicPages()
    app[blobs.UPLOADS] = asyncio.Semaphore(blobs.MAX_UPLOADS)
    app.on_response_prepare.append(add_headers)
    app.add_routes([route(operation) for operation in OPERATIONS])
    return app
