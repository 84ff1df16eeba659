"""Stored payloads through a real store: looked into once, together, and read some at a time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from disio_manager import line_reading, sources
from disio_manager.blob_problem import BadBlob
from disio_manager.sources import Sources
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.errors import StoreUnavailable
from disio_shared.payloads import StoredSpec, count
from tests.unit.manager.tars import sha256_of
from tests.uploading import upload
from tests.waiting import wait_until

LINES = [b'{"n": %d}' % at for at in range(20_000)]
TEXT = b"\n".join(LINES)
SHA = sha256_of(TEXT)
SPEC = StoredSpec("ndjson", SHA)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ManagerStore]:
    opened = await open_store("", tmp_path, "m")
    await upload(opened.blobs, TEXT)
    yield opened
    await opened.close()


class Reads:
    """Notes what is read of a store's blobs; reading can be held up."""

    def __init__(self, store: ManagerStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spans: list[tuple[int, int]] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        read = store.blobs.read

        async def noted(sha256: str, start: int, size: int) -> bytes:
            self.spans.append((start, size))
            await self.is_open.wait()
            return await read(sha256, start, size)

        monkeypatch.setattr(store.blobs, "read", noted)


async def test_a_spec_is_resolved_by_one_look_that_is_kept_beside_the_blob(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(store, monkeypatch)
    first = Sources(store.blobs, store.segments)
    found = await asyncio.gather(*(first.resolved(SPEC) for _ in range(5)))
    assert [count(one) for one in found] == [len(LINES)] * 5
    assert reads.spans == [(0, 1 << 20)]
    again = await Sources(store.blobs, store.segments).resolved(SPEC)
    assert count(again) == len(LINES) and len(reads.spans) == 1
    assert count(await first.resolved(StoredSpec("lines", SHA))) == len(LINES)
    assert len(reads.spans) == 2, "another kind is another look"


@pytest.mark.parametrize(
    "runs", [[(0, 20_000)], [(5, 6)], [(0, 1), (19_999, 20_000)], [(at, at + 1) for at in range(0, 20_000, 7)]]
)
async def test_payloads_are_read_wherever_they_lie(store: ManagerStore, runs: list[tuple[int, int]]) -> None:
    expected = [line for start, stop in runs for line in LINES[start:stop]]
    assert await Sources(store.blobs, store.segments).payloads(SPEC, runs) == expected


async def test_little_more_is_read_than_is_wanted_and_nothing_twice(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_reading, "MAX_WINDOW", 10_000)
    found = Sources(store.blobs, store.segments)
    await found.resolved(SPEC)
    reads = Reads(store, monkeypatch)
    await found.payloads(SPEC, [(3, 4), (700, 701), (15_000, 15_001)])
    assert len(reads.spans) <= 6 and sum(size for _, size in reads.spans) < 40_000
    ends = [start + size for start, size in reads.spans]
    assert all(start >= end for (start, _), end in zip(reads.spans[1:], ends, strict=False))
    assert max(size for _, size in reads.spans) <= 10_000


async def test_who_wants_another_blob_does_not_wait(store: ManagerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    other = b"1\n2\n"
    await upload(store.blobs, other)
    found = Sources(store.blobs, store.segments)
    await found.resolved(StoredSpec("ndjson", sha256_of(other)))
    reads = Reads(store, monkeypatch)
    reads.is_open.clear()
    slow = asyncio.create_task(found.resolved(SPEC))
    await wait_until(lambda: bool(reads.spans))
    assert count(await found.resolved(StoredSpec("ndjson", sha256_of(other)))) == 2
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    reads.is_open.set()
    assert count(await found.resolved(SPEC)) == len(LINES) and len(reads.spans) == 1, "the look went on"


async def test_looks_are_bounded_and_end_with_the_manager(store: ManagerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_WAITING", 0)
    found = Sources(store.blobs, store.segments)
    reads = Reads(store, monkeypatch)
    reads.is_open.clear()
    kinds: list[Any] = ["lines", "ndjson", "csv"]
    looks = [asyncio.create_task(found.index(StoredSpec(kind, SHA))) for kind in kinds]
    with pytest.raises(StoreUnavailable, match="2 are looked into"):
        await looks[2]
    await wait_until(lambda: len(reads.spans) == 2)
    await found.stop()
    assert [type(one) for one in await asyncio.gather(*looks[:2], return_exceptions=True)] == 2 * [
        asyncio.CancelledError
    ]


async def test_what_cannot_be_payloads_is_told_each_time(store: ManagerStore) -> None:
    found = Sources(store.blobs, store.segments)
    for _ in range(2):
        with pytest.raises(BadBlob, match="not uploaded"):
            await found.resolved(StoredSpec("lines", "0" * 64))
        with pytest.raises(BadBlob, match="no uncompressed tar"):
            await found.resolved(StoredSpec("files", SHA))


async def test_what_is_cut_off_or_damaged_is_told_and_not_handed_out(store: ManagerStore) -> None:
    found = Sources(store.blobs, store.segments)
    csv = b"a,b\n1,2\n3,4\n"
    await upload(store.blobs, csv)
    of = StoredSpec("csv", sha256_of(csv))
    await found.resolved(of)
    path = store.blobs._folder / of.blob  # type: ignore[attr-defined]
    for written, told in ((csv[:-2], "cut off"), (csv.replace(b"3,4", b"345"), "damaged")):
        path.write_bytes(written)
        with pytest.raises(StoreUnavailable, match=told):
            await found.payloads(of, [(1, 2)])


async def test_more_than_a_message_carries_is_never_read_at_once(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_LINK_MESSAGE", 10_000)
    found = Sources(store.blobs, store.segments)
    assert len(await found.payloads(SPEC, [(0, 500)])) == 500
    with pytest.raises(StoreUnavailable, match="restart the manager"):
        await found.payloads(SPEC, [(0, 5_000)])


async def test_kept_indexes_take_bounded_memory(store: ManagerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_KEPT_BYTES", 1)
    found = Sources(store.blobs, store.segments)
    kinds: list[Any] = ["lines", "ndjson"]
    for kind in kinds:
        await found.resolved(StoredSpec(kind, SHA))
        assert list(found._kept) == [(SHA, kind)]
