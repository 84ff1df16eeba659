"""Discovery over real multicast DNS, on loopback alone."""

import asyncio
from collections.abc import Callable

import pytest

from disio_shared.discovery import MANAGER_TYPE, Announcement, ManagerAddress, ManagerBrowser, interfaces_for
from tests.waiting import patient

LOOPBACK = ["127.0.0.1"]
DEADLINE_S = 15


def announcement(name: str, troubles: list[str], **changes: str) -> Announcement:
    texts = {"v": "1", "cluster": "abc", "curve": "k" * 40, "zmq": "8701", **changes}
    return Announcement(MANAGER_TYPE, name, 8700, texts, LOOPBACK, troubles.append)


def noting(found: asyncio.Queue[ManagerAddress], *announced: Announcement) -> Callable[[ManagerAddress], None]:
    """Return what notes these managers alone: other tests on this machine may announce theirs at the same time."""
    ours = {each.name for each in announced}
    return lambda manager: found.put_nowait(manager) if manager.name in ours else None


async def test_a_manager_is_found_with_its_facts_and_lost_when_it_stops() -> None:
    troubles: list[str] = []
    found: asyncio.Queue[ManagerAddress] = asyncio.Queue()
    lost: asyncio.Queue[str] = asyncio.Queue()
    one, two = announcement("same name", troubles), announcement("same name", troubles, cluster="other")
    browser = ManagerBrowser(LOOPBACK, noting(found, one, two), lost.put_nowait, troubles.append)
    await browser.start()
    await one.start()
    try:
        async with asyncio.timeout(patient(DEADLINE_S)):
            await one.registered.wait()
            first = await found.get()
            assert first == ManagerAddress(one.name, "http://127.0.0.1:8700", "abc", 8701, "k" * 40, 1)
            await two.start()
            await two.registered.wait()
            second = await found.get()
            assert (second.name, second.cluster) == (two.name, "other")
            await one.stop()
            while (gone := await lost.get()) != one.name:
                assert gone != two.name
    finally:
        await one.stop()
        await two.stop()
        await browser.stop()
    assert troubles == []


async def test_a_record_that_is_no_managers_is_ignored() -> None:
    found: asyncio.Queue[ManagerAddress] = asyncio.Queue()
    bad, good = announcement("bad", [], zmq="many"), announcement("good", [])
    browser = ManagerBrowser(LOOPBACK, noting(found, bad, good), lambda _: None)
    await browser.start()
    await bad.start()
    try:
        async with asyncio.timeout(patient(DEADLINE_S)):
            await bad.registered.wait()
            await good.start()
            assert (await found.get()).name.startswith("good-")
    finally:
        await bad.stop()
        await good.stop()
        await browser.stop()


async def test_an_interface_that_is_not_there_is_told_and_harms_nothing() -> None:
    troubles: list[str] = []
    lonely = Announcement(MANAGER_TYPE, "lonely", 1, {}, ["203.0.113.1"], troubles.append)
    await lonely.start()
    await lonely.stop()
    browser = ManagerBrowser(["203.0.113.1"], lambda _: None, lambda _: None, troubles.append)
    await browser.start()
    await browser.stop()
    assert len(troubles) == 2 and all("203.0.113.1" in trouble for trouble in troubles)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_loopback_service_is_announced_on_loopback_alone(host: str) -> None:
    assert interfaces_for(host) == LOOPBACK


def test_a_service_on_all_addresses_is_announced_somewhere() -> None:
    assert interfaces_for("0.0.0.0")
