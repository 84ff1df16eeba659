"""Uploads by their hash: in as many pieces as it takes, and fetched again.

Rule: a body of any size goes from the socket to the store and back in parts, never is a whole one in memory, and what
came of one that broke off is kept. Header names: draft-ietf-httpbis-resumable-upload.
"""

import asyncio
import re
from collections.abc import AsyncIterator

from aiohttp import web

from disio_manager.api.answers import BlobBegun, BlobStored, json_answer
from disio_manager.api.context import context_of
from disio_manager.api.problems import BadRequest, problem
from disio_manager.stores.base import BlobStore
from disio_manager.stores.uploads import Digest, UploadConflict
from disio_shared.errors import BlobNotFound, FieldProblem, InvalidDocument, StoreUnavailable

MAX_BLOB_BYTES = 256 << 30
PART_BYTES = 1 << 20
MAX_UPLOADS = 16
"""At a time; one more is asked to come again."""
SILENCE_S = 60.0
"""An upload that sends nothing for so long is broken off."""
OFFSET, COMPLETE = "Upload-Offset", "Upload-Complete"
UPLOAD_HEADERS = {
    OFFSET: "Where the body goes on, as HEAD tells; 0, or no such header, begins anew",
    COMPLETE: "`?0`: more comes in another request; `?1`, or no such header: the body goes to the end",
}
UPLOADS: web.AppKey[asyncio.Semaphore] = web.AppKey("uploads", asyncio.Semaphore)


async def put_blob(request: web.Request) -> web.Response:
    """``PUT /api/blobs/{sha256}``, and ``PATCH``: 201, or 200 when it was there already; 202 when more is to come."""
    sha256, blobs = _hash(request), context_of(request).service.store.blobs
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest(415, "media-type", "bodies must not be compressed: Content-Encoding is refused")
    offset, is_last = _offset(request), _is_last(request)
    if offset + (request.content_length or 0) > MAX_BLOB_BYTES:
        raise _too_large()
    uploads = request.app[UPLOADS]
    if uploads.locked():
        raise StoreUnavailable("blobs", f"{MAX_UPLOADS} uploads are under way", "try again in a moment")
    async with uploads:
        if await blobs.size(sha256) is not None:
            await _compare(sha256, offset, _parts(request, offset))
            is_new = await blobs.finish(sha256)
        else:
            try:
                here = await blobs.append(sha256, offset, _parts(request, offset), is_last=is_last)
                if not is_last:
                    headers = {OFFSET: str(here), COMPLETE: "?0"}
                    return json_answer(BlobBegun(sha256=sha256, offset=here), 202, headers)
                is_new = await blobs.finish(sha256)
            except UploadConflict as error:
                return problem(409, error.code, str(error), headers={OFFSET: str(error.expected), COMPLETE: "?0"})
    return await _stored(blobs, sha256, is_new)


async def get_blob(request: web.Request) -> web.StreamResponse:
    """``GET /api/blobs/{sha256}``, and ``HEAD``, which tells how much of it came as well."""
    sha256, blobs = _hash(request), context_of(request).service.store.blobs
    size = await blobs.size(sha256)
    if size is None:
        error = BlobNotFound(sha256)
        headers = {OFFSET: str(await blobs.offset(sha256)), COMPLETE: "?0"}
        return problem(error.http_status, error.code, str(error), headers=headers)
    # It is somebody's data on the manager's origin: a browser must never show it there.
    disposition = f'attachment; filename="{sha256[:12]}"'
    response = web.StreamResponse(headers={"ETag": f'"{sha256}"', "Content-Disposition": disposition, COMPLETE: "?1"})
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


async def _stored(blobs: BlobStore, sha256: str, is_new: bool) -> web.Response:
    size = await blobs.size(sha256)
    if size is None:
        raise BlobNotFound(sha256)
    return json_answer(BlobStored(sha256=sha256, bytes=size), 201 if is_new else 200, {COMPLETE: "?1"})


async def _compare(sha256: str, offset: int, parts: AsyncIterator[bytes]) -> None:
    """Take in the body of a blob that is there.

    Raises:
        InvalidDocument: It is a whole one, of another hash.
    """
    digest = Digest()
    async for part in parts:
        await asyncio.to_thread(digest.add, part)
    if not offset:
        digest.check(sha256)


async def _parts(request: web.Request, offset: int) -> AsyncIterator[bytes]:
    """Yield the body in parts of about ``PART_BYTES``; of one that breaks off what came of it, before the trouble.

    Raises:
        BadRequest: It is over the limit, or nothing came for ``SILENCE_S``.
    """
    total, part = offset, bytearray()
    trouble: Exception | None = None
    while trouble is None:
        some = b""
        try:
            async with asyncio.timeout(SILENCE_S):
                some = await request.content.readany()
        except TimeoutError:
            trouble = BadRequest(408, "timeout", f"no part of the body came for {SILENCE_S:g} s")
        except ConnectionError:  # nobody hears that
            trouble = BadRequest(400, "cut-off", "the body broke off: HEAD tells how much of it is kept")
        except Exception as error:  # whatever aiohttp makes of a body that is none
            trouble = error
        total += len(some)
        if total > MAX_BLOB_BYTES:
            raise _too_large()
        part += some
        if len(part) >= PART_BYTES or (not some and part):
            yield bytes(part)
            part.clear()
        if not some and trouble is None:
            return
    raise trouble


def _hash(request: web.Request) -> str:
    sha256 = request.match_info["sha256"]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise InvalidDocument([FieldProblem("sha256", "must be 64 lower-case hexadecimal digits")])
    return sha256


def _offset(request: web.Request) -> int:
    text = request.headers.get(OFFSET, "0")
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise _wrong_header(OFFSET, "must be a number of bytes")
    return int(text)


def _is_last(request: web.Request) -> bool:
    text = request.headers.get(COMPLETE, "?1")
    if text not in ("?0", "?1"):
        raise _wrong_header(COMPLETE, "must be ?0 or ?1")
    return text == "?1"


def _wrong_header(name: str, problem: str) -> BadRequest:
    return BadRequest(400, "bad-request", f"the header {name} {problem}", [FieldProblem(name, problem)])


def _too_large() -> BadRequest:
    detail = f"the body is over the limit of {MAX_BLOB_BYTES} bytes"
    return BadRequest(413, "oversize", detail, [FieldProblem("", detail)])
