"""Answers that are one JSON value a line.

Rule: what has come is passed on and forgotten, whole lines at a time; a line too long for that is an error.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

import msgspec

from disio.rest.transport import Transport
from disio_shared.errors import OversizeMessage

MAX_LINE = 64 << 20
"""Bytes of one result as a line: payload and result in base64, and what is around them."""


class ResultLine(msgspec.Struct):
    """One result, in the manager's own words."""

    i: int
    result: msgspec.Raw
    name: str = ""
    """The input's, if inputs are files."""
    payload: msgspec.Raw = msgspec.Raw(b"null")
    client: str = ""
    seconds: float = 0.0
    line: bytes = b""
    """All of it: JSON without the line's end."""


_results = msgspec.json.Decoder(ResultLine)


async def texts(
    transport: Transport, path: str, heard: Callable[[Mapping[str, str]], object] | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield an answer as it comes, cut after lines; aiohttp's own reader refuses lines over twice its buffer.

    Args:
        transport: To the manager.
        path: What is asked for.
        heard: Gets the answer's headers before the first line.

    Raises:
        OversizeMessage: A line is over ``MAX_LINE``.
        ManagerUnreachable: No answer, or it broke off.
    """
    held = bytearray()
    with transport.answering():
        async with transport.session.get(transport.url + path) as answer:
            await transport.check(answer)
            if heard is not None:
                heard(answer.headers)
            async for part in answer.content.iter_any():
                end = part.rfind(b"\n") + 1
                if end:
                    yield bytes(held) + part[:end]
                    held.clear()
                held += part[end:]
                if len(held) > MAX_LINE:
                    raise OversizeMessage(len(held), MAX_LINE)


async def lines(
    transport: Transport, path: str, heard: Callable[[Mapping[str, str]], object] | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield the lines of an answer, without their ends; see ``texts``."""
    async with aclosing(texts(transport, path, heard)) as found:
        async for text in found:
            for line in text[:-1].split(b"\n"):
                yield line


async def result_batches(
    transport: Transport, path: str, heard: Callable[[Mapping[str, str]], object] | None = None
) -> AsyncGenerator[list[ResultLine], None]:
    """Yield results, some at a time, their values as the manager wrote them; see ``texts``."""
    async with aclosing(texts(transport, path, heard)) as found:
        async for text in found:
            batch = _results.decode_lines(text)
            for result, line in zip(batch, text[:-1].split(b"\n"), strict=True):
                result.line = line
            yield batch
