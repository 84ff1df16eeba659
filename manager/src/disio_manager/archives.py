"""Payloads that are files: where they lie in an archive, and their bytes.

Rule: an archive is looked into once; what was found is stored beside it, and the columns of a few stay in memory.
"""

import asyncio
from collections import OrderedDict

from disio_manager.stores.base import BlobStore
from disio_manager.tar_index import WINDOW, BadArchive, Files, TarReader
from disio_shared.errors import StoreUnavailable
from disio_shared.payloads import FilesSpec, PayloadSpec
from disio_shared.ranges import Run
from disio_shared.values import RAW_MARK

MAX_KEPT_BYTES = 64 << 20
"""Columns kept in memory, besides those of the archive used last."""
MAX_READ = 16 << 20
"""Bytes read at once, unless it is a single file."""


class Archives:
    """Reads files out of the archives of a store."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._kept: OrderedDict[str, Files] = OrderedDict()
        self._looking = asyncio.Lock()

    async def resolved(self, spec: PayloadSpec) -> PayloadSpec:
        """Return a spec that says how many payloads there are, and how large.

        Raises:
            BadArchive: It names a blob that is not there, or no archive of files.
        """
        return FilesSpec(spec.blob, (await self.files(spec.blob)).sizes) if isinstance(spec, FilesSpec) else spec

    async def files(self, blob: str) -> Files:
        """Return the files of an archive.

        Raises:
            BadArchive: It is not there, or no archive of files.
        """
        if blob not in self._kept:
            async with self._looking:
                if blob not in self._kept:
                    self._keep(blob, await self._read(blob))
        self._kept.move_to_end(blob)
        return self._kept[blob]

    def _keep(self, blob: str, files: Files) -> None:
        self._kept[blob] = files
        while len(self._kept) > 1 and sum(each.memory for each in self._kept.values()) > MAX_KEPT_BYTES:
            self._kept.popitem(last=False)

    async def payloads(self, blob: str, runs: list[Run]) -> list[bytes]:
        """Return files as wire values, in the order of ``runs``.

        Raises:
            BadArchive, StoreUnavailable: They cannot be read.
        """
        files = await self.files(blob)
        values: list[bytes] = []
        for start, stop in _parts(files, runs):
            base = files.offsets[start]
            size = files.offsets[stop - 1] + files.sizes[stop - 1] - base
            data = await self._blobs.read(blob, base, size)
            if len(data) != size:
                raise StoreUnavailable(f"blob {blob}", "is cut off", "restore it from a backup, or upload it again")
            view = memoryview(data)
            for index in range(start, stop):
                at = files.offsets[index] - base
                values.append(RAW_MARK + view[at : at + files.sizes[index]])
        return values

    async def _read(self, blob: str) -> Files:
        index = await self._blobs.index(blob)
        if index is not None:
            return await asyncio.to_thread(Files.decode, index)
        size = await self._blobs.size(blob)
        if size is None:
            raise BadArchive("is not uploaded: PUT it to /api/blobs/{sha256} first")
        reader = TarReader(size)
        while not reader.is_over:
            window = await self._blobs.read(blob, reader.at, WINDOW)
            await asyncio.to_thread(reader.feed, window)
        await self._blobs.put_index(blob, await asyncio.to_thread(reader.files.encode))
        return reader.files


def _parts(files: Files, runs: list[Run]) -> list[Run]:
    """Cut runs into parts that are read at once."""
    parts: list[Run] = []
    for start, stop in runs:
        first = start
        for index in range(start, stop):
            if index > first and files.offsets[index] + files.sizes[index] - files.offsets[first] > MAX_READ:
                parts.append((first, index))
                first = index
        parts.append((first, stop))
    return parts
