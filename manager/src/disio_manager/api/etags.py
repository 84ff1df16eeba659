"""Answers with an ETag: who has one already is told so, and who would change something says of which version.

Rule: a tag is weak and of the bytes of the answer, so it changes with everything that is shown; that of a task begins
with the task's version, which changes with everything but progress.
"""

import hashlib

from aiohttp import web

from disio_manager.api.problems import BadRequest
from disio_manager.core.records import TaskRecord
from disio_shared.errors import FieldProblem

MAX_BYTES = 1 << 20
"""Of a body that is hashed."""


def tagged(request: web.Request, response: web.StreamResponse, version: str = "") -> web.StreamResponse:
    """Return an answer with its ETag, or 304 when the request names that.

    Args:
        request: What is answered.
        response: To it; one that has a tag, is no 200, or is large stays as it is.
        version: What the tag begins with.
    """
    body = response.body if isinstance(response, web.Response) else None
    if response.status != 200 or "ETag" in response.headers or not isinstance(body, bytes) or len(body) > MAX_BYTES:
        return response
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    tag = f"{version}-{digest}" if version else digest
    headers = {"ETag": f'W/"{tag}"', "Cache-Control": "private, no-cache"}
    if any(each.value in (tag, "*") for each in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    response.headers.update(headers)
    return response


def check_version(request: web.Request, record: TaskRecord) -> None:
    """Make sure that a task is in the version that ``If-Match`` names: ``"7"``, or an ETag of the task.

    Raises:
        BadRequest: It is in another one.
    """
    wanted = request.headers.get("If-Match", "")
    if not wanted:
        return
    if any(each.value == "*" or each.value.partition("-")[0] == str(record.version) for each in request.if_match or ()):
        return
    message = f"the task is in version {record.version} by now: look at it again"
    raise BadRequest(412, "version", f"If-Match: {message}", [FieldProblem("If-Match", message)])
