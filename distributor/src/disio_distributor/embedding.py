"""What embedding pages and consent frames ask of a distributor beside its pages.

Rule: nothing here identifies a visitor; a count is what a browser says, bounded in number, and proves nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from disio_distributor.core.visits import ANSWERS
from disio_distributor.limits import TokenBucket
from disio_distributor.loaders import Loaders
from disio_distributor.visiting import Visiting
from disio_shared.clock import Clock

CONSENT = "/embed/consent"
OPEN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
COUNTED_PER_S, COUNTED_BURST = 50.0, 500.0
"""Frames and answers that are counted; more are served, and not counted."""


class Embedding:
    """The routes, and the counting of frames.

    Args:
        loaders: Versions of the loader.
        visiting: Where is counted.
        url: Returns where clients reach this distributor.
        description: Who runs it and what for, for volunteers.
        clock: Steady time for limits.
    """

    def __init__(
        self,
        loaders: Loaders,
        visiting: Visiting,
        url: Callable[[], str],
        description: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._loaders, self._visiting, self._url, self._description = loaders, visiting, url, description
        self._clock = clock
        self._bucket = TokenBucket(COUNTED_PER_S, COUNTED_BURST, clock.steady())

    def attach(self, app: web.Application) -> None:
        """Add the routes, and look at requests for consent frames; comes before the pages, which take all paths."""
        app.router.add_get("/client-{version:[0-9a-f]{16}}.js", self._loader)
        app.router.add_get("/embed.json", self._embed)
        app.router.add_post("/embed/answer", self._answer)
        app.on_response_prepare.append(self._note)

    async def _loader(self, request: web.Request) -> web.StreamResponse:
        answer = self._loaders.answer(request.path)
        return answer or web.Response(status=404, text="no such version of the loader was ever here\n", headers=OPEN)

    async def _embed(self, _request: web.Request) -> web.StreamResponse:
        path, integrity = self._loaders.current()
        facts: dict[str, Any] = {**self._description, "loader": path, "integrity": integrity}
        facts["html"] = snippet(self._url(), path, integrity) if path else ""
        return web.Response(body=msgspec.json.encode(facts), headers={**OPEN, "Content-Type": "application/json"})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Count what a visitor answered; only this distributor's own frame may tell."""
        answer, page = request.query.get("answer", ""), request.query.get("page", "")
        is_own = urlsplit(request.headers.get("Origin", "")).netloc == request.host
        if answer not in ANSWERS or not is_own:
            return web.Response(status=400, text="no answer of a consent frame\n", headers=OPEN)
        if self._bucket.take(self._clock.steady()):
            self._visiting.answered(page, answer)
        return web.Response(status=204, headers=OPEN)

    async def _note(self, request: web.Request, response: web.StreamResponse) -> None:
        is_frame = request.path == CONSENT and response.status in (200, 304) and request.method == "GET"
        if is_frame and self._bucket.take(self._clock.steady()):
            self._visiting.opened(request.headers.get("Referer", ""))


def snippet(url: str, loader: str, integrity: str) -> str:
    """Return the tag that embeds a distributor, with its loader pinned."""
    return (
        f'<script async src="{url.rstrip("/")}{loader}" integrity="{integrity}" crossorigin="anonymous"'
        ' data-site="my-site"></script>'
    )
