"""Caches in trouble: a crash between, a full disk, a server that is away or badly set."""

import subprocess
import sys
from pathlib import Path
from random import Random

import apsw
import msgspec
import pytest

from disio_distributor.core import changes
from disio_distributor.core.changes import AddOutbox
from disio_distributor.core.columns import head_of
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
from disio_distributor.core.columns import head_of
from disio_distributor.core.records import OutboxEntry
from disio_distributor.stores.opening import open_cache
from disio_shared.messages import FailureColumns

async def main():
    cache = await open_cache(sys.argv[1], Path(sys.argv[2]))
    for number in range(1, 1_000_000):
        columns = FailureColumns(task="x", indexes=[number], errors=[["e"]])
        pair = [OutboxEntry(id=2 * number + part, cluster="k", failures=columns) for part in (0, 1)]
        await cache.commit([changes.AddOutbox(entry, head_of(entry, "m")) for entry in pair])
        print(number, flush=True)

asyncio.run(main())
"""


def entry(number: int, size: int = 1) -> OutboxEntry:
    text = Random(number).randbytes(size).hex()  # which compresses to half at best
    return OutboxEntry(id=number, cluster="k", failures=FailureColumns(task="x", indexes=[number], errors=[[text]]))


def added(entry: OutboxEntry) -> AddOutbox:
    return AddOutbox(entry, head_of(entry, "m"))


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
        await cache.commit([added(entry(number))])
    redis_server.kill()
    with pytest.raises(StoreUnavailable) as away:
        await cache.commit([added(entry(50))])
    assert "Redis 127.0.0.1" in str(away.value)
    with pytest.raises(StoreUnavailable):
        await cache.load()
    redis_server.start()
    assert [each.id for each in (await cache.load()).outbox] == list(range(50))
    await cache.commit([added(entry(50))])
    assert len((await cache.load()).outbox) == 51
    await cache.close()


REDIS_SETTINGS = [
    ({}, "full"),
    ({"appendfsync": "everysec"}, "appendfsync everysec"),
    ({"appendfsync": "no"}, "appendfsync no"),
    ({"no-appendfsync-on-rewrite": "yes"}, "no-appendfsync-on-rewrite"),
    ({"maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"}, "allkeys-lru"),
    ({"maxmemory": "1gb", "maxmemory-policy": "noeviction"}, "full"),
    ({"appendonly": "no"}, "appendonly no"),
]


async def test_a_redis_that_would_lose_results_says_so(redis_server: ServerProcess) -> None:
    cache = await RedisCache.open(redis_server.url)
    standard = {"appendfsync": "always", "no-appendfsync-on-rewrite": "no", "maxmemory": "0", "appendonly": "yes"}
    for settings, said in REDIS_SETTINGS:
        for name, value in {**standard, **settings}.items():
            await cache._redis.config_set(name, value)
        assert said in await cache.durability(), settings
    await cache.close()


async def test_a_redis_without_memory_refuses_the_commit_whole_still_loads_and_heals(
    redis_server: ServerProcess,
) -> None:
    cache = await RedisCache.open(redis_server.url)
    await cache.commit([added(entry(1)), added(entry(2))])
    await cache._redis.config_set("maxmemory", "1")
    assert await cache.room() == 0
    with pytest.raises(StoreUnavailable):
        await cache.commit([changes.DropOutbox([1]), added(entry(3))])
    assert [each.id for each in (await cache.load()).outbox] == [1, 2]
    await cache._redis.config_set("maxmemory", "0")
    await cache.commit([changes.DropOutbox([1]), added(entry(3))])
    assert [each.id for each in (await cache.load()).outbox] == [2, 3]
    await cache.close()


async def test_a_redis_that_cannot_write_its_log_refuses_and_still_loads(redis_server: ServerProcess) -> None:
    cache = await RedisCache.open(redis_server.url)
    await cache.commit([added(entry(1))])
    # What Redis answers to every write after it failed to write to its disk, MISCONF, comes this way too.
    await cache._redis.config_set("min-replicas-to-write", "1")
    with pytest.raises(StoreUnavailable):
        await cache.commit([added(entry(2))])
    assert [each.id for each in (await cache.load()).outbox] == [1]
    await cache._redis.config_set("min-replicas-to-write", "0")
    await cache.commit([added(entry(2))])
    assert [each.id for each in (await cache.load()).outbox] == [1, 2]
    await cache.close()


async def test_an_outbox_from_before_there_were_heads_is_brought_up_to_date_in_redis(
    redis_server: ServerProcess,
) -> None:
    cache = await RedisCache.open(redis_server.url)
    await cache.commit([added(entry(1))])
    await cache._redis.hset(cache._key("outbox"), "2", msgspec.msgpack.encode(entry(2)))
    await cache.close()
    cache = await RedisCache.open(redis_server.url)
    assert [(each.id, each.manager) for each in (await cache.load()).outbox] == [(1, "m"), (2, "")]
    assert await cache.outbox([1, 2]) == [entry(1), entry(2)]
    await cache.close()


async def test_an_outbox_from_before_there_were_heads_is_brought_up_to_date_in_sqlite(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "distributor.db"))
    connection.execute("CREATE TABLE outbox(id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    for number in (3, 9):
        connection.execute("INSERT INTO outbox VALUES (?, ?)", (number, msgspec.msgpack.encode(entry(number, 2000))))
    connection.close()
    for _ in range(2):
        cache = await open_cache("", tmp_path)
        assert [(each.id, each.runs) for each in (await cache.load()).outbox] == [(3, [(3, 4)]), (9, [(9, 10)])]
        assert await cache.outbox([9, 3]) == [entry(3, 2000), entry(9, 2000)]
        await cache.close()


async def test_a_damaged_entry_of_the_outbox_counts_as_missing(tmp_path: Path) -> None:
    cache = await SqliteCache.open(tmp_path / "d.db")
    await cache.commit([added(entry(1, 2000)), added(entry(2))])
    assert cache._connection is not None
    cache._connection.execute("UPDATE outbox SET body = x'789c00' WHERE id = 1")
    assert await cache.outbox([1, 2]) == [entry(2)]
    await cache.close()


async def test_names_tell_distributors_of_one_redis_apart(redis_server: ServerProcess) -> None:
    one = await RedisCache.open(f"{redis_server.url}?name=one")
    two = await RedisCache.open(f"{redis_server.url}?name=two")
    await one.commit([added(entry(1))])
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
    with pytest.raises(StoreUnavailable, match="another place with --data-dir"):
        await open_cache("", tmp_path)
    await first.close()
    again = await open_cache("", tmp_path)
    await again.close()


async def test_a_full_disk_refuses_the_commit_whole_and_heals(tmp_path: Path) -> None:
    cache = await SqliteCache.open(tmp_path / "d.db")
    await cache.commit([added(entry(1))])
    assert cache._connection is not None
    pages = cache._connection.execute("PRAGMA page_count").get
    cache._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnavailable, match="make room"):
        await cache.commit([added(entry(2)), added(entry(3, size=100_000))])
    assert [each.id for each in (await cache.load()).outbox] == [1]
    cache._connection.execute("PRAGMA max_page_count = 1000000")
    await cache.commit([added(entry(2)), added(entry(3, size=100_000))])
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
