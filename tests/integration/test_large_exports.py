"""Results of a task that goes on, by the hundred thousand: all of them, in order, and the memory stays as it is."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.export import TASK, fill, memory
from disio.rest import ManagerClient
from disio.rest.lines import texts
from tests.chaos import sizes
from tests.integration.env import Env, Started
from tests.integration.facts import PATIENCE_S
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
GROWTH = 40 << 20
"""Bytes of memory that an export may take: much less than what is exported, however little that is."""
PAD = b"x" * 500
FEW = 1_000
decoded = msgspec.json.Decoder(dict[str, Any]).decode
COMMAND = """
import atexit, pathlib, sys
from disio.__main__ import main
atexit.register(lambda: print(pathlib.Path("/proc/self/status").read_text(), file=sys.stderr))
main()
"""


def value(index: int) -> bytes:
    return b'{"sq":%d,"pad":"%s"}' % (index * index, PAD)


async def rows_of(rest: ManagerClient, path: str, cursors: list[str]) -> AsyncIterator[dict[str, Any]]:
    """Yield the rows of an answer, and note where the next page begins."""
    heard = lambda headers: cursors.append(headers.get("X-Cursor", ""))  # noqa: E731
    async with aclosing(texts(rest, f"/api/tasks/{TASK}/results?format=ndjson&{path}", heard)) as found:
        async for text in found:
            for line in text.splitlines():
                yield decoded(line)


def is_whole(row: dict[str, Any]) -> bool:
    """Tell whether a row is as it was delivered."""
    square, pad = row["result"]["sq"], row["result"]["pad"]
    return bool(row["payload"] == row["i"] and square == row["i"] ** 2 and pad == PAD.decode())


def exported(env: Env, manager: Started, rows: int, out: Path) -> int:
    """Have ``disio results`` write results to a file; return the most memory that it took, in bytes."""
    token = env.folder / manager.name / "admin.token"
    words = ["results", "1", "--limit", str(rows), "--out", str(out), "--manager", manager.url, "--token-file", token]
    command = [sys.executable, "-c", COMMAND, *map(str, words)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=10 * PATIENCE_S, check=False)
    assert shown.returncode == 0, shown.stderr
    return 1024 * int(next(line.split()[1] for line in shown.stderr.splitlines() if line.startswith("VmHWM:")))


@sizes.limit(300)
async def test_results_of_a_task_that_goes_on_are_exported_whole_and_cost_no_memory(env: Env) -> None:
    rows = sizes.size("export_rows", short=120_000, long=1_000_000)
    assert rows * len(PAD) > GROWTH, "or what is held whole would not be seen"
    await fill(env.folder / "manager" / "manager.db", rows, value)
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url, cores=8)
    async with env.rest(manager) as rest:

        async def done() -> int:
            return int((await rest.task(TASK))["done"])

        async def goes_on(least: int) -> bool:
            return await done() > least

        await wait_until(lambda: goes_on(rows), PATIENCE_S, on_timeout=env.dump)
        out = env.folder / "rows.ndjson"
        small = await asyncio.to_thread(exported, env, manager, FEW, out)
        before, began = memory(manager.process.pid, "VmHWM"), await done()

        at = 0
        async for row in rows_of(rest, f"limit={rows}", []):
            assert row["i"] == at and is_whole(row)
            at += 1
        assert at == rows

        cursors, seen, pages = [""], bytearray(rows), 0
        while sum(seen) < rows:
            count = pages
            async for row in rows_of(rest, f"order=finished&cursor={cursors[-1]}", cursors):
                pages += 1
                if row["i"] < rows:
                    assert not seen[row["i"]] and is_whole(row), "each one comes once"
                    seen[row["i"]] = 1
            assert pages > count, "an empty page, and not all of them have come"

        large = await asyncio.to_thread(exported, env, manager, rows, out)
        with out.open("rb") as file:
            assert all(decoded(line)["i"] == at for at, line in enumerate(file)) and file.tell() > rows * len(PAD)
        grown, state = memory(manager.process.pid, "VmHWM") - before, (await rest.task(TASK))["state"]
        print(f"{rows} rows: the manager took {grown >> 20} MiB more, disio results {(large - small) >> 20}")
        assert state == "running" and await done() > began, "it went on meanwhile"
        assert grown < GROWTH and large - small < GROWTH
        await rest.verb(TASK, "cancel")
