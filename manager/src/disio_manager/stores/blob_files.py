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

from disio_manager.stores.blob_part import PART, Part, sync_folder
from disio_manager.stores.uploads import Digest, Digests, Held, UploadConflict
from disio_shared.errors import BlobNotFound, InvalidDocument, StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.sqlite_errors import sqlite_unavailable

INDEX, DRAFT = ".index", ".draft"
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
        self._digests, self._held = Digests(), Held()

    async def offset(self, sha256: str) -> int:
        """Return how many bytes of an unfinished upload are here."""
        return await self._do(lambda: _size(self._part(sha256))) or 0

    async def append(self, sha256: str, offset: int, parts: AsyncIterator[bytes], *, is_last: bool) -> int:
        """Go on with an upload; return how many bytes of it are here."""
        self._refuse_reader()
        with self._held.holding(sha256):
            part = await self._do(lambda: self._open(sha256, offset))
            try:
                async for piece in parts:
                    await self._do(lambda piece=piece: part.write(piece))  # type: ignore[misc]
            finally:
                await self._do(part.close)
                self._digests.keep(sha256, part.digest)
            return part.digest.size

    def _open(self, sha256: str, offset: int) -> Part:
        """Open what is here of an upload to go on with it."""
        path = self._part(sha256)
        self._folder.mkdir(parents=True, exist_ok=True)
        here = _size(path) or 0
        if offset not in (0, here):
            raise UploadConflict(sha256, here)
        digest = self._digests.take(sha256, here) if offset else Digest()
        return Part(path, digest, is_new=not offset)

    async def finish(self, sha256: str) -> bool:
        """Let an upload be seen when it is whole; one that is there counts as uploaded anew."""
        self._refuse_reader()
        with self._held.holding(sha256):
            return await self._do(lambda: self._finish(sha256))

    def _finish(self, sha256: str) -> bool:
        path, final = self._part(sha256), self._folder / sha256
        here = _size(path)
        if final.is_file():
            path.unlink(missing_ok=True)
            os.utime(final)
            return False
        if here is None:
            raise UploadConflict(sha256, 0)
        part = Part(path, self._digests.take(sha256, here), is_new=False)
        try:
            part.digest.check(sha256)
            part.finish(final)
        except InvalidDocument:
            path.unlink()
            raise
        finally:
            part.close()
        return True

    async def drop_part(self, sha256: str) -> None:
        """Forget an unfinished upload."""
        self._refuse_reader()
        with self._held.holding(sha256):
            await self._do(lambda: self._part(sha256).unlink(missing_ok=True))

    async def size(self, sha256: str) -> int | None:
        """Return how many bytes a blob has."""
        return await self._do(lambda: _size(self._folder / sha256))

    async def read(self, sha256: str, start: int, size: int) -> bytes:
        """Return bytes of a blob."""
        data = await self._do(lambda: _read(self._folder / sha256, start, size))
        if data is None:
            raise BlobNotFound(sha256)
        return data

    async def put_index(self, sha256: str, kind: str, index: bytes) -> None:
        """Keep an index beside a blob."""
        self._refuse_reader()
        await self._do(lambda: _write(self._folder / _index_name(sha256, kind), index))

    async def index(self, sha256: str, kind: str) -> bytes | None:
        """Return an index of a blob."""
        return await self._do(lambda: self.index_now(sha256, kind))

    def index_now(self, sha256: str, kind: str) -> bytes | None:
        """Return an index of a blob, to a thread that may wait for the disk."""
        with contextlib.suppress(FileNotFoundError):
            return (self._folder / _index_name(sha256, kind)).read_bytes()
        return None

    def drop(self, sha256: str) -> None:
        """Remove a blob; what cannot be removed now is an orphan, and removed later."""
        with contextlib.suppress(OSError):
            (self._folder / sha256).unlink(missing_ok=True)
            for path in self._folder.glob(f"{sha256}.*{INDEX}"):
                path.unlink(missing_ok=True)

    def drop_drafts(self) -> None:
        """Remove indexes that a crash left half written; nobody may be writing one."""
        for path in self._folder.glob(f"*{DRAFT}"):
            path.unlink(missing_ok=True)

    async def drop_old_parts(self, before: float) -> None:
        """Remove unfinished uploads."""
        self._refuse_reader()
        await self._do(lambda: self._drop(before, lambda name, is_part: is_part and name not in self._held))

    async def drop_orphans(self, before: float) -> None:
        """Remove what no task names."""
        self._refuse_reader()
        named = set(await self._named())
        await self._do(lambda: self._drop(before, lambda name, is_part: not is_part and name not in named))

    def _drop(self, before: float, is_meant: Callable[[str, bool], bool]) -> None:
        """Remove files that were last written before a time, by the blob's hash and whether it is an unfinished one."""
        for path in list(self._folder.iterdir()) if self._folder.is_dir() else ():
            found = _BLOB.match(path.name)
            if found is not None and is_meant(found[0], path.name.endswith(PART)):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        path.unlink()

    def _part(self, sha256: str) -> Path:
        return self._folder / f"{sha256}{PART}"

    def _refuse_reader(self) -> None:
        if self._is_reader:
            raise StoreUnavailable(str(self._folder), "was opened for reading only")

    async def _do(self, work: Callable[[], ValueT]) -> ValueT:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise sqlite_unavailable(str(self._folder), error) from error


def _index_name(sha256: str, kind: str) -> str:
    return f"{sha256}.{kind}{INDEX}"


def _size(path: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return None


def _read(path: Path, start: int, size: int) -> bytes | None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(start)
        return file.read(size)
    return None


def _write(final: Path, data: bytes) -> None:
    """Write a whole file that is there when all of it is on the disk."""
    draft = final.with_name(f"{final.name}.{fresh_id()}{DRAFT}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(final)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(final.parent)
