"""Kits: the files that a language needs beside its units, from the distributor, kept in the data directory by hash.

Rule: no byte of a kit is used whose SHA-256 is not in this client's own list; who serves the files decides nothing.
"""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from disio_client.engines.deno import HOST_SCRIPT

LIST = HOST_SCRIPT.with_name("kits.json")
FETCH_S = 900.0
"""Seconds for one file; slow lines take long for ten megabytes."""
READ_S = 30.0
"""Seconds of silence after which a download is given up."""
AGAIN_FIRST_S, AGAIN_CEILING_S = 60.0, 3600.0
"""Before a distributor that gave wrong bytes is asked for them again; doubles each time."""


class KitFile(msgspec.Struct, frozen=True):
    """One file as the build knew it."""

    name: str
    sha256: str
    bytes: int


class Kit(msgspec.Struct, frozen=True):
    """The files of one language, in one version of it."""

    name: str
    files: list[KitFile]


class KitMissing(Exception):
    """Files of a kit cannot be had.

    Attributes:
        is_final: Another try would not help now: what is served is not what this client knows.
    """

    def __init__(self, reason: str, is_final: bool = False) -> None:
        self.is_final = is_final
        super().__init__(reason)


class Kits:
    """The kits of this client, fetched once and shared by its slots.

    Args:
        http: Fetches; follows redirects, since a distributor may send on to a mirror.
        folder: Where files are kept, named by their SHA-256.
        lists: Language to kit; None = what the build wrote.
    """

    def __init__(self, http: aiohttp.ClientSession, folder: Path, lists: Mapping[str, Kit] | None = None) -> None:
        self._http, self._folder = http, folder
        self._lists = lists if lists is not None else msgspec.json.decode(LIST.read_bytes(), type=dict[str, Kit])
        self._ready: dict[str, dict[str, bytes]] = {}
        self._lock = asyncio.Lock()
        self._refused: dict[str, tuple[float, float, str]] = {}
        """URL to when it may be asked again, after how long, and what was wrong."""

    def files(self, language: str) -> Mapping[str, bytes]:
        """Return the files of a language by name, once they were fetched; none for one that needs none."""
        return self._ready.get(language, {})

    async def fetch(self, base_url: str, language: str) -> None:
        """Have the files of a language here.

        Raises:
            KitMissing: They cannot be had.
        """
        if language not in self._lists or language in self._ready:
            return
        async with self._lock:
            if language in self._ready:
                return
            kit = self._lists[language]
            try:
                found = {
                    file.name: await self._file(f"{base_url}/kits/{kit.name}/{file.name}", file) for file in kit.files
                }
            except KitMissing as error:
                raise KitMissing(f"the files of {language}: {error}", error.is_final) from error
            self._ready[language] = found

    async def _file(self, url: str, file: KitFile) -> bytes:
        kept = await asyncio.to_thread(self._read, file)
        if kept is not None:
            return kept
        again_at, wait_s, problem = self._refused.get(url, (0.0, AGAIN_FIRST_S / 2, ""))
        if time.monotonic() < again_at:
            raise KitMissing(problem, is_final=True)
        try:
            data = await self._download(url, file)
        except KitMissing as error:
            if error.is_final:
                wait_s = min(2 * wait_s, AGAIN_CEILING_S)
                self._refused[url] = (time.monotonic() + wait_s, wait_s, str(error))
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KitMissing(f"{file.name}: {str(error) or type(error).__name__}") from error
        self._refused.pop(url, None)
        await asyncio.to_thread(self._write, file, data)
        return data

    async def _download(self, url: str, file: KitFile) -> bytes:
        timeout = aiohttp.ClientTimeout(total=FETCH_S, connect=15, sock_read=READ_S)
        async with self._http.get(url, timeout=timeout) as response:
            if response.status != 200:
                raise KitMissing(f"{file.name}: {response.url.host} answered {response.status}")
            data = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > file.bytes:
                    break
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise KitMissing(
                f"{file.name} from {response.url.host} is not the file this client knows by its hash", True
            )
        return bytes(data)

    def _read(self, file: KitFile) -> bytes | None:
        """Return a file that was kept, if its bytes are still right."""
        try:
            data = (self._folder / file.sha256).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == file.sha256 else None

    def _write(self, file: KitFile, data: bytes) -> None:
        """Keep a file; without it the next start of this client fetches again, and nothing else is lost."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(prefix="new-", dir=self._folder)
        except OSError:
            return
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            os.replace(path, self._folder / file.sha256)
        except OSError:
            Path(path).unlink(missing_ok=True)
