"""``/tryout``: what the form of a new task needs to run a unit in the visitor's sandbox, in the tab it is written in.

Rule: only files that the build listed are served, under the headers that it gave them. Kits come from a distributor, by
name; the page checks their hashes, so who answers decides nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from disio_dashboard.files import FileAnswer
from disio_dashboard.login import find_session, upstream_of
from disio_dashboard.problems import problem
from disio_dashboard.upstream import Upstream
from disio_shared.errors import ManagerUnreachable

TRYOUT_DIR = Path(__file__).parent / "tryout_files"
MANIFEST = "manifest.json"
LIST_S = 10.0
KIT_SILENCE_S = 30.0
"""Seconds without a byte of a kit's file."""
MAX_DISTRIBUTORS = 8
"""Distributors that are asked for a file, one after the other."""
MAX_LIST = 8 << 20
"""Bytes of the manager's list of them."""
FOREVER = "private, max-age=31536000, immutable"
NONE_HAS_IT = "no distributor that is online has {file}: start one (disio distributor start), then try again"


class _Route(msgspec.Struct):
    file: str
    content_type: str
    headers: dict[str, str] = {}


class _File(msgspec.Struct):
    name: str
    bytes: int


class _Kit(msgspec.Struct):
    name: str
    files: list[_File]


class _Manifest(msgspec.Struct):
    routes: dict[str, _Route]
    kits: dict[str, _Kit] = {}


class _Distributor(msgspec.Struct):
    url: str = ""
    state: str = ""


class _Distributors(msgspec.Struct):
    items: list[_Distributor]


class Tryout:
    """The routes below ``/tryout``.

    Args:
        folder: Where the browser client's build put its files.
    """

    def __init__(self, folder: Path = TRYOUT_DIR) -> None:
        self._folder = folder
        self._kits = aiohttp.ClientTimeout(total=None, connect=5.0, sock_read=KIT_SILENCE_S)

    def attach(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/tryout/kits/{kit}/{file}", self._kit_file)
        app.router.add_get("/tryout/{file}", self._file)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        manifest = self._manifest()
        if manifest is None:
            return problem(503, "not-built", "the sandbox is not built: run `make web`")
        route = manifest.routes.get(f"/{request.match_info['file']}")
        if route is None:
            return problem(404, "not-found", "no such file")
        headers = {**route.headers, "Content-Type": route.content_type, "Cache-Control": "no-cache"}
        return FileAnswer(self._folder / route.file, headers=headers)

    async def _kit_file(self, request: web.Request) -> web.StreamResponse:
        session = find_session(request)
        if session is None:
            return problem(401, "not-signed-in", "sign in to the dashboard first")
        kit, file = request.match_info["kit"], request.match_info["file"]
        size = self._size_of(kit, file)
        if size is None:
            return problem(404, "not-found", "no such file")
        try:
            urls = await _distributors(upstream_of(request, session), session.token)
        except ManagerUnreachable as error:
            return problem(error.http_status, error.code, str(error))
        async with aiohttp.ClientSession(timeout=self._kits) as http:
            for url in urls[:MAX_DISTRIBUTORS]:
                body = await _fetched(http, f"{url.rstrip('/')}/kits/{kit}/{file}", size)
                if body is not None:
                    headers = {"Cache-Control": FOREVER}
                    return web.Response(body=body, content_type="application/octet-stream", headers=headers)
        return problem(503, "no-kit", NONE_HAS_IT.format(file=file))

    def _size_of(self, kit: str, file: str) -> int | None:
        manifest = self._manifest()
        found = [each for each in manifest.kits.values() if each.name == kit] if manifest else []
        return next((each.bytes for part in found for each in part.files if each.name == file), None)

    def _manifest(self) -> _Manifest | None:
        try:
            return msgspec.json.decode((self._folder / MANIFEST).read_bytes(), type=_Manifest)
        except (OSError, msgspec.DecodeError):
            return None


async def _distributors(upstream: Upstream, token: str) -> list[str]:
    """Return the addresses of distributors, those that are online alone.

    Raises:
        ManagerUnreachable: The manager does not tell.
    """
    try:
        async with asyncio.timeout(LIST_S), upstream.call("GET", "/api/distributors", token) as answer:
            body = await _at_most(answer.content.iter_any(), MAX_LIST)
            told = msgspec.json.decode(body or b"", type=_Distributors) if answer.status == 200 else None
    except (TimeoutError, aiohttp.ClientError, msgspec.DecodeError) as error:
        raise ManagerUnreachable(await upstream.url(), "does not tell its distributors") from error
    return [each.url for each in told.items if each.state == "online" and each.url] if told else []


async def _fetched(http: aiohttp.ClientSession, url: str, size: int) -> bytes | None:
    """Return a file of exactly ``size`` bytes, or None."""
    try:
        async with http.get(url) as answer:
            body = await _at_most(answer.content.iter_any(), size) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return body if body is not None and len(body) == size else None


async def _at_most(parts: AsyncIterator[Any], limit: int) -> bytes | None:
    """Return all of a body; None when it is longer than it may be."""
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > limit:
            return None
    return bytes(body)
