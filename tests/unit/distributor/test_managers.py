"""The manager link against a real ROUTER, and which links there are."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from disio_distributor import link as link_module
from disio_distributor.core.commands import SendManager
from disio_distributor.core.events import Event, ManagerAdmitted, ManagerLost, ManagerSaid
from disio_distributor.managers import JoinToken, Managers, ManagersSettings, load_keys
from disio_shared import messages
from disio_shared.clock import SystemClock
from disio_shared.datadir import DataDir
from disio_shared.errors import ConfigError
from tests.unit.distributor.standin_manager import StandInManager, running_manager
from tests.waiting import wait_until


class Rig:
    """Links whose events are written down."""

    def __init__(self, folder: Path, urls: list[str]) -> None:
        self.events: list[Event] = []
        self.token = ""
        settings = ManagersSettings(urls=urls, browses=False, interfaces=["127.0.0.1"])
        self.managers = Managers(settings, load_keys(DataDir(folder)), self._submit, self._join, SystemClock())

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
async def linked(folder: Path, *urls: str) -> AsyncIterator[Rig]:
    rig = Rig(folder, list(urls))
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
            await wait_until(lambda: rig.managers._links[other].curve_key)
            assert len(manager.joins) == 1
            assert rig.managers.states() == {manager.url: True, other: False}


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
