"""Grants get their files on the way out, and nothing overtakes anything."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from disio_manager import filling
from disio_manager.core.commands import Read, Send
from disio_manager.filling import Filler
from disio_manager.sources import Sources
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared import messages
from disio_shared.errors import StoreUnavailable
from disio_shared.payloads import StoredSpec
from tests.unit.manager.tars import sha256_of, tar_of
from tests.uploading import upload
from tests.waiting import wait_until

FILES = [(f"f{at}", b"%d" % at * 100) for at in range(50)]
TAR = tar_of(FILES)
SHA = sha256_of(TAR)
SPEC = StoredSpec("files", SHA)


@pytest.fixture
async def store(tmp_path: Any) -> AsyncIterator[ManagerStore]:
    opened = await open_store("", tmp_path, "m")
    await upload(opened.blobs, TAR)
    yield opened
    await opened.close()


class Door:
    """Sees what goes out; reading payloads can be held up."""

    def __init__(self, store: ManagerStore) -> None:
        self.sent: list[Send] = []
        self.given_up: list[str] = []
        self.sources = Sources(store.blobs, store.segments)
        self.filler = Filler(self.sources, self.sent.append, self.given_up.append, lambda: 0.0)
        self.is_open = asyncio.Event()
        read = self.sources.payloads

        async def held_up(spec: StoredSpec, runs: Any) -> list[bytes]:
            await self.is_open.wait()
            return await read(spec, runs)

        self.sources.payloads = held_up  # type: ignore[method-assign]

    def kinds(self, session: str) -> list[str]:
        return [type(one.message).__name__ for one in self.sent if one.session == session]


def grant(session: str = "s", start: int = 3, stop: int = 9, blob: str = SHA) -> Send:
    block = messages.BlockGrant(block="b", lease=1, task="t", start=start, stop=stop)
    reads = (Read(0, StoredSpec("files", blob), [(start, start + 2), (start + 4, stop)]),)
    return Send(session, messages.Grant(request=1, blocks=[block]), reads)


def cancelled(session: str = "s") -> Send:
    return Send(session, messages.TaskState(task="t", state="cancelled"))


async def test_a_grant_gets_its_open_files_and_nothing_overtakes_it(store: ManagerStore) -> None:
    door = Door(store)
    door.filler.send(grant())
    door.filler.send(cancelled())
    door.filler.send(cancelled("other"))
    assert door.kinds("s") == [] and door.kinds("other") == ["TaskState"]
    door.is_open.set()
    await wait_until(lambda: door.kinds("s") == ["Grant", "TaskState"])
    told = door.sent[1].message
    assert isinstance(told, messages.Grant)
    raw = [b"\0" + data for _, data in FILES]
    assert told.blocks[0].payloads == [raw[3], raw[4], b"", b"", raw[7], raw[8]]
    door.filler.send(cancelled())
    assert door.kinds("s") == ["Grant", "TaskState", "TaskState"], "with nothing waiting it goes out at once"


async def test_a_grant_that_cannot_be_filled_is_dropped_alone(store: ManagerStore) -> None:
    door = Door(store)
    door.is_open.set()
    for send in (grant(blob="0" * 64), cancelled(), grant()):
        door.filler.send(send)
    await wait_until(lambda: door.kinds("s") == ["TaskState", "Grant"])


async def test_what_is_larger_than_was_reckoned_with_goes_out_in_several_messages(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "MAX_SENT_BYTES", 500)
    door = Door(store)
    door.is_open.set()
    blocks = [messages.BlockGrant(block=f"b{at}", lease=1, task="t", start=at, stop=at + 1) for at in range(40, 45)]
    reads = tuple(Read(at, SPEC, [(40 + at, 41 + at)]) for at in range(5))
    manifest = messages.TaskManifest(task="t", name="n", workunit="w", language="javascript", payloads=b"")
    door.filler.send(Send("s", messages.Grant(request=7, tasks=[manifest], blocks=blocks), reads))
    door.filler.send(cancelled())
    await wait_until(lambda: door.kinds("s")[-1:] == ["TaskState"])
    parts = [one.message for one in door.sent if isinstance(one.message, messages.Grant)]
    assert [[block.block for block in part.blocks] for part in parts] == [["b40", "b41"], ["b42", "b43"], ["b44"]]
    assert [len(part.tasks) for part in parts] == [1, 0, 0] and {part.request for part in parts} == {7}
    assert [block.payloads for part in parts for block in part.blocks] == [
        [b"\0" + FILES[at][1]] for at in range(40, 45)
    ]


async def test_too_much_behind_a_grant_ends_its_session(store: ManagerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "MAX_WAITING", 3)
    door = Door(store)
    for send in (grant(), cancelled(), cancelled()):
        door.filler.send(send)
    assert door.given_up == []
    door.filler.send(cancelled())
    assert door.given_up == ["s"]
    door.is_open.set()
    door.filler.send(grant("other"))
    await wait_until(lambda: door.kinds("other"))
    assert door.kinds("s") == []


async def test_what_is_cut_off_is_told_and_not_handed_out(store: ManagerStore) -> None:
    sources = Sources(store.blobs, store.segments)
    await sources.index(SPEC)
    path = store.blobs._folder / SHA  # type: ignore[attr-defined]
    path.write_bytes(TAR[:2_000])
    with pytest.raises(StoreUnavailable, match="cut off"):
        await sources.payloads(SPEC, [(0, 5)])


async def test_files_are_read_in_parts_of_bounded_size(store: ManagerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disio_manager.archives.MAX_READ", 3_000)
    sources, sizes = Sources(store.blobs, store.segments), []
    read = store.blobs.read

    async def counted(sha256: str, start: int, size: int) -> bytes:
        sizes.append(size)
        return await read(sha256, start, size)

    await sources.index(SPEC)
    monkeypatch.setattr(store.blobs, "read", counted)
    assert await sources.payloads(SPEC, [(0, 20), (30, 50)]) == [b"\0" + data for _, data in [*FILES[:20], *FILES[30:]]]
    assert max(sizes) <= 3_000 < sum(sizes)
