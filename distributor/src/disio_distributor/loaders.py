"""The loader under a path that names its content, so that a page can pin it (subresource integrity).

Rule: a version that was served once is served for ever: it is kept in the data directory, at most ``MAX_KEPT`` of
them, and never changes.
"""

import base64
import hashlib
import re
from pathlib import Path

from aiohttp import web

PATH = re.compile(r"/client-([0-9a-f]{16})\.js")
MAX_KEPT = 100
MAX_BYTES = 64 << 10
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Type": "text/javascript; charset=utf-8",
}


class Loaders:
    """Every version of the loader that was served here.

    Args:
        built: The file that the build made; it may not be there.
        folder: Where versions are kept.
    """

    def __init__(self, built: Path, folder: Path) -> None:
        self._built, self._folder = built, folder
        self._read_at = -1
        self._current = ("", "")

    def current(self) -> tuple[str, str]:
        """Return path and ``integrity`` of the newest version; empty texts when none is built."""
        try:
            changed_at = self._built.stat().st_mtime_ns
            if changed_at != self._read_at:
                self._current = self._keep(self._built.read_bytes())
                self._read_at = changed_at
        except OSError:
            return ("", "")
        return self._current

    def find(self, path: str) -> bytes | None:
        """Return the loader of a path."""
        self.current()
        found = PATH.fullmatch(path)
        if found is None:
            return None
        try:
            body = (self._folder / f"{found[1]}.js").read_bytes()
        except OSError:
            return None
        return body if hashlib.sha256(body).hexdigest().startswith(found[1]) else None

    def answer(self, path: str) -> web.Response | None:
        """Return the answer to a request for a version, or None when the path is none or it is not here."""
        body = self.find(path)
        return None if body is None else web.Response(body=body, headers=HEADERS)

    def _keep(self, body: bytes) -> tuple[str, str]:
        name = hashlib.sha256(body).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{name}.js"
        if not file.is_file() and len(body) <= MAX_BYTES:
            part = file.with_suffix(".part")
            part.write_bytes(body)
            part.replace(file)
        kept = sorted(self._folder.glob("*.js"), key=lambda each: each.stat().st_mtime_ns)
        for old in kept[: max(0, len(kept) - MAX_KEPT)]:
            old.unlink(missing_ok=True)
        digest = base64.b64encode(hashlib.sha384(body).digest()).decode()
        return f"/client-{name}.js", f"sha384-{digest}"
