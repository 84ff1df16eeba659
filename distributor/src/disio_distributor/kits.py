"""Kits: the files that a language needs beside its units, served to clients or left to a mirror.

Rule: only files that the build listed are served, under their own names; clients know by hash which bytes are right.
"""

from pathlib import Path

import msgspec
from aiohttp import web

from disio_distributor.web import CLOSED, FOREVER, NOT_BUILT, STATIC

KITS = STATIC / "kits"
LIST = "kits.json"
REDIRECT = {
    **CLOSED,
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
_TYPES = {".mjs": "text/javascript; charset=utf-8", ".wasm": "application/wasm", ".zip": "application/zip"}
_NOTICE = "NOTICE"


class _File(msgspec.Struct):
    name: str


class _Kit(msgspec.Struct):
    name: str
    files: list[_File]


class Kits:
    """The routes below ``/kits``.

    Args:
        folder: Where the build put them.
        mirror: URL that has the same files by name; empty = serve them from here.
    """

    def __init__(self, folder: Path = KITS, mirror: str = "") -> None:
        self._folder, self._mirror = folder, mirror.rstrip("/")

    def attach(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_get("/kits/{kit}/{file}", self._file)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        kit, file = request.match_info["kit"], request.match_info["file"]
        try:
            is_listed = file in self._names(kit)
        except (OSError, msgspec.DecodeError):
            return web.Response(status=503, text=NOT_BUILT, headers=CLOSED)
        if not is_listed:
            return web.Response(status=404, text="no such file here\n", headers=CLOSED)
        if self._mirror and file != _NOTICE:
            return web.Response(status=307, headers={**REDIRECT, "Location": f"{self._mirror}/{file}"})
        kind = _TYPES.get(Path(file).suffix, "text/plain; charset=utf-8")
        return web.FileResponse(self._folder / kit / file, headers={**FOREVER, "Content-Type": kind})

    def _names(self, name: str) -> set[str]:
        """Return the files of a kit by its name; none when there is no such kit."""
        lists = msgspec.json.decode((self._folder / LIST).read_bytes(), type=dict[str, _Kit])
        found = [kit for kit in lists.values() if kit.name == name]
        return {_NOTICE, *(file.name for file in found[0].files)} if found else set()
