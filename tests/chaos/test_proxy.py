"""The fault proxy does to bytes what it says, and nothing else."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import TypeAlias

import pytest
import pytest_asyncio

from tests.chaos.proxy import BLACKHOLE, Direction, Faults, Proxy
from tests.waiting import patient, wait_until

SILENCE_S = 0.2


Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter


class Ends:
    """A connection through a proxy, both ends in hand."""

    def __init__(self) -> None:
        self.proxy = Proxy(0)
        self.accepted: asyncio.Queue[tuple[Reader, Writer]] = asyncio.Queue()
        self.writers: list[Writer] = []

    async def connect(self) -> tuple[Reader, Writer]:
        """Connect to the proxy."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        self.writers.append(writer)
        return reader, writer

    async def pair(
        self,
    ) -> tuple[Reader, Writer, Reader, Writer]:
        """Return the client's and the server's end of a new connection."""
        reader, writer = await self.connect()
        async with asyncio.timeout(patient(5)):
            return reader, writer, *await self.accepted.get()

    def take(self, reader: Reader, writer: Writer) -> None:
        """Take a connection in, as the server."""
        self.writers.append(writer)
        self.accepted.put_nowait((reader, writer))


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[Ends]:
    made = Ends()
    server = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.proxy = Proxy(server.sockets[0].getsockname()[1])
    async with made.proxy:
        yield made
    for writer in made.writers:
        writer.transport.abort()
    server.close()
    await server.wait_closed()


async def is_silent(reader: Reader) -> bool:
    """Tell whether nothing comes for a while."""
    try:
        async with asyncio.timeout(SILENCE_S):
            await reader.read(1)
    except TimeoutError:
        return True
    return False


async def exactly(reader: Reader, size: int) -> bytes:
    async with asyncio.timeout(patient(10)):
        return await reader.readexactly(size)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(),
        Faults(latency_s=0.02, jitter_s=0.05),
        Faults(slice_bytes=777),
        Faults(bytes_per_s=1_000_000),
        Faults(latency_s=0.01, jitter_s=0.01, bytes_per_s=2_000_000, slice_bytes=999),
    ],
    ids=str,
)
async def test_bytes_come_out_unchanged_and_in_order_both_ways(ends: Ends, faults: Faults) -> None:
    reader, writer, far_reader, far_writer = await ends.pair()
    ends.proxy.set(faults)
    sent = random.Random(7).randbytes(200_000)
    writer.write(sent)
    far_writer.write(sent[::-1])
    assert await exactly(far_reader, len(sent)) == sent
    assert await exactly(reader, len(sent)) == sent[::-1]
    assert ends.proxy.moved == {"up": len(sent), "down": len(sent)}


async def test_slicing_writes_byte_by_byte(ends: Ends) -> None:
    _, writer, far_reader, _ = await ends.pair()
    ends.proxy.set(Faults(slice_bytes=1, bytes_per_s=200))
    writer.write(b"abcdef")
    assert await far_reader.read(100) == b"a"
    assert await exactly(far_reader, 5) == b"bcdef"


async def test_latency_and_bandwidth_take_at_least_their_time(ends: Ends) -> None:
    _, writer, far_reader, _ = await ends.pair()
    ends.proxy.set(Faults(latency_s=0.15))
    began = time.monotonic()
    writer.write(b"x")
    assert await exactly(far_reader, 1) == b"x"
    assert time.monotonic() - began >= 0.15
    ends.proxy.set(Faults(bytes_per_s=20_000))
    began = time.monotonic()
    writer.write(bytes(6_000))
    await exactly(far_reader, 6_000)
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("blocked", ["up", "down"])
async def test_a_half_open_link_passes_one_direction_only_until_it_is_mended(ends: Ends, blocked: Direction) -> None:
    reader, writer, far_reader, far_writer = await ends.pair()
    ends.proxy.set(Faults(blocked=frozenset({blocked})))
    writer.write(b"up")
    far_writer.write(b"down")
    silent, heard, text = (far_reader, reader, b"down") if blocked == "up" else (reader, far_reader, b"up")
    assert await exactly(heard, len(text)) == text
    assert await is_silent(silent)
    ends.proxy.set(Faults())
    held_back = b"up" if blocked == "up" else b"down"
    assert await exactly(silent, len(held_back)) == held_back


async def test_a_black_hole_takes_connections_in_and_tells_nobody_anything(ends: Ends) -> None:
    reader, writer, far_reader, far_writer = await ends.pair()
    ends.proxy.set(Faults(blocked=BLACKHOLE))
    writer.write(b"lost?")
    far_writer.write_eof()
    assert await is_silent(far_reader)
    assert await is_silent(reader), "the closing of the other side was let through"
    newcomer, new_writer = await ends.connect()
    new_writer.write(b"hello")
    assert await is_silent(newcomer)
    ends.proxy.set(Faults())
    assert await exactly(far_reader, 5) == b"lost?"
    async with asyncio.timeout(patient(5)):
        assert await reader.read() == b""


async def test_a_reset_ends_both_sides_at_once(ends: Ends) -> None:
    reader, writer, far_reader, _ = await ends.pair()
    writer.write(b"x")
    assert await exactly(far_reader, 1) == b"x"
    ends.proxy.reset()
    for side in (reader, far_reader):
        with pytest.raises(ConnectionResetError):
            await exactly(side, 1)
    await wait_until(lambda: ends.proxy.open == 0)
    _, writer, far_reader, _ = await ends.pair()
    writer.write(b"again")
    assert await exactly(far_reader, 5) == b"again"


async def test_a_refusing_proxy_resets_newcomers(ends: Ends) -> None:
    ends.proxy.set(Faults(refuses=True))
    reader, _ = await ends.connect()
    with pytest.raises(ConnectionResetError):
        await exactly(reader, 1)
    assert ends.accepted.empty()


async def test_a_polite_end_passes_through_after_the_bytes_before_it(ends: Ends) -> None:
    reader, writer, far_reader, far_writer = await ends.pair()
    ends.proxy.set(Faults(latency_s=0.05))
    writer.write(b"last words")
    writer.write_eof()
    async with asyncio.timeout(patient(5)):
        assert await far_reader.read() == b"last words"
    far_writer.write(b"answer")
    far_writer.close()
    async with asyncio.timeout(patient(5)):
        assert await reader.read() == b"answer"
    await wait_until(lambda: ends.proxy.open == 0)
