"""One loop for programs that have none."""

import asyncio
import os
import threading
from typing import Any

import pytest

from disio.sdk.loop import Loop, NotHere, shared_loop
from tests.waiting import wait_until_sync


async def answer(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def fail() -> None:
    raise KeyError("k")


def test_work_gives_what_it_gives_and_raises_what_it_raises() -> None:
    loop = shared_loop()
    assert loop is shared_loop()
    assert loop.run(answer(3)) == 3
    with pytest.raises(KeyError):
        loop.run(fail())
    with pytest.raises(TimeoutError):
        loop.run(asyncio.sleep(60), timeout_s=0.01)


def test_it_keeps_no_process_alive() -> None:
    shared_loop()
    (thread,) = [each for each in threading.enumerate() if each.name == "disio-sdk"]
    assert thread.daemon


def test_waiting_for_itself_is_refused() -> None:
    loop = shared_loop()

    async def wait_inside() -> None:
        loop.run(answer(1))

    with pytest.raises(NotHere, match=r"use disio\.AsyncClient"):
        loop.run(wait_inside())


def test_what_was_begun_is_cancelled_with_the_waiting() -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with pytest.raises(TimeoutError):
        shared_loop().run(long(), timeout_s=0.05)
    wait_until_sync(lambda: ended == ["cancelled"])


def test_a_stopped_loop_ends_its_work_and_says_so() -> None:
    loop = Loop()
    future = loop.start(asyncio.sleep(60))
    loop.stop()
    assert not loop.is_alive and future.cancelled()
    with pytest.raises(NotHere, match=r"call disio\.connect"):
        loop.run(answer(1))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of Unix")
def test_a_fork_has_its_own() -> None:
    loop = Loop()
    loop.process = -1  # as it looks to a fork: the same object, another process
    with pytest.raises(NotHere, match="is that of another process"):
        loop.run(answer(1))
    loop.process = os.getpid()
    loop.stop()


def test_last_work_is_done_wherever_it_comes_from() -> None:
    loop, done = Loop(), []

    async def last(place: str) -> None:
        done.append(place)

    async def inside() -> None:
        loop.finish(last("inside"))

    loop.finish(last("outside"))
    loop.run(inside())
    wait_until_sync(lambda: done == ["outside", "inside"])
    loop.stop()
    loop.finish(last("never"))
    assert done == ["outside", "inside"]
