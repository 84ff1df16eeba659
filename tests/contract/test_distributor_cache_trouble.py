"""Caches in trouble: a crash between, a full disk, a server that is away or badly set."""

import subprocess
import sys
from pathlib import Path

import pytest

from disio_distributor.core import changes
from disio_distributor.core.records import OutboxEntry
from disio_distributor.stores.opening import open_cache
from disio_distributor.stores.redis import RedisCache
from disio_distributor.stores.sqlite import SqliteCache
from disio_shared.errors import ConfigError, StoreUnavailable
from disio_shared.messages import FailureColumns
from tests.services.process import ServerProcess

# Commits for ever and says after each commit how far it came; killed at some moment from outside.
WRITER = """
import asyncio, sys
from pathlib import Path
from disio_distributor.core import changes
from disio_distributor.core.records import OutboxEntry
from disio_distributor.stores.opening import open_cache
from disio_shared.messages import FailureColumns

async def main():
    cache = await open_cache(sys.argv[1], Path(sys.argv[2]))
    for number in range(1, 1_000_000):
        columns = FailureColumns(task="x", indexes=[number], errors=[["e"]])
        pair = [changes.AddOutbox(OutboxEntry(id=2 * number + part, cluster="k", failures=columns)) for part in (0, 1)]
        await cache.commit(pair)
        print(number, flush=True)

asyncio.run(main())
"""


def entry(number: int, size: int = 1) -> OutboxEntry:
    return OutboxEntry(
        id=number, cluster="k", failures=FailureColumns(task="x", indexes=[number], errors=[["e" * size]])
    )


def write_until_killed(url: str, folder: Path, commits: int) -> int:
    """Start a writer, kill it hard after some commits; return the last commit it spoke of."""
    command = [sys.executable, "-c", WRITER, url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(commits):
            writer.stdout.readline()
        writer.kill()
        return max(int(line) for line in [str(commits), *writer.stdout.read().split()])


async def check_after_crash(url: str, folder: Path) -> None:
    spoken = write_until_killed(url, folder, commits=20)
    cache = await open_cache(url, folder)
    ids = [each.id for each in (await cache.load()).outbox]
    await cache.close()
    assert set(range(2, 2 * spoken + 2)) <= set(ids), "an acknowledged commit is gone"
    assert len(ids) % 2 == 0, "half a commit"


async def test_a_killed_process_loses_no_commit_and_leaves_no_half_one_in_sqlite(tmp_path: Path) -> None:
    await check_after_crash("", tmp_path)


async def test_a_killed_process_loses_no_commit_and_leaves_no_half_one_in_redis(
    redis_server: ServerProcess, tmp_path: Path
) -> None:
    await check_after_crash(redis_server.url, tmp_path)


async def test_a_killed_redis_that_writes_always_keeps_every_commit(redis_server: ServerProcess) -> None:
    cache = await RedisCache.open(redis_server.url)
    for number in range(50):
        await cache.commit([changes.AddOutbox(entry(number))])
    redis_server.kill()
    with pytest.raises(StoreUnavailable) as away:
        await cache.commit([changes.AddOutbox(entry(50))])
    assert "Redis 127.0.0.1" in str(away.value)
    with pytest.raises(StoreUnavailable):
        await cache.load()
    redis_server.start()
    assert [each.id for each in (await cache.load()).outbox] == list(range(50))
    await cache.commit([changes.AddOutbox(entry(50))])
    assert len((await cache.load()).outbox) == 51
    await cache.close()


async def test_a_redis_that_would_lose_results_says_so(redis_server: ServerProcess) -> None:
    cache = await RedisCache.open(redis_server.url)
    await cache._redis.config_set("appendfsync", "everysec")
    assert "appendfsync everysec" in await cache.durability()
    await cache._redis.config_set("appendonly", "no")
    assert "appendonly no" in await cache.durability()
    await cache.close()


async def test_names_tell_distributors_of_one_redis_apart(redis_server: ServerProcess) -> None:
    one = await RedisCache.open(f"{redis_server.url}?name=one")
    two = await RedisCache.open(f"{redis_server.url}?name=two")
    await one.commit([changes.AddOutbox(entry(1))])
    assert (await one.load()).distributor_id != (await two.load()).distributor_id
    assert (await two.load()).outbox == []
    await one.close()
    await two.close()


async def test_a_redis_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as away:
        await open_cache("redis://127.0.0.1:1/0", tmp_path)
    assert "\n" not in str(away.value)


async def test_a_url_nobody_knows_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sqlite:PATH"):
        await open_cache("mysql://x", tmp_path)


async def test_a_file_that_another_distributor_has_is_refused(tmp_path: Path) -> None:
    first = await open_cache("", tmp_path)
    with pytest.raises(StoreUnavailable, match="own --data-dir"):
        await open_cache("", tmp_path)
    await first.close()
    again = await open_cache("", tmp_path)
    await again.close()


async def test_a_full_disk_refuses_the_commit_whole_and_heals(tmp_path: Path) -> None:
    cache = await SqliteCache.open(tmp_path / "d.db")
    await cache.commit([changes.AddOutbox(entry(1))])
    assert cache._connection is not None
    pages = cache._connection.execute("PRAGMA page_count").get
    cache._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnavailable, match="make room"):
        await cache.commit([changes.AddOutbox(entry(2)), changes.AddOutbox(entry(3, size=100_000))])
    assert [each.id for each in (await cache.load()).outbox] == [1]
    cache._connection.execute("PRAGMA max_page_count = 1000000")
    await cache.commit([changes.AddOutbox(entry(2)), changes.AddOutbox(entry(3, size=100_000))])
    assert [each.id for each in (await cache.load()).outbox] == [1, 2, 3]
    await cache.close()


async def test_the_longest_unseen_clients_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from disio_distributor.core.records import KnownClient
    from disio_distributor.stores import sqlite

    monkeypatch.setattr(sqlite, "MAX_CLIENTS", 10)
    monkeypatch.setattr(sqlite, "_FORGET_EVERY", 5)
    cache = await SqliteCache.open(tmp_path / "d.db")
    for number in range(20):
        await cache.put_client(KnownClient(id=f"c{number}", secret_hash=b"", kind="web", last_seen=float(number)))
    assert [number for number in range(20) if await cache.client(f"c{number}")] == list(range(10, 20))
    await cache.close()


async def test_a_closed_cache_says_so(tmp_path: Path) -> None:
    cache = await SqliteCache.open(tmp_path / "d.db")
    await cache.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await cache.load()
