"""Which decoded messages are refused all the same."""

from typing import Any

import pytest

from disio_manager.checks import check_message
from disio_shared import messages
from disio_shared.errors import MalformedMessage


def join(**changes: Any) -> messages.Join:
    fields: dict[str, Any] = {"version": 1, "distributor": "d", "name": "n", "url": "http://x", "max_clients": 1}
    return messages.Join(**(fields | changes))


def results(**changes: Any) -> messages.Deliver:
    fields: dict[str, Any] = {
        "task": "t",
        "indexes": [0, 1],
        "values": [b"1", b"\x00raw"],
        "seconds": [0.1, 0.2],
        "clients": ["c"],
        "by": [0, 0],
    }
    return messages.Deliver(batch="b", results=[messages.ResultColumns(**(fields | changes))])


def votes(**changes: Any) -> messages.Deliver:
    fields: dict[str, Any] = {
        "task": "t",
        "indexes": [0],
        "values": [b"1"],
        "seconds": [0.1],
        "clients": ["c"],
        "by": [0],
    }
    return messages.Deliver(batch="b", votes=[messages.VoteColumns(**(fields | changes))])


def status(**changes: Any) -> messages.Status:
    return messages.Status(**({"clients": 0, "slots": 0} | changes))


def failures(**changes: Any) -> messages.Deliver:
    fields: dict[str, Any] = {"task": "t", "indexes": [0], "errors": [["e"]]}
    return messages.Deliver(batch="b", failures=[messages.FailureColumns(**(fields | changes))])


def tries(**changes: Any) -> messages.Return:
    fields: dict[str, Any] = {"task": "t", "indexes": [0], "clients": ["c"], "errors": ["e"], "lost": [False]}
    return messages.Return(blocks=[], tries=[messages.TryColumns(**(fields | changes))])


@pytest.mark.parametrize(
    "message",
    [
        join(),
        results(),
        results(indexes=[], values=[], seconds=[], by=[], clients=[]),
        failures(),
        messages.Deliver(batch="b"),
        votes(),
        status(),
        status(space=1.02, since=1.7e9, tallies=[messages.TaskTally(task="t", lost=1)]),
        messages.Return(blocks=[messages.BlockRef(block="b", lease=1, manager="m" * 40)]),
        tries(),
        messages.Ask(request=1, payloads=0, languages=[], kinds=[]),
        messages.Ask(request=1, payloads=0, languages=["wasm", "python-native:k-3"], kinds=["cli"]),
        messages.FetchWorkunit(workunit="x"),
    ],
)
def test_an_honest_message_passes(message: messages.FromDistributor) -> None:
    check_message(message)


@pytest.mark.parametrize(
    "message",
    [
        join(distributor=""),
        join(distributor="a\nb"),
        join(name=""),
        join(url="javascript:alert(1)"),
        join(url="http://x\n"),
        join(region="r" * 2000),
        join(max_clients=-1),
        results(values=[b"1"]),
        results(seconds=[0.1]),
        results(by=[0]),
        results(by=[0, 1]),
        results(by=[-1, 0]),
        results(indexes=[0, -1]),
        results(seconds=[float("nan"), 0.1]),
        results(seconds=[float("inf"), 0.1]),
        results(values=[b"1", b"nope"]),
        results(values=[b"1", b""]),
        results(clients=["c" * 101]),
        results(clients=["a\x00"]),
        failures(errors=[]),
        failures(indexes=[-1]),
        failures(errors=[["e" * 9000]]),
        messages.Ask(request=1, payloads=0, languages=["cobol"], kinds=[]),
        messages.Ask(request=1, payloads=0, languages=["python-native:" + "k" * 101], kinds=[]),
        messages.Ask(request=1, payloads=0, languages=["wasm"] * 33, kinds=[]),
        messages.Ask(request=1, payloads=0, languages=[], kinds=["k" * 101]),
        messages.Ask(request=1, payloads=0, languages=[], kinds=["web"] * 17),
        messages.Deliver(batch=""),
        messages.Deliver(batch="b", tallies=[messages.TaskTally(task="t", copies=-1)]),
        messages.Deliver(batch="b", since=float("nan")),
        votes(values=[]),
        votes(values=[b"nope"]),
        votes(by=[1]),
        status(clients=-1),
        status(rate=float("nan")),
        status(space=float("nan")),
        status(space=-0.1),
        status(since=float("inf")),
        status(turned_away=-1),
        status(durability="x" * 2000),
        status(tallies=[messages.TaskTally(task="t", lost=-1)]),
        status(held=[messages.BlockRef(block="b", lease=1, manager="m" * 101)]),
        messages.Return(blocks=[messages.BlockRef(block="b", lease=1, manager="m" * 101)]),
        tries(lost=[]),
        tries(indexes=[-1]),
        tries(clients=["c" * 101]),
        tries(clients=["a\nb"]),
        tries(errors=["e" * 8_001]),
        status(paused=["t"] * 100_001),
        messages.Ask(request=1, payloads=-1, languages=[], kinds=[]),
    ],
)
def test_a_message_no_honest_distributor_sends_is_malformed(message: messages.FromDistributor) -> None:
    with pytest.raises(MalformedMessage):
        check_message(message)
