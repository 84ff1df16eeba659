"""Archives of inputs by their hash: upload and fetch.

Rule: a body of any size goes from the socket to the store and back in parts; never is a whole one in memory.
"""

import asyncio
import re
from collections.abc import AsyncIterator

from aiohttp import web

from disio_manager.api.bodies import check_query
from disio_manager.api.context import context_of
from disio_manager.api.problems import BadRequest
from disio_manager.api.tasks import json_answer
from disio_shared.errors import BlobNotFound, FieldProblem, InvalidDocument, StoreUnavailable

MAX_BLOB_BYTES = 256 << 30
PART_BYTES = 1 << 20
MAX_UPLOADS = 16
"""At a time; one more is asked to come again."""
SILENCE_S = 60.0
"""An upload that sends nothing for so long is broken off."""
UPLOADS: web.AppKey[asyncio.Semaphore] = web.AppKey("uploads", asyncio.Semaphore)


async def put_blob(request: web.Request) -> web.Response:
    """``PUT /api/blobs/{sha256}``: 201, or 200 when it was there already."""
    check_query(request, ())
    sha256, blobs = _hash(request), context_of(request).service.store.blobs
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest(415, "media-type", "bodies must not be compressed: Content-Encoding is refused")
    if request.content_length is not None and request.content_length > MAX_BLOB_BYTES:
        raise _too_large()
    uploads = request.app[UPLOADS]
    if uploads.locked():
        raise StoreUnavailable("blobs", f"{MAX_UPLOADS} uploads are under way", "try again in a moment")
    async with uploads:
        is_new = await blobs.put(sha256, _parts(request))
    size = await blobs.size(sha256)
    return json_answer({"sha256": sha256, "bytes": size}, 201 if is_new else 200)


async def get_blob(request: web.Request) -> web.StreamResponse:
    """``GET /api/blobs/{sha256}``, and ``HEAD``."""
    check_query(request, ())
    sha256, blobs = _hash(request), context_of(request).service.store.blobs
    size = await blobs.size(sha256)
    if size is None:
        raise BlobNotFound(sha256)
    # It is somebody's data on the manager's origin: a browser must never show it there.
    headers = {"ETag": f'"{sha256}"', "Content-Disposition": f'attachment; filename="{sha256[:12]}"'}
    response = web.StreamResponse(headers=headers)
    response.content_type, response.content_length = "application/octet-stream", size
    await response.prepare(request)
    at = 0 if request.method == "GET" else size
    while at < size:
        part = await blobs.read(sha256, at, PART_BYTES)
        if not part:
            raise StoreUnavailable(f"blob {sha256}", "is cut off")
        await response.write(part)
        at += len(part)
    await response.write_eof()
    return response


async def _parts(request: web.Request) -> AsyncIterator[bytes]:
    """Yield the body in parts of about ``PART_BYTES``.

    Raises:
        BadRequest: It is over the limit, or nothing came for ``SILENCE_S``.
    """
    total, part = 0, bytearray()
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                some = await request.content.readany()
        except TimeoutError as error:
            raise BadRequest(408, "timeout", f"no part of the body came for {SILENCE_S:g} s") from error
        total += len(some)
        if total > MAX_BLOB_BYTES:
            raise _too_large()
        part += some
        if len(part) >= PART_BYTES or (not some and part):
            yield bytes(part)
            part.clear()
        if not some:
            return


def _hash(request: web.Request) -> str:
    sha256 = request.match_info["sha256"]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise InvalidDocument([FieldProblem("sha256", "must be 64 lower-case hexadecimal digits")])
    return sha256


def _too_large() -> BadRequest:
    detail = f"the body is over the limit of {MAX_BLOB_BYTES} bytes"
    return BadRequest(413, "oversize", detail, [FieldProblem("", detail)])
