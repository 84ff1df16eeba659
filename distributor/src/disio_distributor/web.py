"""The HTTP side: pages of the browser client, code of work units, and what operators and monitors ask.

Rule: built pages are served exactly as the build's manifest says; everything else forbids browsers any use of it.
"""

import asyncio
import gzip
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from disio_distributor.stores.base import ServingCache
from disio_shared import __version__
from disio_shared.errors import StoreUnavailable
from disio_shared.messages import PROTOCOL_VERSION

STATIC = Path(__file__).parent / "static"
MANIFEST = "manifest.json"
NOT_BUILT = "web bundles are not built: run make web\n"
MIN_GZIP = 1024
"""Bytes from which code is worth compressing."""
MAX_KEPT_BYTES = 64 << 20
"""Bytes of code kept in memory, ready to send."""
CLOSED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}
"""Headers of everything that is no page of ours."""
FOREVER = {
    **CLOSED,
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Vary": "Accept-Encoding",
}


class Route(msgspec.Struct):
    """One built page or asset."""

    file: str
    content_type: str
    headers: dict[str, str] = {}


class _Manifest(msgspec.Struct):
    version: int
    routes: dict[str, Route]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What ``/readyz`` and ``/metrics`` tell, read at that moment."""

    is_ready: Callable[[], bool]
    managers: Callable[[], Mapping[str, bool]]
    metrics: Callable[[], tuple[bytes, str]]
    """Text of all metrics and its content type."""
    description: Mapping[str, str]
    """What ``/.well-known/disio.json`` says beside versions."""


class Pages:
    """The built files, by path.

    Args:
        folder: Where the manifest lies.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._routes: dict[str, Route] = {}
        self._read_at = -1

    def find(self, path: str) -> tuple[Path, Route] | None:
        """Return the file for a path.

        Raises:
            FileNotFoundError: Nothing is built.
        """
        self._refresh()
        route = self._routes.get(path)
        return (self._folder / route.file, route) if route is not None else None

    def _refresh(self) -> None:
        """Read the manifest when a build has replaced it."""
        changed_at = (self._folder / MANIFEST).stat().st_mtime_ns
        if changed_at == self._read_at:
            return
        manifest = msgspec.json.decode((self._folder / MANIFEST).read_bytes(), type=_Manifest)
        self._routes = {path: route for path, route in manifest.routes.items() if self._is_inside(route.file)}
        self._read_at = changed_at

    def _is_inside(self, file: str) -> bool:
        return (self._folder / file).resolve().is_relative_to(self._folder.resolve())


class Workunits:
    """Code by hash, as bytes ready to send; the least lately asked for goes first."""

    def __init__(self, cache: ServingCache) -> None:
        self._cache = cache
        self._kept: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()
        self._kept_bytes = 0

    async def get(self, sha256: str) -> tuple[bytes, bytes] | None:
        """Return code plain and compressed (empty when that does not pay), or None when there is none.

        Raises:
            StoreUnavailable: The cache does not answer.
        """
        kept = self._kept.get(sha256)
        if kept is not None:
            self._kept.move_to_end(sha256)
            return kept
        found = await self._cache.workunit(sha256)
        if found is None:
            return None
        code = found[1]
        packed = await asyncio.to_thread(gzip.compress, code, 6) if len(code) >= MIN_GZIP else b""
        entry = (code, packed if len(packed) < len(code) else b"")
        if sha256 not in self._kept:
            self._keep(sha256, entry)
        return entry

    def _keep(self, sha256: str, entry: tuple[bytes, bytes]) -> None:
        self._kept[sha256] = entry
        self._kept_bytes += len(entry[0]) + len(entry[1])
        while self._kept_bytes > MAX_KEPT_BYTES and self._kept:
            _, (code, packed) = self._kept.popitem(last=False)
            self._kept_bytes -= len(code) + len(packed)


class Web:
    """The routes.

    Args:
        pages: What the build made.
        workunits: Code of work units.
        status: What monitors ask.
    """

    def __init__(self, pages: Pages, workunits: Workunits, status: Status) -> None:
        self._pages, self._workunits, self._status = pages, workunits, status

    def attach(self, app: web.Application) -> None:
        """Add every route but Socket.IO's; comes last, since the built pages take all paths that are left."""
        app.router.add_get("/workunits/{sha256}", self._workunit)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/.well-known/disio.json", self._well_known)
        app.router.add_get("/{path:.*}", self._page)

    async def _workunit(self, request: web.Request) -> web.StreamResponse:
        sha256 = request.match_info["sha256"]
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            return _text(404, "no such work unit here\n")
        try:
            found = await self._workunits.get(sha256)
        except StoreUnavailable:
            return _text(503, "the cache does not answer\n")
        return _code(request, sha256, *found) if found else _text(404, "no such work unit here\n")

    async def _healthz(self, _request: web.Request) -> web.StreamResponse:
        return _text(200, "ok\n")

    async def _readyz(self, _request: web.Request) -> web.StreamResponse:
        is_ready = self._status.is_ready()
        managers = {url: "online" if is_online else "away" for url, is_online in self._status.managers().items()}
        return _json({"ready": is_ready, "managers": managers}, 200 if is_ready else 503)

    async def _metrics(self, _request: web.Request) -> web.StreamResponse:
        body, content_type = self._status.metrics()
        return web.Response(body=body, headers={**CLOSED, "Content-Type": content_type})

    async def _well_known(self, _request: web.Request) -> web.StreamResponse:
        facts = {"service": "distributor", "software": f"disio/{__version__}", "protocol": PROTOCOL_VERSION}
        return _json({**facts, **self._status.description}, 200)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        try:
            found = self._pages.find(request.path)
            is_front = found is None and request.path == "/" and self._pages.find("/demo") is not None
        except (OSError, msgspec.DecodeError):
            return _text(503, NOT_BUILT)
        if is_front:
            return web.Response(status=302, headers={**CLOSED, "Location": "/demo"})
        if found is None:
            return _text(404, "nothing is here\n")
        file, route = found
        return web.FileResponse(file, headers={**route.headers, "Content-Type": route.content_type})


def _code(request: web.Request, sha256: str, code: bytes, packed: bytes) -> web.Response:
    headers = {**FOREVER, "Content-Type": "application/octet-stream", "ETag": f'"{sha256}"'}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    if packed and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=code, headers=headers)


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers=CLOSED)


def _json(value: Any, status: int) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(status=status, body=body, headers={**CLOSED, "Content-Type": "application/json"})
