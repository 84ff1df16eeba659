"""Payloads that are lines: out of a text, wherever they lie in it.

Rule: a chunk of the text is read once for all payloads that are wanted of it, a window at a time.
"""

import asyncio
from collections.abc import Iterator

from disio_manager.archives import cut_off
from disio_manager.line_formats import format_of
from disio_manager.line_index import LineIndex, LinePicker
from disio_manager.stores.base import BlobStore
from disio_shared.errors import StoreUnavailable
from disio_shared.payloads import StoredSpec
from disio_shared.ranges import Run

MAX_WINDOW = 4 << 20
"""Bytes read at once."""


async def read_lines(blobs: BlobStore, spec: StoredSpec, index: LineIndex, runs: list[Run]) -> list[bytes]:
    """Return lines as wire values, in the order of ``runs``, which ascend.

    Raises:
        BlobNotFound, StoreUnavailable: They cannot be read.
    """
    values: list[bytes] = []
    for near in _neighbours(index, runs):
        values += await _read(blobs, spec, index, near)
    return values


async def _read(blobs: BlobStore, spec: StoredSpec, index: LineIndex, runs: list[Run]) -> list[bytes]:
    values: list[bytes] = []
    picker = LinePicker(format_of(spec, index.names), index, _indexes(runs))
    end = index.end_of(runs[-1][1] - 1)
    while not picker.is_over:
        window = await blobs.read(spec.blob, picker.at, min(MAX_WINDOW, end - picker.at))
        if not window:
            raise cut_off(spec.blob)
        try:
            values += await asyncio.to_thread(picker.feed, window)
        except ValueError as error:
            raise StoreUnavailable(f"blob {spec.blob}", f"is damaged: {error}", "restore it from a backup") from error
    return values


def _indexes(runs: list[Run]) -> Iterator[int]:
    for start, stop in runs:
        yield from range(start, stop)


def _neighbours(index: LineIndex, runs: list[Run]) -> Iterator[list[Run]]:
    """Gather runs into lists that are read in one go: no chunk lies between them that is not wanted."""
    near: list[Run] = []
    end = 0
    for start, stop in runs:
        if near and index.begin_of(start)[1] > end:
            yield near
            near = []
        near.append((start, stop))
        end = index.end_of(stop - 1)
    if near:
        yield near
