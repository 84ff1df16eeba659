"""Payloads that are stored: how many there are, and their bytes, in whatever they lie.

Rule: a blob is looked into once for each kind of payloads, in a thread, and nobody who wants another one waits for it;
what was found is stored beside it, and a bounded part of that stays in memory.
"""

import asyncio
from collections import OrderedDict

import msgspec

from disio_manager.archives import read_files
from disio_manager.blob_index import BlobIndex, BlobReader, decode_index, index_kind, reader_of
from disio_manager.blob_problem import not_uploaded
from disio_manager.growth_logs import Logs
from disio_manager.line_reading import read_lines
from disio_manager.stores.base import BlobStore
from disio_manager.stores.segments import SegmentStore
from disio_manager.tar_index import WINDOW, Files
from disio_shared.codec import MAX_LINK_MESSAGE
from disio_shared.errors import StoreUnavailable
from disio_shared.payloads import PayloadSpec, StoredSpec
from disio_shared.ranges import Run

MAX_KEPT_BYTES = 64 << 20
"""Indexes kept in memory, besides the one used last."""
MAX_LOOKING = 2
"""Blobs looked into at a time."""
MAX_WAITING = 100
"""Further ones that wait for that."""
_Key = tuple[str, str]


class Sources:
    """Reads payloads out of the blobs of a store, and out of the logs of growing tasks."""

    def __init__(self, blobs: BlobStore, segments: SegmentStore) -> None:
        self._blobs, self._logs = blobs, Logs(segments)
        self._kept: OrderedDict[_Key, BlobIndex] = OrderedDict()
        self._looks: dict[_Key, asyncio.Task[BlobIndex]] = {}
        self._looking = asyncio.Semaphore(MAX_LOOKING)

    async def resolved(self, spec: PayloadSpec) -> PayloadSpec:
        """Return a spec that says how many payloads there are, and how large.

        Raises:
            BadBlob: It names a blob that is not there, or is none of its kind.
            StoreUnavailable: It cannot be read now.
        """
        if not isinstance(spec, StoredSpec):
            return spec
        if spec.kind == "values":
            return await self._logs.resolved(spec)
        if await self._blobs.size(spec.blob) is None:  # it may be known from a task that took it along
            raise not_uploaded()
        return msgspec.structs.replace(spec, extents=(await self.index(spec)).extents)

    async def payloads(self, spec: StoredSpec, runs: list[Run]) -> list[bytes]:
        """Return payloads as wire values, in the order of ``runs``, which ascend.

        Raises:
            BadBlob, BlobNotFound, StoreUnavailable: They cannot be read.
        """
        if spec.kind == "values":
            return await self._logs.payloads(spec, runs)
        index = await self.index(spec)
        size = sum(index.extents.bytes_between(start, stop) for start, stop in runs)
        if size > MAX_LINK_MESSAGE:  # no block is so large, but one that was cut without knowing what it carries
            remedy = "restart the manager, which reads it again"
            raise StoreUnavailable(f"index of blob {spec.blob}", "was lost and is made anew", remedy)
        if isinstance(index, Files):
            return await read_files(self._blobs, spec.blob, index, runs)
        return await read_lines(self._blobs, spec, index, runs)

    async def index(self, spec: StoredSpec) -> BlobIndex:
        """Return where the payloads of a spec lie. Looking goes on when who waits for it goes away.

        Raises:
            BadBlob: It names a blob that is not there, or is none of its kind.
            StoreUnavailable: It cannot be read now.
        """
        key = spec.blob, index_kind(spec)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        if key not in self._looks:
            if len(self._looks) >= MAX_LOOKING + MAX_WAITING:
                raise StoreUnavailable("blobs", f"{len(self._looks)} are looked into", "try again in a moment")
            look = self._looks[key] = asyncio.create_task(self._look(key, spec))
            look.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(self._looks[key])

    async def stop(self) -> None:
        """Look no further."""
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    def _ended(self, key: _Key, look: "asyncio.Task[BlobIndex]") -> None:
        self._looks.pop(key, None)
        if look.cancelled() or look.exception() is not None:  # whoever waits for it is told
            return
        self._kept[key] = look.result()
        while len(self._kept) > 1 and sum(each.memory for each in self._kept.values()) > MAX_KEPT_BYTES:
            self._kept.popitem(last=False)

    async def _look(self, key: _Key, spec: StoredSpec) -> BlobIndex:
        stored = await self._blobs.index(*key)
        if stored is not None:
            return await asyncio.to_thread(decode_index, spec, stored)
        async with self._looking:
            size = await self._blobs.size(spec.blob)
            if size is None:
                raise not_uploaded()
            found = await self._read(reader_of(spec, size), spec.blob)
            await self._blobs.put_index(*key, await asyncio.to_thread(found.encode))
        return found

    async def _read(self, reader: BlobReader, blob: str) -> BlobIndex:
        while not reader.is_over:
            await asyncio.to_thread(reader.feed, await self._blobs.read(blob, reader.at, WINDOW))
        return await asyncio.to_thread(reader.found)
