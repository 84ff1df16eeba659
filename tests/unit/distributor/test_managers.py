"""The manager link against a real ROUTER, and which links there are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from disio_distributor import link as link_module
from disio_distributor.core.commands import SendManager
from disio_distributor.core.events import Event, ManagerAdmitted, ManagerLost, ManagerSaid
from disio_distributor.managers import JoinToken, Managers, ManagersSettings, load_keys
from disio_shared import messages
from disio_shared.clock import Clock, FakeClock, SystemClock
from disio_shared.datadir import DataDir
from disio_shared.errors import ConfigError
from tests.unit.distributor.standin_manager import StandInManager, running_manager
from tests.waiting import wait_until


class Rig:
    """Links whose events are written down."""

    def __init__(self, folder: Path, urls: list[str], clock: Clock) -> None:
        self.events: list[Event] = []
        self.token = ""
        settings = ManagersSettings(urls=urls, browses=False, interfaces=["127.0.0.1"])
        self.managers = Managers(settings, load_keys(DataDir(folder)), self._submit, self._join, clock)

    async def _submit(self, event: Event) -> None:
        self.events.append(event)

    def _join(self, cluster: str) -> messages.Join:
        held = [messages.BlockRef(block=f"of-{cluster}", lease=1)]
        return messages.Join(
            version=1, distributor="d1", name="d", url="http://d", max_clients=1, join_token=self.token, held=held
        )

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


@contextlib.asynccontextmanager
async def linked(folder: Path, *urls: str, clock: Clock | None = None) -> AsyncIterator[Rig]:
    rig = Rig(folder, list(urls), clock or SystemClock())
    await rig.managers.start()
    try:
        yield rig
    finally:
        await rig.managers.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back sooner than in earnest."""
    monkeypatch.setattr(link_module, "LONGEST_PAUSE_S", 0.2)
    monkeypatch.setattr(link_module, "FIRST_PAUSE_S", 0.05)


async def test_a_link_is_online_once_admitted_and_says_what_it_holds_of_that_cluster(tmp_path: Path) -> None:
    async with running_manager() as manager, linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        assert rig.managers.states() == {manager.url: True}
        assert manager.joins[0].held == [messages.BlockRef(block="of-c1", lease=1)]


async def test_messages_go_both_ways_and_siblings_are_remembered(tmp_path: Path) -> None:
    async with running_manager() as manager, linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        rig.managers.perform(SendManager(manager.url, messages.Status(clients=1, slots=2)))
        await manager.say(messages.Siblings(urls=["http://other"]))
        await wait_until(lambda: rig.count(ManagerSaid))
        await wait_until(lambda: any(isinstance(said, messages.Status) for said in manager.said))
        assert rig.managers.siblings() == ["http://other"]


async def test_a_manager_that_goes_and_comes_back_is_joined_again_on_its_ports(tmp_path: Path) -> None:
    manager = StandInManager()
    await manager.start()
    async with linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        await manager.stop()
        await wait_until(lambda: rig.count(ManagerLost))
        assert rig.managers.states() == {manager.url: False}
        await manager.start()
        await wait_until(lambda: rig.count(ManagerAdmitted) == 2)
        await manager.stop()


async def test_a_manager_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    manager = StandInManager()
    await manager.start()
    await manager.stop()
    async with linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.managers.states() == {manager.url: False})
        await manager.start()
        await wait_until(lambda: rig.count(ManagerAdmitted))
        await manager.stop()


async def test_a_manager_that_owes_an_answer_and_is_silent_counts_as_lost(tmp_path: Path) -> None:
    manager = StandInManager()
    manager.status_s = 0.1
    async with running_manager(manager), linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        manager.is_silent = True
        rig.managers.perform(SendManager(manager.url, messages.Deliver(batch="x")))
        await wait_until(lambda: rig.count(ManagerLost))
        manager.is_silent = False
        await wait_until(lambda: rig.count(ManagerAdmitted) == 2)


