"""Uploads by their hash.

Rule: bytes are read as they are sent; what is there already, or a beginning of it, is not sent.
"""

import asyncio
from collections.abc import AsyncIterable

import aiohttp

from disio.rest.transport import Transport

ANSWER_S = 600.0
"""Seconds that a manager may take to store an upload."""


async def blob_offset(transport: Transport, sha256: str) -> int | None:
    """Return how many bytes of an upload the manager has; None = all of them.

    Raises:
        RestProblem: It is refused.
        ManagerUnreachable: No answer.
    """
    with transport.answering():
        path = f"{transport.url}/api/blobs/{sha256}"
        async with asyncio.timeout(transport.timeout_s), transport.session.head(path) as answer:
            if answer.status != 404:
                await transport.check(answer)
                return None
            told = answer.headers.get("Upload-Offset", "0")
            return int(told) if told.isdecimal() else 0


async def put_blob(transport: Transport, sha256: str, pieces: AsyncIterable[bytes], size: int, offset: int = 0) -> None:
    """Upload bytes, or what is missing of them.

    Args:
        transport: To the manager.
        sha256: Hash of all bytes.
        pieces: Those from ``offset`` on, read as they are sent.
        size: How many there are in all.
        offset: How many the manager has, as ``blob_offset`` tells.

    Raises:
        RestProblem: They are refused.
        ManagerUnreachable: No answer, or it cannot take them now.
    """
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size - offset)}
    headers |= {"Upload-Offset": str(offset)} if offset else {}
    timeout = aiohttp.ClientTimeout(total=None, connect=transport.timeout_s, sock_read=ANSWER_S)
    with transport.answering():
        path = f"{transport.url}/api/blobs/{sha256}"
        async with transport.session.put(path, data=pieces, headers=headers, timeout=timeout) as answer:
            await transport.check(answer)
