"""Payloads that are files: their bytes out of an archive.

Rule: what is read at once is bounded, unless it is a single file.
"""

from disio_manager.stores.base import BlobStore
from disio_manager.tar_index import Files
from disio_shared.errors import StoreUnavailable
from disio_shared.ranges import Run
from disio_shared.values import RAW_MARK

MAX_READ = 16 << 20
"""Bytes read at once, unless it is a single file."""


async def read_files(blobs: BlobStore, blob: str, files: Files, runs: list[Run]) -> list[bytes]:
    """Return files as wire values, in the order of ``runs``.

    Raises:
        BlobNotFound, StoreUnavailable: They cannot be read.
    """
    values: list[bytes] = []
    for start, stop in _parts(files, runs):
        base = files.offsets[start]
        size = files.offsets[stop - 1] + files.sizes[stop - 1] - base
        data = await blobs.read(blob, base, size)
        if len(data) != size:
            raise cut_off(blob)
        view = memoryview(data)
        for index in range(start, stop):
            at = files.offsets[index] - base
            values.append(RAW_MARK + view[at : at + files.sizes[index]])
    return values


def cut_off(blob: str) -> StoreUnavailable:
    """Return what is said of a blob that is shorter than it was."""
    return StoreUnavailable(f"blob {blob}", "is cut off", "restore it from a backup, or upload it again")


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
