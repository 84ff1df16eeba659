"""Files on their way to a real manager: only what is missing is sent, whatever came in between."""

import io
import os
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import pytest

from disio.patience import Patience
from disio.rest import ManagerClient, RestProblem
from disio.submitting.uploading import upload_file
from disio_shared.errors import ManagerUnreachable
from tests.unit.manager.served import Served, serve
from tests.unit.manager.tars import sha256_of

DATA = os.urandom(5_000_000)
SHA = sha256_of(DATA)


class Watched(ManagerClient):
    """Notes from where on bytes are sent."""

    sent: list[int]

    async def put_blob(self, sha256: str, pieces: AsyncIterable[bytes], size: int, offset: int = 0) -> None:
        self.sent.append(offset)
        await super().put_blob(sha256, pieces, size, offset)


def client_of(manager: Served, folder: Path) -> Watched:
    client = Watched.from_files(manager.url, folder / "admin.token")
    client.sent = []
    return client


async def begin(manager: Served, data: bytes) -> None:
    """Let the manager have a beginning."""
    await manager.call("PUT", f"/api/blobs/{SHA}", 202, data=io.BytesIO(data), headers={"Upload-Complete": "?0"})


async def test_what_is_there_is_not_sent_again(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager, client_of(manager, tmp_path) as client:
        assert await client.blob_offset(SHA) == 0
        await begin(manager, DATA[:3_000_000])
        for _ in range(2):
            await upload_file(client, SHA, len(DATA), io.BytesIO(DATA))
        assert client.sent == [3_000_000] and await client.blob_offset(SHA) is None


async def test_a_spoilt_beginning_is_sent_again(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager, client_of(manager, tmp_path) as client:
        await begin(manager, bytes(1_000))
        await upload_file(client, SHA, len(DATA), io.BytesIO(DATA))
        assert client.sent == [1_000, 0] and await client.blob_offset(SHA) is None


async def test_another_file_than_was_named_is_refused_once(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager, client_of(manager, tmp_path) as client:
        with pytest.raises(RestProblem, match="hash is"):
            await upload_file(client, SHA, len(DATA) - 1, io.BytesIO(DATA[:-1]))
        assert client.sent == [0]


class Failing(io.BytesIO):
    """A file whose reader is told at one place what happens there."""

    def __init__(self, data: bytes, at: int, happens: Any) -> None:
        super().__init__(data)
        self._at, self._happens = at, happens

    def read(self, size: int | None = -1, /) -> bytes:
        if self._happens is not None and self.tell() >= self._at:
            happens, self._happens = self._happens, None
            happens()
        return super().read(size)


async def test_an_upload_that_breaks_off_goes_on_when_it_is_asked_again(tmp_path: Path) -> None:
    said: list[str] = []

    def breaks() -> None:
        raise ConnectionResetError("the network went away")

    async with serve(tmp_path) as manager, client_of(manager, tmp_path) as client:
        file = Failing(DATA, 4_000_000, breaks)
        with pytest.raises(ManagerUnreachable):
            await upload_file(client, SHA, len(DATA), file)
        await Patience(20, said.append).ask(lambda: upload_file(client, SHA, len(DATA), file))
        assert client.sent[0] == 0 and client.sent[-1] >= 3_000_000
        assert await client.blob_offset(SHA) is None