async def test_a_quiet_manager_that_owes_nothing_stays_online(tmp_path: Path) -> None:
    manager = StandInManager()
    manager.status_s = 0.05
    async with running_manager(manager), linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        for _ in range(20):  # each round trip outlasts a part of the limit of 0.15 s
            rig.managers.perform(SendManager(manager.url, messages.Status(clients=0, slots=0)))
            seen = len(manager.said)

            def has_answered_or_gone(seen: int = seen) -> bool:
                return len(manager.said) > seen or rig.count(ManagerLost) > 0

            await wait_until(has_answered_or_gone)
        assert rig.count(ManagerLost) == 0


async def test_a_wrong_join_token_is_tried_again_and_a_new_one_is_read(tmp_path: Path) -> None:
    manager = StandInManager()
    manager.join_token = "right"
    async with running_manager(manager), linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: len(manager.joins) >= 2)
        assert rig.count(ManagerAdmitted) == 0
        rig.token = "right"
        await wait_until(lambda: rig.count(ManagerAdmitted))


async def test_two_addresses_of_one_manager_make_one_session(tmp_path: Path) -> None:
    async with running_manager() as manager:
        other = f"http://localhost:{manager.port}"
        async with linked(tmp_path, manager.url, other) as rig:
            await wait_until(lambda: rig.count(ManagerAdmitted))
            await wait_until(lambda: rig.managers._links[other]._told)
            assert len(manager.joins) == 1
            assert rig.managers.states() == {manager.url: True, other: False}


async def test_a_session_that_is_up_keeps_its_manager_whoever_was_named_first(tmp_path: Path) -> None:
    manager = StandInManager()
    await manager.start()
    async with linked(tmp_path, f"http://localhost:{manager.port}") as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        first = next(iter(rig.managers._links.values()))
        rig.managers._add(manager.url)
        second = rig.managers._links[manager.url]
        await wait_until(lambda: second._told)
        rig.managers._drop(first.url)
        await wait_until(lambda: second.is_online)
        rig.managers._add(first.url)  # its name comes later, and its turn too
        await wait_until(lambda: rig.managers._links[first.url]._told)
        assert (second.is_online, len(manager.joins)) == (True, 2)
        await manager.stop()


async def test_managers_that_a_manager_tells_of_are_linked_to_and_named_in_turn(tmp_path: Path) -> None:
    async with running_manager() as one, running_manager(StandInManager(name="m2")) as two:
        one.managers = ["", "ftp://x", "http://127.0.0.1:1/", f"{two.url}/"]
        async with linked(tmp_path, one.url) as rig:
            await wait_until(lambda: rig.count(ManagerAdmitted) == 2)
            assert rig.managers.states() == {one.url: True, "http://127.0.0.1:1": False, two.url: True}
            assert {each.admitted.manager for each in rig.events if isinstance(each, ManagerAdmitted)} == {"m1", "m2"}


