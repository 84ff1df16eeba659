"""Payloads of growing tasks: how large they are, and their values, out of the logs.

Rule: heads of a log are read once; of the tasks that were asked for lately they stay in memory.
"""

from collections import OrderedDict

import msgspec

from disio_manager.core.growing import Segments
from disio_manager.stores.segments import SegmentStore
from disio_shared.errors import StoreUnavailable
from disio_shared.payloads import StoredSpec
from disio_shared.ranges import Run

MAX_KEPT = 64
"""Tasks whose heads stay in memory: 16 bytes a segment."""


class Logs:
    """Reads payloads out of segments."""

    def __init__(self, segments: SegmentStore) -> None:
        self._segments = segments
        self._kept: OrderedDict[str, Segments] = OrderedDict()

    async def resolved(self, spec: StoredSpec) -> StoredSpec:
        """Return a spec that says how many payloads there are by now, and how large.

        Raises:
            StoreUnavailable: It cannot be read now.
        """
        known = self._kept.get(spec.task, Segments())
        growth = await self._segments.growth(spec.task, len(known))
        for head in growth.segments:
            known.add_next(head)  # somebody else may have read on meanwhile
        self._kept[spec.task] = known
        self._kept.move_to_end(spec.task)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return msgspec.structs.replace(spec, extents=known)

    async def payloads(self, spec: StoredSpec, runs: list[Run]) -> list[bytes]:
        """Return payloads as wire values, in the order of ``runs``, which ascend.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        values = await self._segments.values(spec.task, runs)
        if len(values) != sum(stop - start for start, stop in runs):
            raise StoreUnavailable(f"task {spec.task}", "has lost payloads", "restore the database from a backup")
        return values
