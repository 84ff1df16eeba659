"""A program as users write it, for the type checker: what ``import disio`` gives has its types."""

from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from typing import Any, assert_type

import disio


@disio.work
def square(x: int) -> int:
    return x * x


@disio.work(unit_timeout_s=5, memory_mb=128)
def half(x: int) -> float:
    return x / 2


async def later(x: int) -> str:
    return str(x)


def plain(x: int, y: str) -> list[str]:
    return [y] * x


def waiting() -> None:
    """Use the client that waits."""
    with disio.connect("http://127.0.0.1:8700", token_file="admin.token") as client:
        assert_type(client, disio.Client)
        task = client.submit(square, range(10), name="squares", tags=["a"], priority=3)
        assert_type(task, disio.Task)
        assert_type(task.results("index"), Generator[disio.Result, None, None])
        assert_type(task.wait(10.0), disio.TaskInfo)
        assert_type([result.value for result in task], list[Any])
        assert_type(client.map(square, range(3)), disio.Mapping[int])
        assert_type(list(client.map(half, [1, 2], order="completed")), list[float])
        assert_type(list(client.map(plain, [1, 2], "ab")), list[list[str]])
        assert_type(list(client.map(later, [1])), list[str])
        assert_type(client.map("unit.js", [1]), disio.Mapping[Any])
        assert_type(disio.as_completed(task, task), Generator[disio.Result, None, None])
        assert_type(square(3), int)
        assert_type(square.source, str)
        with client.executor(max_workers=3) as executor:
            assert_type(executor.submit(plain, 1, "x"), Future[list[str]])
            assert_type(executor.submit(half, 1), Future[float])


async def looping() -> None:
    """Use the client for event loops."""
    async with disio.AsyncClient() as client:
        task = await client.submit(square, [1, 2])
        assert_type(task, disio.AsyncTask)
        assert_type(task.results(), AsyncGenerator[disio.Result, None])
        assert_type(await task, disio.TaskInfo)
        assert_type(client.map(square, range(3)), disio.AsyncMapping[int])
        assert_type([value async for value in client.map(later, range(3))], list[str])
        try:
            await task.wait(1.0, partial=True)
        except disio.TaskFailed as error:
            assert_type(error.failures, list[disio.Failure])
        except disio.WaitTimeout as slow:
            assert_type(slow, disio.WaitTimeout)
