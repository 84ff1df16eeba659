"""Taking a task's results as they come, against a real manager; a peer plays the distributor."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from disio.patience import Patience
from disio.rest import ManagerClient, RestProblem, ResultLine
from disio.submitting import following
from disio.submitting.following import Follower
from disio.submitting.gaps import AsTheyCome, InOrder, Wanted
from disio.submitting.progress import Screen
from tests.unit.manager.served import Peer, Served, serve
from tests.waiting import wait_until

ORDER = [9, 3, 4, 0, 8, 1, 2, 7, 6, 5]


class Client(ManagerClient):
    """Counts what is asked for."""

    gaps = new = 0

    async def result_batches(
        self, task: str, start: int, limit: int, is_matched: bool = False
    ) -> AsyncGenerator[list[ResultLine], None]:
        self.gaps += 1
        async for batch in super().result_batches(task, start, limit, is_matched):
            yield batch

    async def finished_batches(
        self, task: str, cursor: str, limit: int, heard: Callable[[Mapping[str, str]], object]
    ) -> AsyncGenerator[list[ResultLine], None]:
        self.new += 1
        async for batch in super().finished_batches(task, cursor, limit, heard):
            yield batch


class Knowing(Client):
    """Of a manager without a journal."""

    async def finished_batches(
        self, task: str, cursor: str, limit: int, heard: Callable[[Mapping[str, str]], object]
    ) -> AsyncGenerator[list[ResultLine], None]:
        self.new += 1
        if cursor == "":
            raise RestProblem(400, "this database keeps no such order", [])
        async for batch in super().finished_batches(task, cursor, limit, heard):
            yield batch


class Forgetful(Client):
    """Of a manager whose journal leaves half of it out and repeats the rest."""

    async def finished_batches(
        self, task: str, cursor: str, limit: int, heard: Callable[[Mapping[str, str]], object]
    ) -> AsyncGenerator[list[ResultLine], None]:
        batches = [batch async for batch in super().finished_batches(task, cursor, limit, heard)]
        lines = [line for batch in batches for line in batch if line.i % 2]
        yield lines
        yield lines


async def followed(served: Served, client: Client, wanted: Wanted) -> list[int]:
    """Follow a task while its results come one by one; return the indexes in the order they were taken."""
    task = (await served.create())["id"]
    peer: Peer = served.peer(f"d{len(served.peers) + 1}")
    await peer.join()
    await peer.leased(10)
    taken: list[int] = []

    async def take(batch: list[ResultLine]) -> None:
        assert all(bytes(found.result) == b"%d" % found.i**2 for found in batch)
        taken.extend(found.i for found in batch)

    with Screen() as screen:
        follower = Follower(client, task, wanted, take, screen, Patience(0, screen.say))
        running = asyncio.create_task(follower.follow())
        for at, index in enumerate(ORDER):
            await peer.deliver(task, [index], batch=f"b{at}")
            if at == 4 and isinstance(wanted, AsTheyCome) and not isinstance(client, Forgetful):
                await wait_until(lambda: len(taken) == 5)
        ended: dict[str, Any] = await running
    assert (ended["state"], follower.taken) == ("done", 10)
    return taken


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_S", 0.02)
    monkeypatch.setattr(following, "PAGE", 3)
    monkeypatch.setattr(following, "BATCH", 2)


@pytest.mark.parametrize("kind", [Client, Knowing, Forgetful])
async def test_each_result_is_taken_once_whatever_the_manager_knows_of_their_order(
    kind: type[Client], tmp_path: Path
) -> None:
    async with serve(tmp_path) as served, kind(served.url, (tmp_path / "admin.token").read_text()) as client:
        taken = await followed(served, client, AsTheyCome(10))
        assert sorted(taken) == list(range(10))
        if kind is Client:
            assert taken == ORDER and client.gaps == 0
        if kind is Knowing:
            assert client.new == 1 and client.gaps > 0


async def test_in_order_they_are_taken_in_order(tmp_path: Path) -> None:
    async with serve(tmp_path) as served, Client(served.url, (tmp_path / "admin.token").read_text()) as client:
        assert await followed(served, client, InOrder(10)) == list(range(10))
        assert client.new == 0
