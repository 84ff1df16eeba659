"""Who is let in, and how many were not."""

from typing import cast

import pytest

from disio_distributor.core.keyring import Keyring
from disio_distributor.core.records import KnownClient
from disio_distributor.reception import ClientLinkSettings, Reception
from disio_distributor.stores.base import ServingCache
from disio_shared import messages
from disio_shared.clock import SystemClock
from tests.unit.distributor.core.bench import hello

SETTINGS = ClientLinkSettings(
    name="d", max_clients=2, hello_timeout_s=1.0, heartbeat_s=1.0, max_result_bytes=1, max_state_bytes=1
)


def reception(siblings: list[str]) -> Reception:
    """A reception that asks nobody who was here before."""
    return Reception(SETTINGS, cast(ServingCache, None), lambda: siblings, SystemClock())


@pytest.mark.parametrize("siblings", [[], ["http://other"]])
def test_those_for_whom_there_is_no_place_are_counted(siblings: list[str]) -> None:
    desk = reception(siblings)
    assert desk.refusal(hello(), 1, is_draining=False) is None
    assert desk.turned_away == 0
    for at in range(3):
        answer = desk.refusal(hello(), 2, is_draining=False)
        assert isinstance(answer, messages.Redirect if siblings else messages.Refused)
        assert desk.turned_away == at + 1


def test_who_speaks_another_version_or_comes_during_a_drain_is_not_counted() -> None:
    desk = reception([])
    assert isinstance(desk.refusal(hello(version=99), 2, is_draining=False), messages.Refused)
    assert isinstance(desk.refusal(hello(), 0, is_draining=True), messages.Refused)
    assert desk.turned_away == 0


class Remembered:
    """A cache that knows the clients it was told of."""

    def __init__(self) -> None:
        self.known: dict[str, KnownClient] = {}

    async def client(self, client: str) -> KnownClient | None:
        return self.known.get(client)

    async def put_client(self, client: KnownClient) -> None:
        self.known[client.id] = client


def desk_with(keyring: Keyring | None) -> Reception:
    cache = cast(ServingCache, Remembered())
    return Reception(SETTINGS, cache, lambda: [], SystemClock(), keyring=lambda: keyring)


async def test_a_client_is_the_same_at_every_distributor_of_a_cluster() -> None:
    here, there = (desk_with(Keyring(own * 32, {"k": b"c" * 32})) for own in (b"1", b"2"))
    client, secret = await here.identify(hello())
    assert await there.identify(hello(client_id=client, secret=secret)) == (client, secret)
    wrong, _ = await there.identify(hello(client_id=client, secret=secret[:-1]))
    assert wrong != client
    elsewhere = desk_with(Keyring(b"3" * 32, {"other": b"d" * 32}))
    assert (await elsewhere.identify(hello(client_id=client, secret=secret)))[0] != client


async def test_a_client_of_before_the_cluster_had_a_key_keeps_its_name() -> None:
    rings: list[Keyring | None] = [None]
    desk = Reception(SETTINGS, cast(ServingCache, Remembered()), lambda: [], SystemClock(), keyring=lambda: rings[0])
    client, secret = await desk.identify(hello())
    rings[0] = Keyring(b"1" * 32, {"k": b"c" * 32})
    assert await desk.identify(hello(client_id=client, secret=secret)) == (client, secret)
