"""The document of a task, as it stands now.

Rule: it is made of the task's record alone, so it is what is stored.
"""

import asyncio
import hashlib

import msgspec
from aiohttp import web

from disio_manager.api.context import context_of
from disio_manager.api.tasks import task_record
from disio_manager.core.records import TaskRecord
from disio_shared.canonical import NamedUnit, StoredDocument, canonical


async def get_document(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/document``: its canonical bytes, edits included."""
    record = await task_record(context_of(request), request.match_info["id"])
    body, digest = await asyncio.to_thread(_written, record)
    headers = {"ETag": f'"{digest}"'}
    if any(tag.value in (digest, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


def _written(record: TaskRecord) -> tuple[bytes, str]:
    body = canonical(stored_of(record))
    return body, hashlib.sha256(body).hexdigest()


def stored_of(record: TaskRecord) -> StoredDocument:
    """Return a task's document as it is kept, secrets included."""
    return StoredDocument(
        name=record.name,
        tags=record.tags,
        description=record.description,
        workunit=NamedUnit(
            language=record.language,
            sha256=record.workunit,
            runtime=record.runtime,
            output=record.terms.output,
            clock=record.terms.clock,
        ),
        payloads=msgspec.Raw(record.payloads),
        policy=record.policy,
        public=record.public,
        webhooks=record.webhooks,
        aggregates=record.aggregates,
    )
