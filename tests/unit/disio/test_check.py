"""``disio check``: a sound store or cache, a damaged one, one in use, none."""

import asyncio
import json
import os
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner, Result

from disio.cli import exit_status
from disio.commands.check import check
from disio.commands.checking import refuse_alive
from disio_distributor.core.changes import PutBlock, PutTask, PutWorkunit
from disio_distributor.core.records import HeldBlock, HeldTask
from disio_distributor.stores.sqlite import SqliteCache
from disio_manager.stores.base import ManagerEntry
from disio_shared.datadir import DataDir
from disio_shared.errors import DisioError, StoreUnavailable
from tests.unit.distributor.core.bench import manifest
from tests.unit.manager.registry import Registry
from tests.unit.manager.served import serve


async def run(*words: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(check, [*words]))


async def used(folder: Path) -> None:
    """Leave a store behind with a task that has results, failures and blocks."""
    async with serve(folder) as served:
        task = (await served.create())["id"]
        peer = served.peer()
        await peer.join()
        await peer.ask(6)
        await peer.deliver(task, [0, 1, 4])


def assert_refused(result: Result, names: str) -> None:
    assert isinstance(result.exception, DisioError) and names in str(result.exception)
    assert exit_status(result.exception) == 5


async def test_a_sound_store_is_clean(tmp_path: Path) -> None:
    await used(tmp_path)
    shown = await run("--data-dir", str(tmp_path))
    assert (shown.exit_code, shown.stdout) == (0, f"{tmp_path}: no problems found\n")
    shown = await run("--db", f"sqlite:{tmp_path / 'manager.db'}", "--json")
    assert shown.exit_code == 0 and json.loads(shown.stdout)["problems"] == 0


async def test_each_problem_is_a_line(tmp_path: Path) -> None:
    await used(tmp_path)
    with apsw.Connection(str(tmp_path / "manager.db")) as connection:
        connection.execute("DELETE FROM blocks")
        connection.execute("UPDATE tasks SET done = 7")
    connection.close()
    shown = await run("--data-dir", str(tmp_path))
    lines = shown.stdout.splitlines()
    assert shown.exit_code == 1 and len(lines) >= 2
    assert lines[-1].startswith(f"{tmp_path}: ") and "problem" in lines[-1]
    *found, last = map(json.loads, (await run("--data-dir", str(tmp_path), "--json")).stdout.splitlines())
    assert [one["problem"] for one in found] == lines[:-1] and last["problems"] == len(found)


async def test_it_is_refused_beside_a_running_manager_by_its_name(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        assert_refused(await run("--data-dir", str(tmp_path)), served.url)
        assert_refused(await run("--db", f"sqlite:{tmp_path / 'manager.db'}"), "in use")


async def test_a_store_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    assert_refused(await run("--data-dir", str(tmp_path / "none")), "not there")
    assert_refused(await run("--db", f"sqlite:{tmp_path / 'none.db'}"), "not there")
    assert not [name for name in os.listdir(tmp_path) if not name.endswith(".lock")]


async def cached(folder: Path) -> None:
    """Leave a cache behind with a task and a block."""
    cache = await SqliteCache.open(folder / "distributor.db")
    block = HeldBlock(block="b", lease=1, cluster="k", task="t", start=0, stop=9)
    workunit = PutWorkunit(manifest().workunit, "javascript", b"damaged")
    await cache.commit([PutTask(HeldTask(cluster="k", manifest=manifest())), PutBlock(block), workunit])
    await cache.close()


async def test_a_cache_in_the_data_directory_is_checked_with_the_store_or_alone(tmp_path: Path) -> None:
    await cached(tmp_path)
    damage = f"distributor: work unit {manifest().workunit} is damaged: its bytes have another SHA-256"
    alone = await run("--data-dir", str(tmp_path))
    assert (alone.exit_code, alone.stdout) == (1, f"{damage}\n{tmp_path}: 1 problem found\n")
    await used(tmp_path)
    with apsw.Connection(str(tmp_path / "manager.db")) as connection:
        connection.execute("UPDATE tasks SET done = 7")
    connection.close()
    *found, last = map(json.loads, (await run("--data-dir", str(tmp_path), "--json")).stdout.splitlines())
    told = [one["problem"] for one in found]
    assert damage in told and any(each.startswith("task ") for each in told) and last["problems"] == len(found)
    store = await run("--db", f"sqlite:{tmp_path / 'manager.db'}")
    assert store.exit_code == 1 and "distributor" not in store.stdout, "a database that is named is checked alone"


async def test_a_sound_cache_is_clean(tmp_path: Path) -> None:
    await cached(tmp_path)
    with apsw.Connection(str(tmp_path / "distributor.db")) as connection:
        connection.execute("DELETE FROM blocks")
        connection.execute("DELETE FROM workunits")
    connection.close()
    shown = await run("--data-dir", str(tmp_path))
    assert (shown.exit_code, shown.stdout) == (0, f"{tmp_path}: no problems found\n")


async def test_it_is_refused_beside_a_running_distributor(tmp_path: Path) -> None:
    await cached(tmp_path)
    cache = await SqliteCache.open(tmp_path / "distributor.db")
    assert_refused(await run("--data-dir", str(tmp_path)), "distributor.db")
    await cache.close()
    DataDir(tmp_path).write_service("distributor", {"url": "http://here:1"})
    assert_refused(await run("--data-dir", str(tmp_path)), "the distributor http://here:1")


async def test_a_database_that_a_live_manager_serves_is_refused_by_its_name() -> None:
    registry = Registry()
    registry.entries["b"] = ManagerEntry("b", "http://b", 1.0, 7)
    await refuse_alive(registry, "mongodb://u:p@h/x", watch_s=0.05)  # its beat stands still

    class Beating(Registry):
        async def managers(self) -> list[ManagerEntry]:
            self.beat = getattr(self, "beat", 0) + 1
            return [ManagerEntry("b", "http://b", 1.0, self.beat)]

    with pytest.raises(StoreUnavailable, match="http://b") as refused:
        await refuse_alive(Beating(), "mongodb://user:secret@h/x", watch_s=0.05)
    assert "secret" not in str(refused.value)
