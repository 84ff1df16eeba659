"""Requests with an ``Idempotency-Key``: a repeat finds what the first one made.

Rule: whether the task is there is looked up before its key is, and a DELETE voids the key before it removes the task:
so a repeat that comes after a DELETE makes no second task, over restarts and whichever manager it meets.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from disio_manager.api.context import Context
from disio_manager.api.problems import BadRequest
from disio_manager.core.records import TaskRecord
from disio_shared.errors import ConflictError, FieldProblem, InvalidDocument
from disio_shared.taskdoc import ParsedTask

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
MAX_KEY = 255
WAIT_S = 10.0
"""A request waits so long for one with the same key that came before it."""


class Wanted(NamedTuple):
    """A checked document, and the hash of its canonical form."""

    task: ParsedTask
    document_sha256: str


class KeyInUse(ConflictError):
    """Another request with the same key is not answered yet."""

    code = "key-in-use"
    retryable = True

    def __init__(self) -> None:
        super().__init__(f"another request with this {HEADER} is under way: try again in a moment")


def key_of(request: web.Request) -> str:
    """Return the key of a request, or nothing.

    Raises:
        BadRequest: It is none.
    """
    key = request.headers.get(HEADER, "")
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        message = f"at most {MAX_KEY} printable ASCII characters"
        raise BadRequest(400, "bad-request", f"{HEADER}: {message}", [FieldProblem(HEADER, message)])
    return key


async def create_once(
    context: Context, key: str, wanted: Wanted, create: Callable[[str], Awaitable[object]]
) -> tuple[str, bool]:
    """Create the task of a key, or find it again; return its id, and whether it was there.

    Raises:
        BadRequest: The key came before with another document, or its task is deleted.
        KeyInUse: Another request creates it just now.
    """
    digest = hashlib.sha256(f"{context.cluster}\n{key}".encode()).hexdigest()
    try:
        async with asyncio.timeout(WAIT_S):
            while (other := context.making.get(digest)) is not None:
                await other.wait()
    except TimeoutError:
        raise KeyInUse from None
    over = context.making[digest] = asyncio.Event()
    try:
        return await _create_once(context, digest, wanted, create)
    finally:
        del context.making[digest]
        over.set()


async def _create_once(
    context: Context, digest: str, wanted: Wanted, create: Callable[[str], Awaitable[object]]
) -> tuple[str, bool]:
    keys, task = context.service.store.keys, f"k{digest[:23]}"
    view = context.service.coordinator.task_view(task, context.service.clock.steady())
    record = view.record if view is not None else await context.service.store.task(task)
    found = await keys.remember(digest, wanted.document_sha256, task, context.service.clock.wall())
    if found.document_sha256 != wanted.document_sha256 or (record is not None and not _is_same(record, wanted)):
        raise _used_up("came before with another document: use a fresh key")
    if record is not None:
        return task, True
    if found.is_void:
        raise _used_up("made a task that is deleted: use a fresh key")
    try:
        await create(task)
    except InvalidDocument:
        await keys.free(digest)  # nothing was made: a better document may come with it
        raise
    return task, False


def _used_up(message: str) -> BadRequest:
    return BadRequest(422, "idempotency-key", f"{HEADER} {message}", [FieldProblem(HEADER, message)])


def _is_same(record: TaskRecord, wanted: Wanted) -> bool:
    """Tell whether a task was made by this document; of one that an earlier version made only the inputs tell."""
    if record.document_sha256:
        return record.document_sha256 == wanted.document_sha256
    return (record.workunit, record.payloads) == (wanted.task.workunit, wanted.task.payloads)
