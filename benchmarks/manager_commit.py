"""No-op payloads a second through the manager's core and its SQLite store, fsync included.

Run with ``python benchmarks/manager_commit.py [DIRECTORY]``; the directory decides which disk is measured.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from disio_manager.core import events
from disio_manager.core.changes import Change, PutBlock
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.granting import MAX_FRESH
from disio_manager.core.records import TaskRecord
from disio_manager.core.settings import CoreSettings
from disio_manager.stores.sqlite import SqliteStore
from disio_shared import messages
from disio_shared.messages import FROM_DISTRIBUTOR
from disio_shared.payloads import RangeSpec
from disio_shared.taskdoc import Policy

TOTAL = 10**9
RUN_S = 2.0
GROUP = 8
"""Messages decided under one commit in the grouped runs, as when several distributors deliver at once."""
NOW, WALL = 1_000.0, 1_700_000_000.0


def encoded(start: int, count: int) -> bytes:
    """Return a Deliver as it comes from the link."""
    columns = messages.ResultColumns(
        task="bench",
        indexes=list(range(start, start + count)),
        values=[b"null"] * count,
        seconds=[0.001] * count,
        clients=["client-a", "client-b"],
        by=[at % 2 for at in range(count)],
    )
    return FROM_DISTRIBUTOR.encode(messages.Deliver(batch=f"x{start}", results=[columns]))


async def prepared(store: SqliteStore) -> Coordinator:
    """Return a core with one task of 10^9 payloads and one distributor."""
    core = Coordinator.restore([], [], CoreSettings(), NOW, WALL)
    record = TaskRecord(
        id="bench", number=await store.next_number(), name="bench", tags=[], workunit="00" * 32, language="javascript",
        workunit_bytes=1, payloads=b'{"range":[0,%d]}' % TOTAL, policy=Policy(), total=TOTAL, state="queued",
        created_at=WALL,
    )  # fmt: skip
    join = messages.Join(version=1, distributor="d", name="d", url="", max_clients=1)
    for event in (events.TaskCreated(record, RangeSpec(0, 1, TOTAL)), events.DistributorJoined("s", join, WALL)):
        await store.commit(core.handle(event, NOW).changes)
    return core


def grant(core: Coordinator, request: int) -> tuple[list[Change], int]:
    """Lease the blocks that come next; return how many payloads they have."""
    ask = messages.Ask(request=request, payloads=10_000, languages=["javascript"], kinds=["cli"])
    fresh = tuple(f"b{request}-{nth}" for nth in range(MAX_FRESH))
    changes = list(core.handle(events.MessageArrived("s", ask, WALL, fresh), NOW).changes)
    count = sum(each.record.stop - each.record.start for each in changes if isinstance(each, PutBlock))
    assert count, "nothing more is granted"
    return changes, count


async def measure(folder: Path, batch: int, group: int) -> tuple[float, float, float]:
    """Return payloads a second, and microseconds of the manager's CPU a payload in core and store together."""
    store = await SqliteStore.open(folder / f"bench-{batch}-{group}.db", "bench")
    core = await prepared(store)
    granted = sent = request = 0
    began, cpu = time.perf_counter(), time.process_time()
    encoding = 0.0
    while time.perf_counter() - began < RUN_S:
        changes: list[Change] = []
        for _ in range(group):
            while sent + batch > granted:
                request += 1
                more, count = grant(core, request)
                changes += more
                granted += count
            mark = time.process_time()
            data = encoded(sent, batch)
            encoding += time.process_time() - mark
            deliver = FROM_DISTRIBUTOR.decode(data)
            assert isinstance(deliver, messages.Deliver)
            changes += core.handle(events.MessageArrived("s", deliver, WALL), NOW).changes
            sent += batch
        await store.commit(changes)
    elapsed, spent = time.perf_counter() - began - encoding, time.process_time() - cpu - encoding
    await store.close()
    return sent / elapsed, spent / sent * 1e6, encoding / sent * 1e6


async def main(folder: Path) -> None:
    """Print one line a case."""
    print("batch  messages/commit  payloads/s  CPU us/payload (decode + core + store)")
    for batch, group in ((1, 1), (50, 1), (500, 1), (1, GROUP * 8), (50, GROUP), (500, GROUP)):
        rate, cpu, _ = await measure(folder, batch, group)
        print(f"{batch:5d}  {group:15d}  {rate:10,.0f}  {cpu:8.2f}", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as made:
        asyncio.run(main(Path(made)))
