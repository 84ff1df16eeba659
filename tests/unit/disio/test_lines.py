"""Answers of one JSON value a line, however the network cuts them."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from disio.rest.lines import lines, result_batches, texts
from disio.rest.transport import Transport
from disio_shared.errors import OversizeMessage

ROWS = [
    {"i": i, "payload": i, "result": "\u2028é" * (i % 50), "client": f"c{i % 3}", "seconds": i / 8} for i in range(500)
]
TEXT = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@asynccontextmanager
async def answering(parts: Sequence[bytes]) -> AsyncIterator[Transport]:
    """Serve an answer that is sent in these parts."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"X-Cursor": "abc"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    app = web.Application()
    app.router.add_get("/rows", answer)
    async with TestServer(app) as server, Transport(str(server.make_url("")), "token") as transport:
        yield transport


def cut(text: bytes, seed: int) -> list[bytes]:
    dice = random.Random(seed)
    ends = sorted(dice.sample(range(1, len(text)), dice.choice((1, 20, 400))))
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


@pytest.mark.parametrize("seed", range(6))
async def test_results_are_the_same_however_they_are_cut(seed: int) -> None:
    heard: list[str] = []
    async with answering(cut(TEXT, seed)) as transport:
        async with aclosing(result_batches(transport, "/rows", lambda told: heard.append(told["X-Cursor"]))) as batches:
            found = [row async for batch in batches for row in batch]
        assert [line async for line in lines(transport, "/rows")] == TEXT.split(b"\n")[:-1]
    assert b"".join(row.line + b"\n" for row in found) == TEXT and heard == ["abc"]
    assert [(row.i, json.loads(bytes(row.result)), row.client, row.seconds) for row in found] == [
        (row["i"], row["result"], row["client"], row["seconds"]) for row in ROWS
    ]


async def test_a_line_that_has_no_end_is_not_given() -> None:
    async with answering([TEXT, b'{"i":500,"result"']) as transport:
        assert b"".join([text async for text in texts(transport, "/rows")]) == TEXT


async def test_a_line_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disio.rest.lines.MAX_LINE", 10_000)
    async with answering([b"1\n", b"x" * 10_001]) as transport:
        with pytest.raises(OversizeMessage):
            [line async for line in lines(transport, "/rows")]
