"""Blobs as files of one directory, beside an SQLite database.

Rule: a file has its final name only when all its bytes are on the disk: written under another name, synced, renamed,
and the directory synced.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from pathlib import Path
from typing import TypeVar

from disio_manager.stores.uploads import verified
from disio_shared.errors import BlobNotFound, StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.sqlite_errors import sqlite_unavailable

PART, INDEX = ".part", ".index"
_BLOB = re.compile(r"[0-9a-f]{64}")
ValueT = TypeVar("ValueT")


class BlobFiles:
    """BlobStore over a directory, which is made with the first upload.

    Args:
        named: Returns the blobs that tasks name.
        is_reader: Nothing may be written.
    """

    def __init__(self, folder: Path, named: Callable[[], Awaitable[Collection[str]]], is_reader: bool) -> None:
        self._folder, self._named, self._is_reader = folder, named, is_reader

    async def put(self, sha256: str, parts: AsyncIterator[bytes]) -> bool:
        """Keep a blob; one that is there counts as uploaded anew."""
        self._refuse_reader()
        path = self._folder / sha256
        if await self._do(path.is_file):
            async for _ in verified(sha256, parts):
                pass
            await self._do(lambda: os.utime(path))
            return False
        draft = await self._do(lambda: _Draft(self._folder, sha256))
        try:
            async for part in verified(sha256, parts):
                await self._do(lambda part=part: draft.write(part))  # type: ignore[misc]
            await self._do(draft.finish)
        finally:
            await self._do(draft.drop)
        return True

    async def size(self, sha256: str) -> int | None:
        """Return how many bytes a blob has."""
        return await self._do(lambda: _size(self._folder / sha256))

    async def read(self, sha256: str, start: int, size: int) -> bytes:
        """Return bytes of a blob."""
        data = await self._do(lambda: _read(self._folder / sha256, start, size))
        if data is None:
            raise BlobNotFound(sha256)
        return data

    async def put_index(self, sha256: str, index: bytes) -> None:
        """Keep an index beside a blob."""
        self._refuse_reader()

        def write() -> None:
            draft = _Draft(self._folder, sha256 + INDEX)
            try:
                draft.write(index)
                draft.finish()
            finally:
                draft.drop()

        await self._do(write)

    async def index(self, sha256: str) -> bytes | None:
        """Return the index of a blob."""
        return await self._do(lambda: self.index_now(sha256))

    def index_now(self, sha256: str) -> bytes | None:
        """Return the index of a blob, to a thread that may wait for the disk."""
        with contextlib.suppress(FileNotFoundError):
            return (self._folder / (sha256 + INDEX)).read_bytes()
        return None

    def drop(self, sha256: str) -> None:
        """Remove a blob; what cannot be removed now is an orphan, and removed later."""
        for name in (sha256, sha256 + INDEX):
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def drop_unfinished(self) -> None:
        """Remove what broken-off uploads left; nobody may be uploading."""
        for path in self._folder.glob(f"*{PART}"):
            path.unlink(missing_ok=True)

    async def drop_orphans(self, before: float) -> None:
        """Remove what no task names."""
        self._refuse_reader()
        named = set(await self._named())
        await self._do(lambda: self._drop_orphans(named, before))

    def _drop_orphans(self, named: Collection[str], before: float) -> None:
        for path in list(self._folder.iterdir()) if self._folder.is_dir() else ():
            found = _BLOB.match(path.name)
            if found is None or (found[0] in named and not path.name.endswith(PART)):
                continue
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _refuse_reader(self) -> None:
        if self._is_reader:
            raise StoreUnavailable(str(self._folder), "was opened for reading only")

    async def _do(self, work: Callable[[], ValueT]) -> ValueT:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise sqlite_unavailable(str(self._folder), error) from error


class _Draft:
    """A file in the making, under a name of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._final, self._path = folder / name, folder / f"{name}.{fresh_id()}{PART}"
        self._file = self._path.open("wb")

    def write(self, part: bytes) -> None:
        self._file.write(part)

    def finish(self) -> None:
        """Make it durable, and let it be seen."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._final)
        _sync_folder(self._final.parent)

    def drop(self) -> None:
        """Remove it unless it is finished."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a directory cannot be opened there; NTFS journals the rename
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(path: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return None


def _read(path: Path, start: int, size: int) -> bytes | None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(start)
        return file.read(size)
    return None
