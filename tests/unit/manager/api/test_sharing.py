"""Answers that all viewers share."""

import asyncio

import pytest

from disio_manager.api.sharing import MAX_KEPT, Shared
from disio_shared.clock import FakeClock
from disio_shared.errors import StoreUnavailable


class Maker:
    """Makes answers when it is let."""

    def __init__(self) -> None:
        self.made, self.may = 0, asyncio.Event()

    async def make(self) -> bytes:
        await self.may.wait()
        self.made += 1
        return b"%d" % self.made


async def test_fifty_who_ask_at_once_are_answered_with_one() -> None:
    clock, maker = FakeClock(), Maker()
    shared = Shared(clock.steady)
    asking = [asyncio.create_task(shared.get("a", maker.make)) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    maker.may.set()
    assert await asyncio.gather(*asking[1:]) == [b"1"] * 49
    assert await shared.get("a", maker.make) == b"1"
    clock.advance(1.0)
    assert await shared.get("a", maker.make) == b"2"
    assert await shared.get("b", maker.make) == b"3"


async def test_what_could_not_be_made_is_tried_again() -> None:
    shared, maker = Shared(FakeClock().steady), Maker()
    maker.may.set()

    async def fail() -> bytes:
        raise StoreUnavailable("database", "is away")

    with pytest.raises(StoreUnavailable):
        await shared.get("a", fail)
    assert await shared.get("a", maker.make) == b"1"


async def test_it_is_bounded() -> None:
    shared, maker = Shared(FakeClock().steady), Maker()
    maker.may.set()
    for nth in range(MAX_KEPT + 5):
        await shared.get(str(nth), maker.make)
    assert len(shared._made) == MAX_KEPT
