"""A whole distributor in this process: real Socket.IO clients, a real ZeroMQ manager that does what the test wants."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from disio_distributor.app import DistributorApp
from disio_distributor.config import DistributorSettings
from disio_shared import messages
from disio_shared.codec import MAX_CLIENT_MESSAGE
from disio_shared.errors import ConfigError, StoreUnavailable
from tests.services.process import ServerProcess
from tests.unit.distributor.peer import HELLO, Peer, connected, squares
from tests.unit.distributor.standin_manager import CODE, CODE_HASH, StandInManager, block, running_manager
from tests.waiting import patient, wait_until

READY = messages.Ready(slots=2)


def settings_for(folder: Path, manager: str, **changes: Any) -> DistributorSettings:
    plain = DistributorSettings(
        manager=[manager], port=0, data_dir=str(folder / "data"), name="near", zeroconf=False, drain_s=2.0
    )
    return msgspec.structs.replace(plain, **changes)


class Running:
    """Distributors of one test."""

    def __init__(self, folder: Path, manager: StandInManager) -> None:
        self.folder, self.manager = folder, manager
        self.apps: list[DistributorApp] = []

    async def start(self, **changes: Any) -> str:
        app = DistributorApp(settings_for(self.folder, self.manager.url, **changes))
        url = await app.start()
        self.apps.append(app)
        return url

    async def stop(self) -> None:
        while self.apps:
            await self.apps.pop().stop()


@pytest_asyncio.fixture(params=["sqlite", "redis"])
async def cache(request: pytest.FixtureRequest) -> str:
    """Cache URL of each kind."""
    if request.param == "sqlite":
        return ""
    server: ServerProcess = request.getfixturevalue("redis_server")
    return server.url


@pytest_asyncio.fixture
async def manager() -> AsyncIterator[StandInManager]:
    async with running_manager() as standin:
        yield standin


@pytest_asyncio.fixture
async def distributors(tmp_path: Path, manager: StandInManager) -> AsyncIterator[Running]:
    running = Running(tmp_path, manager)
    yield running
    await running.stop()


async def work(peer: Peer, limit: int) -> int:
    """Work until ``limit`` results are acknowledged; return how many."""
    done = 0
    while done < limit:
        await peer.say(READY)
        assign = await peer.hear(messages.Assign)
        stored = await peer.ask(squares(assign))
        assert stored == messages.Stored(accepted=len(assign.indexes))
        done += len(assign.indexes)
    return done


async def test_two_clients_share_a_block_and_the_manager_gets_every_result_once(
    distributors: Running, manager: StandInManager, cache: str
) -> None:
    manager.blocks = [block(0, 100)]
    url = await distributors.start(cache=cache)
    async with connected(url) as one, connected(url) as two:
        first, second = await one.hello(), await two.hello()
        assert first.client_id != second.client_id
        workers = [asyncio.create_task(work(peer, 1000)) for peer in (one, two)]
        await wait_until(lambda: len(manager.results) == 100, on_timeout=lambda: len(manager.results))
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)
    assert manager.results == {number: str(number * number).encode() for number in range(100)}


async def test_a_client_keeps_its_identity_over_a_restart_and_a_wrong_secret_earns_another(
    distributors: Running, cache: str
) -> None:
    url = await distributors.start(cache=cache)
    async with connected(url) as peer:
        known = await peer.hello()
    await distributors.stop()
    url = await distributors.start(cache=cache)
    mine = msgspec.structs.replace(HELLO, client_id=known.client_id, secret=known.secret)
    async with connected(url) as peer:
        again = await peer.hello(mine)
    assert (again.client_id, again.secret) == (known.client_id, known.secret)
    async with connected(url) as thief:
        other = await thief.hello(msgspec.structs.replace(mine, secret="guessed"))
    assert other.client_id != known.client_id


async def test_results_acknowledged_while_the_manager_is_away_reach_it_after_a_restart(
    distributors: Running, manager: StandInManager, cache: str
) -> None:
    manager.blocks = [block(0, 20)]
    url = await distributors.start(cache=cache)
    async with connected(url) as peer:
        await peer.hello()
        await peer.say(READY)
        assign = await peer.hear(messages.Assign)
        await manager.stop()
        stored = await peer.ask(squares(assign))
        assert stored == messages.Stored(accepted=len(assign.indexes))
    await distributors.stop()
    assert manager.results == {}
    await distributors.start(cache=cache)
    await manager.start()
    await wait_until(lambda: set(manager.results) >= set(assign.indexes), timeout=20)


async def test_clients_go_on_with_what_is_held_while_the_manager_is_away(
    distributors: Running, manager: StandInManager
) -> None:
    manager.blocks = [block(0, 200)]
    url = await distributors.start()
    async with connected(url) as peer:
        await peer.hello()
        await work(peer, 1)
        await manager.stop()
        assert await work(peer, 50) >= 50
        await manager.start()
        await wait_until(lambda: len(manager.results) >= 50, timeout=20)


async def test_an_undecodable_message_drops_that_peer_alone(distributors: Running) -> None:
    url = await distributors.start()
    async with connected(url) as bad, connected(url) as good:
        await bad.hello()
        await good.hello()
        answer = messages.TO_CLIENT.decode(await bad.call(b"\xc1 nonsense"))
        assert isinstance(answer, messages.Error) and answer.code == "malformed"
        await asyncio.wait_for(bad.closed.wait(), 5)
        await good.say(READY)
        assert isinstance(await good.hear(messages.Idle), messages.Idle)
        assert not good.closed.is_set()


@pytest.mark.parametrize("argument", ["text", {"a": 1}, None, [b"x"], 7])
async def test_an_argument_that_is_not_bytes_drops_that_peer(distributors: Running, argument: Any) -> None:
    url = await distributors.start()
    async with connected(url) as peer:
        await peer.hello()
        await peer.emit(argument)
        assert (await peer.hear(messages.Error)).code == "malformed"
        await asyncio.wait_for(peer.closed.wait(), 5)


@pytest.mark.parametrize("excess", [1, 1 << 20])
async def test_an_oversize_message_drops_that_peer_alone(distributors: Running, excess: int) -> None:
    url = await distributors.start()
    async with connected(url) as bad, connected(url) as good:
        await bad.hello()
        await good.hello()
        await bad.emit(bytes(MAX_CLIENT_MESSAGE + excess))
        await asyncio.wait_for(bad.closed.wait(), 10)
        assert isinstance(await good.ask(messages.Release(tokens=[], indexes=[])), messages.Stored)


async def test_a_message_before_hello_and_a_second_hello_are_refused(distributors: Running) -> None:
    url = await distributors.start()
    async with connected(url) as early:
        assert isinstance(await early.ask(messages.Release(tokens=[], indexes=[])), messages.Error)
        await asyncio.wait_for(early.closed.wait(), 5)
    async with connected(url) as twice:
        await twice.hello()
        assert isinstance(await twice.ask(HELLO), messages.Error)
        await asyncio.wait_for(twice.closed.wait(), 5)


async def test_a_connection_without_hello_is_closed(distributors: Running) -> None:
    url = await distributors.start(hello_timeout_s=0.3)
    async with connected(url) as silent, connected(url) as joined:
        await joined.hello()
        await asyncio.wait_for(silent.closed.wait(), 5)
        assert not joined.closed.is_set()


async def test_another_version_and_a_full_house_are_refused_with_a_reason(
    distributors: Running, manager: StandInManager
) -> None:
    url = await distributors.start(max_clients=1)
    async with connected(url) as old:
        refused = await old.ask(msgspec.structs.replace(HELLO, version=99))
        assert isinstance(refused, messages.Refused) and (refused.code, refused.retry_after_s) == ("version", -1.0)
    async with connected(url) as first, connected(url) as second:
        await first.hello()
        refused = await second.ask(HELLO)
        assert isinstance(refused, messages.Refused) and refused.code == "full" and refused.retry_after_s > 0
        await wait_until(lambda: manager.joins)
        await manager.say(messages.Siblings(urls=["http://sibling", url]))

        async def is_redirected() -> bool:
            async with connected(url) as third:
                return await third.ask(HELLO) == messages.Redirect(url="http://sibling", reason="1 clients are here")

        await wait_until(is_redirected)


async def test_compression_is_off_and_foreign_origins_are_refused(distributors: Running) -> None:
    url = await distributors.start()
    path = f"{url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(path, compress=15) as socket:
            assert not socket.compress
        async with http.ws_connect(path, origin=url):
            pass
        for origin in ("http://evil.example", "null"):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await http.ws_connect(path, origin=origin)
        async with http.get(f"{url}/socket.io/?EIO=4&transport=polling") as polling:
            assert polling.status == 400


@pytest.mark.parametrize("frame", ["x", "", "9", "4text", b"", "2probe", "0", "5"])
async def test_frames_that_are_no_packets_end_quietly(
    distributors: Running, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    url = await distributors.start(hello_timeout_s=0.5)
    path = f"{url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as http, http.ws_connect(path) as socket:
        await socket.receive()
        await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        async with asyncio.timeout(patient(5)):
            while not socket.closed:
                await socket.receive()
    assert "Traceback" not in caplog.text


async def test_code_is_served_for_ever_compressed_and_to_every_origin(
    distributors: Running, manager: StandInManager
) -> None:
    manager.blocks = [block(0, 4)]
    url = await distributors.start()
    async with connected(url) as peer, aiohttp.ClientSession(auto_decompress=False) as http:
        await peer.hello()
        await peer.say(READY)
        assign = await peer.hear(messages.Assign)
        assert assign.workunit == CODE_HASH
        async with http.get(f"{url}/workunits/{CODE_HASH}") as response:
            body = await response.read()
            assert hashlib.sha256(body).hexdigest() == CODE_HASH and body == CODE
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert response.headers["Content-Type"] == "application/octet-stream"
            tag = {"If-None-Match": response.headers["ETag"]}
        async with http.get(f"{url}/workunits/{CODE_HASH}", headers=tag) as response:
            assert response.status == 304
        for unknown in ("0" * 64, "nonsense", CODE_HASH.upper()):
            async with http.get(f"{url}/workunits/{unknown}") as response:
                assert response.status == 404


async def test_large_code_is_sent_compressed_to_those_who_take_it(
    distributors: Running, manager: StandInManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disio_distributor.web.MIN_GZIP", 1)
    padded = CODE + b" " * 5000
    digest = hashlib.sha256(padded).hexdigest()
    monkeypatch.setattr("tests.unit.distributor.standin_manager.CODE", padded)
    monkeypatch.setattr("tests.unit.distributor.standin_manager.CODE_HASH", digest)
    manager.blocks = [block(0, 4)]
    url = await distributors.start()
    async with connected(url) as peer, aiohttp.ClientSession(auto_decompress=False) as http:
        await peer.hello()
        await peer.say(READY)
        await peer.hear(messages.Assign)
        async with http.get(f"{url}/workunits/{digest}", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            packed = await response.read()
        async with http.get(f"{url}/workunits/{digest}", headers={"Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers
            assert gzip.decompress(packed) == await response.read() == padded


async def test_monitors_are_told_how_it_is(distributors: Running, manager: StandInManager) -> None:
    url = await distributors.start(operator="Ada", purpose="pi")
    async with connected(url) as peer, aiohttp.ClientSession() as http:
        await peer.hello()

        async def page(path: str) -> str:
            async with http.get(url + path) as response:
                assert response.status == 200 and response.headers["X-Content-Type-Options"] == "nosniff"
                return await response.text()

        assert await page("/healthz") == "ok\n"

        async def is_online() -> bool:
            ready = msgspec.json.decode(await page("/readyz"))
            return bool(ready == {"ready": True, "managers": {manager.url: "online"}})

        await wait_until(is_online)
        metrics = await page("/metrics")
        assert "disio_distributor_clients 1.0" in metrics
        assert "disio_distributor_managers_online 1.0" in metrics
        facts = msgspec.json.decode(await page("/.well-known/disio.json"))
        assert (facts["name"], facts["operator"], facts["purpose"], facts["protocol"]) == ("near", "Ada", "pi", 1)


async def test_stopping_gives_blocks_back_and_sends_clients_away(
    distributors: Running, manager: StandInManager
) -> None:
    manager.blocks = [block(0, 50)]
    url = await distributors.start()
    async with connected(url) as peer:
        await peer.hello()
        await wait_until(lambda: any(isinstance(said, messages.FetchWorkunit) for said in manager.said))
        await distributors.stop()
        await asyncio.wait_for(peer.closed.wait(), 5)
    returned = [said for said in manager.said if isinstance(said, messages.Return)]
    assert [ref.block for said in returned for ref in said.blocks] == ["b1"]


async def test_a_redis_that_goes_away_is_waited_for_and_nothing_is_acknowledged_meanwhile(
    distributors: Running, manager: StandInManager, redis_server: ServerProcess
) -> None:
    manager.blocks = [block(0, 40)]
    url = await distributors.start(cache=redis_server.url)
    async with connected(url) as peer:
        await peer.hello()
        await peer.say(READY)
        assign = await peer.hear(messages.Assign)
        redis_server.stop()
        answer = await peer.ask(squares(assign))
        assert isinstance(answer, messages.Error) and answer.code == "unavailable"
        redis_server.start()
        await asyncio.wait_for(peer.closed.wait(), 20)

    async def is_in() -> bool:
        async with connected(url) as back:
            return isinstance(await back.ask(HELLO), messages.Welcome)

    await wait_until(is_in, timeout=20)


async def test_a_redis_that_is_not_there_at_the_start_is_named(tmp_path: Path) -> None:
    app = DistributorApp(settings_for(tmp_path, "http://127.0.0.1:9", cache="redis://127.0.0.1:1/0"))
    with pytest.raises(StoreUnavailable):
        await app.start()
    with pytest.raises(ConfigError, match="--cache"):
        await DistributorApp(settings_for(tmp_path, "http://127.0.0.1:9", cache="mysql://x")).start()
