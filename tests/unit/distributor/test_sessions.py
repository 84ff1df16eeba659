"""What waits for one client, and what happens when it does not read."""

import asyncio
from typing import Any, cast

import pytest

from disio_distributor import sessions
from disio_distributor.sessions import MAX_OUTGOING, MAX_OUTGOING_BYTES, Session
from disio_distributor.wire import Wire
from tests.waiting import patient, wait_until


class RecordingWire:
    """Stands for the connection: notes what is done to it, and confirms a frame only when it reads."""

    def __init__(self, reads: bool) -> None:
        self.reads, self.done = reads, list[str]()
        self.written = asyncio.Event()
        self.frames: list[bytes] = []

    async def emit(self, _sid: str, data: bytes) -> None:
        self.frames.append(data)
        if self.reads:
            self.written.set()

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")


def joined(reads: bool) -> tuple[Session, Any]:
    wire = RecordingWire(reads)
    session = Session("s", cast(Wire, wire), wire.emit, 0.0)
    session.state = "joining"
    session.open()
    return session, wire


async def test_messages_leave_in_order_and_the_last_one_closes() -> None:
    session, wire = joined(reads=True)
    for number in range(5):
        assert session.send(bytes([number]))
    session.close_after()
    assert session.send(b"too late")
    async with asyncio.timeout(patient(5)):
        while "close" not in wire.done:
            await asyncio.sleep(0)
    assert wire.frames == [bytes([number]) for number in range(5)]
    session.closed()


@pytest.mark.parametrize("size", [1, MAX_OUTGOING_BYTES // 8])
async def test_a_client_that_does_not_read_loses_its_connection_when_too_much_waits(size: int) -> None:
    session, wire = joined(reads=False)
    sent = 0
    while session.send(bytes(size)):
        sent += 1
        assert sent <= MAX_OUTGOING + 1  # one is on its way
        await asyncio.sleep(0)
    assert wire.done == ["abort"]
    assert sent * size <= MAX_OUTGOING_BYTES + 2 * size
    session.closed()


async def test_a_single_message_over_the_byte_limit_is_sent_when_nothing_else_waits() -> None:
    session, wire = joined(reads=True)
    assert session.send(bytes(MAX_OUTGOING_BYTES + 1))
    assert wire.done == []
    session.closed()


async def test_a_message_that_never_leaves_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SLOW_READER_S", 0.05)
    session, wire = joined(reads=False)
    session.send(b"x")
    await wait_until(lambda: wire.done)
    assert wire.done == ["abort"]
    session.closed()


async def test_nothing_is_sent_before_the_welcome() -> None:
    wire = RecordingWire(reads=True)
    session = Session("s", cast(Wire, wire), wire.emit, 0.0)
    session.state = "joining"
    session.send(b"early")
    await asyncio.sleep(0)
    assert wire.frames == []
    session.open()
    await wait_until(lambda: wire.frames)
    session.closed()


async def test_an_answer_reaches_the_one_who_waits_and_a_late_one_nobody() -> None:
    session, _ = joined(reads=True)
    request, answer = session.next_request()
    session.answer(request, b"stored")
    assert await answer == b"stored"
    session.answer(request, b"again")
    session.answer(99, b"nobody")
    _, open_answer = session.next_request()
    session.closed()
    assert open_answer.cancelled()
