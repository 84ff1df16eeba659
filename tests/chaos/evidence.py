"""Collects what the checker reads: the facts of the crowd, and what REST says of each task, as files.

Rule: bodies of REST answers are written down as they came; nothing is put right.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

from disio.rest import ManagerClient
from disio_shared.errors import ManagerUnreachable
from tests.chaos.checker import check
from tests.chaos.outside import Outside

LOOK_S = 0.1
"""How often a task is looked at."""


@contextlib.asynccontextmanager
async def watched(rest: ManagerClient, outside: Outside, task: str) -> AsyncIterator[None]:
    """Look at a task all the time, manager away or not, and note what is seen."""

    async def look() -> None:
        while True:
            with contextlib.suppress(ManagerUnreachable):
                seen = await rest.task(task)
                numbers = {name: seen[name] for name in ("state", "done", "failed", "leased")}
                outside.note("sampled", task, **numbers)
            await asyncio.sleep(LOOK_S)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait({looking})
        if not looking.cancelled():
            looking.result()


async def collect(rest: ManagerClient, outside: Outside, tasks: list[str], folder: Path) -> None:
    """Write the evidence."""
    folder.mkdir(exist_ok=True)
    outside.write(folder / "facts.ndjson")
    for task in tasks:
        (folder / f"{task}.task.json").write_text(json.dumps(await rest.task(task)), encoding="utf-8")
        with (folder / f"{task}.results.ndjson").open("w", encoding="utf-8") as file:
            file.writelines([json.dumps(row) + "\n" async for row in rest.results(task)])
        with (folder / f"{task}.failures.ndjson").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in await rest.failures(task))


def is_right(payload: int, result: list[object]) -> bool:
    """Tell whether a result is what `promises.told_apart` makes of a payload: the answer, and which computation."""
    return result[0] == payload * payload + 7


async def proved(rest: ManagerClient, outside: Outside, tasks: list[str], folder: Path) -> None:
    """Collect the evidence and assert that the checker has nothing to say about it."""
    await collect(rest, outside, tasks, folder)
    found = check(folder, is_right)
    assert not found, "\n".join(found)
