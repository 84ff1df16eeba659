"""A distributor that vanishes without a word: noticed, come back to, and nothing of the old connection is left."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from disio_client import connection as connection_module
from disio_client import events as ev
from disio_client import session as session_module
from disio_client.connection import Connection
from disio_client.identity import Identities
from disio_client.session import Session
from disio_shared.backoff import Backoff
from disio_shared.clock import SystemClock
from disio_shared.messages import Hello
from tests.unit.client_cli.hole import Hole
from tests.unit.client_cli.small_distributor import SmallDistributor
from tests.waiting import wait_until

HELLO = Hello(version=1, kind="cli", languages=["javascript"], cores=1)
NEVER_S = 3600.0


@dataclass
class Body:
    """A client without engines: the test says what its units return."""

    session: Session
    connection: Connection
    clock: SystemClock = field(default_factory=SystemClock)
    runs: list[ev.StartRun] = field(default_factory=list)

    async def feed(self, event: ev.Event) -> None:
        for command in self.session.handle(event, self.clock.steady()).commands:
            match command:
                case ev.Send(message):
                    self.connection.send(message, None)
                case ev.SendAcked(number, message):
                    self.connection.send(message, number)
                case ev.Reconnect():
                    self.connection.reconnect(command)
                case ev.FetchCode(workunit):
                    await self.feed(ev.CodeReady(workunit))
                case ev.StartRun():
                    self.runs.append(command)
                case ev.Welcomed():
                    self.connection.welcomed()

    async def tick(self) -> bool:
        """Let time pass for the session; tells whether it is online."""
        await self.feed(ev.Tick())
        return self.session.is_online

    async def answer(self, value: bytes) -> None:
        """End the run at hand with this value for each unit."""
        run = self.runs.pop(0)
        size = len(run.indexes)
        await self.feed(ev.UnitsDone(run.slot, run.run, run.indexes, [value] * size, [0.1] * size))
        await self.feed(ev.RunFinished(run.slot, run.run))


@dataclass
class World:
    distributor: SmallDistributor
    hole: Hole
    body: Body

    def is_served(self) -> bool:
        return bool(self.body.runs)


@pytest.fixture
async def world(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """Parameters: the distributor's ping times, the client's own."""
    ping_s, heartbeat_s = request.param
    monkeypatch.setattr(connection_module, "HEARTBEAT_S", heartbeat_s)
    distributor = SmallDistributor(b"code", [b"1"] * 4, batch=4, ping_s=ping_s)
    await distributor.start()
    hole = Hole(distributor.port)
    await hole.start()
    async with aiohttp.ClientSession() as http:
        identities = Identities(tmp_path, hole.url)
        session = Session(HELLO, 1)
        bodies: list[Body] = []

        async def submit(event: ev.Event) -> None:
            await bodies[0].feed(event)

        backoff = Backoff(0.05, 0.2, random.uniform)
        bodies.append(Body(session, Connection(identities, http, submit, backoff, lambda _say: None)))
        await bodies[0].feed(ev.SlotUp(0))
        running = asyncio.create_task(bodies[0].connection.run())
        yield World(distributor, hole, bodies[0])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await hole.stop()
    await distributor.stop()


async def come_back(world: World) -> None:
    """Wait until the client noticed the hole, heal it, and wait until its results are stored."""
    await wait_until(lambda: not world.body.session.is_online)
    for _ in list(world.body.runs):
        await world.body.answer(b"7")  # kept until the distributor is back
    world.hole.heal()

    async def is_complete() -> bool:
        await world.body.tick()
        for _ in list(world.body.runs):
            await world.body.answer(b"7")
        return world.distributor.is_complete

    await wait_until(is_complete, timeout=20)
    assert set(world.distributor.values) == {0, 1, 2, 3}


@pytest.mark.parametrize("world", [(0.3, NEVER_S), (NEVER_S, 0.3)], ids=["no ping", "no answer"], indirect=True)
async def test_silence_is_noticed_and_results_finished_meanwhile_are_sent(world: World) -> None:
    await wait_until(world.is_served)
    world.hole.swallow()
    await come_back(world)
    assert world.hole.connections >= 2


@pytest.mark.parametrize("world", [(NEVER_S, NEVER_S)], indirect=True)
async def test_nothing_of_a_connection_is_left_whose_peer_reads_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "ACK_S", 0.5)
    await wait_until(world.is_served)
    world.hole.swallow()
    await world.body.answer(b"1" * (7 << 20))
    await world.body.answer(b"2" * (7 << 20))

    async def is_lost() -> bool:
        await world.body.tick()
        return not world.body.session.is_online

    await wait_until(is_lost)

    def loops() -> list[str]:
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
        return [name for name in names if "_loop" in name and "AsyncClient" in name]

    await come_back(world)
    await wait_until(lambda: len(loops()) == 2, on_timeout=loops)
