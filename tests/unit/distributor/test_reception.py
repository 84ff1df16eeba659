"""Who is let in, and how many were not."""

from typing import cast

import pytest

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
