"""Finding a manager by zeroconf, on loopback."""

from collections.abc import AsyncIterator

import pytest

from disio_dashboard.finding import ZeroconfAddress
from disio_shared.discovery import MANAGER_TYPE, Announcement, ManagerAddress
from disio_shared.errors import ManagerUnreachable

LOOPBACK = ("127.0.0.1",)


def announcement(port: int) -> Announcement:
    texts = {"v": "1", "cluster": "c", "zmq": "1", "curve": "k"}
    return Announcement(MANAGER_TYPE, "dashboard-test", port, texts, LOOPBACK, lambda problem: pytest.fail(problem))


@pytest.fixture
async def address() -> AsyncIterator[ZeroconfAddress]:
    found = ZeroconfAddress(LOOPBACK)
    yield found
    await found.close()


async def test_a_manager_that_announces_itself_is_found(address: ZeroconfAddress) -> None:
    announced = announcement(45_678)
    await announced.start()
    try:
        assert (await address.url()).startswith("http://127.0.0.1:")
    finally:
        await announced.stop()


async def test_without_a_manager_the_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disio_dashboard.finding.FIND_TIMEOUT_S", 0.05)
    address = ZeroconfAddress(("192.0.2.1",))
    with pytest.raises(ManagerUnreachable, match="no address 192"):
        await address.url()
    await address.close()


async def test_the_first_manager_is_kept_whatever_is_announced_later() -> None:
    told: list[str] = []
    address = ZeroconfAddress(LOOPBACK, lambda manager: told.append(manager.url))
    assert address.known == ""
    for name, port in (("a", 1), ("b", 2)):
        address._found(ManagerAddress(name, f"http://127.0.0.1:{port}", "c", 1, "k", 1))
    assert address.known == "http://127.0.0.1:1", "what is sent to it goes to no other"
    assert told == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    await address.close()