async def test_a_manager_of_another_cluster_is_not_linked_to_because_of_hearsay(tmp_path: Path) -> None:
    other = StandInManager("c2")
    async with running_manager() as one, running_manager(other), linked(tmp_path, one.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        await one.say(messages.Managers(urls=[other.url]))
        await wait_until(lambda: other.url in rig.managers._links and rig.managers._links[other.url]._told)
        assert "another cluster" in rig.managers._links[other.url]._told and not other.joins


async def test_hearsay_is_bounded(tmp_path: Path) -> None:
    async with running_manager() as manager, linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        for first in (1, 100):
            urls = [f"http://127.0.0.1:{port}" for port in range(first, first + 50)]
            before = rig.count(ManagerSaid)
            await manager.say(messages.Managers(urls=urls))
            await wait_until(lambda before=before: rig.count(ManagerSaid) > before)  # type: ignore[misc]
            assert set(rig.managers.states()) == {manager.url, *urls[:16]}


async def test_a_manager_that_nobody_names_is_forgotten_when_it_stays_away(tmp_path: Path) -> None:
    clock, gone = FakeClock(), "http://127.0.0.1:1"
    async with running_manager() as manager, linked(tmp_path, manager.url, clock=clock) as rig:
        manager.managers = [gone]
        await wait_until(lambda: rig.count(ManagerAdmitted))
        await manager.say(messages.Managers(urls=[gone]))
        await wait_until(lambda: gone in rig.managers.states())
        clock.advance(1000.0)
        rig.managers.sweep()
        assert gone in rig.managers.states(), "still named"
        before = rig.count(ManagerSaid)
        await manager.say(messages.Managers(urls=[]))
        await wait_until(lambda: rig.count(ManagerSaid) > before)
        rig.managers.sweep()
        assert rig.managers.states() == {manager.url: True}


async def test_large_results_travel_compressed_and_small_or_dense_ones_as_they_are(tmp_path: Path) -> None:
    def deliver(batch: str, value: bytes) -> messages.Deliver:
        column = messages.ResultColumns(task="t", indexes=[1], values=[value], seconds=[0.0], clients=["c"], by=[0])
        return messages.Deliver(batch=batch, results=[column])

    async with running_manager() as manager, linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        for number, value in enumerate([b"1" * 100, Random(1).randbytes(50_000), b"12345" * 10_000]):
            rig.managers.perform(SendManager(manager.url, deliver(str(number), value)))
            await wait_until(lambda: rig.count(ManagerSaid) > number)  # noqa: B023
            assert manager.results[1] == value
        assert manager.packed == 1


async def test_a_link_whose_other_end_went_silent_below_us_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "HEARTBEAT_MS", 100)
    monkeypatch.setattr(link_module, "HEARTBEAT_TIMEOUT_MS", 300)
    async with running_manager() as manager, black_hole(manager) as hole, linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        hole.set()
        await wait_until(lambda: rig.count(ManagerLost))
        hole.clear()
        await wait_until(lambda: rig.count(ManagerAdmitted) == 2)


@contextlib.asynccontextmanager
async def black_hole(manager: StandInManager) -> AsyncIterator[asyncio.Event]:
    """Put a proxy before a manager; while the event is set it swallows everything, and closes nothing."""
    swallows, real, under_way = asyncio.Event(), manager.zmq_port, set[asyncio.Task[None]]()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not swallows.is_set():
                    writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", real)
        try:
            await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))
        except asyncio.CancelledError:
            pass  # the end of the test
        finally:
            for each in (inner_writer, writer):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    manager.zmq_port = server.sockets[0].getsockname()[1]
    try:
        yield swallows
    finally:
        server.close()
        await server.wait_closed()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def test_a_manager_that_breaks_the_protocol_loses_its_session_and_gets_another(tmp_path: Path) -> None:
    async with running_manager() as manager, linked(tmp_path, manager.url) as rig:
        await wait_until(lambda: rig.count(ManagerAdmitted))
        await manager.say_bytes(b"nonsense")
        await wait_until(lambda: rig.count(ManagerLost))
        await wait_until(lambda: rig.count(ManagerAdmitted) == 2)


async def test_a_peer_with_another_key_than_announced_is_never_joined(tmp_path: Path) -> None:
    manager = StandInManager()
    async with running_manager(manager):
        impostor = StandInManager()
        impostor.port = 0
        await impostor.start()
        impostor.zmq_port, real = manager.zmq_port, impostor.zmq_port
        async with linked(tmp_path, impostor.url) as rig:
            await wait_until(lambda: rig.managers._links[impostor.url].curve_key)
            await wait_until(lambda: rig.managers._links[impostor.url]._told)
            assert rig.count(ManagerAdmitted) == 0 and manager.joins == []
            impostor.zmq_port = real
        await impostor.stop()


def test_keys_are_made_once_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    assert load_keys(folder) == load_keys(folder)
    (tmp_path / "distributor-curve.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"distributor-curve\.json"):
        load_keys(folder)


def test_the_join_token_is_read_anew_and_may_be_missing(tmp_path: Path) -> None:
    token = JoinToken(None, DataDir(tmp_path))
    assert token.read() == ""
    (tmp_path / "join.token").write_text("abc\n")
    assert token.read() == "abc"
    with pytest.raises(ConfigError):
        JoinToken(tmp_path / "nowhere", DataDir(tmp_path))
