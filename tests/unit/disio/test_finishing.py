"""Work that Ctrl-C finds in its middle."""

import asyncio

import pytest

from disio.finishing import to_its_end

TURNS = 20
"""Of the event loop: more than a cancellation takes to arrive."""


class Work:
    """Something that takes a while, and can be undone."""

    def __init__(self) -> None:
        self.began, self.may_end = asyncio.Event(), asyncio.Event()
        self.undone: list[str] = []

    async def do(self) -> str:
        self.began.set()
        await self.may_end.wait()
        return "made"

    async def fail(self) -> str:
        await self.do()
        raise OSError("it broke")

    async def undo(self, made: str) -> None:
        self.undone.append(made)


async def test_what_ends_by_itself_is_returned_and_not_undone() -> None:
    work = Work()
    work.may_end.set()
    assert await to_its_end(work.do(), work.undo) == "made"
    with pytest.raises(OSError, match="it broke"):
        await to_its_end(work.fail(), work.undo)
    assert work.undone == []


@pytest.mark.parametrize(("fails", "undone"), [(False, ["made"]), (True, [])])
async def test_what_is_cancelled_comes_to_its_end_and_is_undone(fails: bool, undone: list[str]) -> None:
    work = Work()
    waiting = asyncio.create_task(to_its_end(work.fail() if fails else work.do(), work.undo))
    await work.began.wait()
    waiting.cancel()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert not waiting.done(), "it waits for what it began"
    work.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.may_end.is_set() and work.undone == undone
