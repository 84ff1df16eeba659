"""Manager stores over databases that are not there, not ours, full, older, or in use."""

import time
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from disio_manager.stores.mongo_documents import SCHEMA_VERSION
from disio_manager.stores.opening import open_store
from disio_shared.errors import ConfigError, StoreUnavailable
from disio_shared.messages import Terms
from tests.contract.manager_store_rows import ME, all_results, begin, block, fresh_url, opener, results, task, votes
from tests.services.process import ServerProcess


async def test_a_mongodb_that_is_not_there_is_reported_within_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"MongoDB at 127\.0\.0\.1:1: .*refused") as problem:
        await open_store("mongodb://user:secret@127.0.0.1:1/x", tmp_path, ME)
    assert time.monotonic() - began < 8
    assert "secret" not in str(problem.value) and problem.value.remedy


async def test_a_mongodb_that_goes_away_is_reported_and_used_again_when_it_is_back(
    mongodb_server: ServerProcess, tmp_path: Path
) -> None:
    store = await opener("mongodb", tmp_path, mongodb_server.url)()
    await begin(store, task(), 10)
    await store.commit([block(0, 10), results([1])])
    mongodb_server.stop()
    for act in (store.commit([results([2])]), store.load(), store.ping(), store.next_number(), store.prove_writable()):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await act
        assert time.monotonic() - began < 8
    mongodb_server.start()
    await store.prove_writable()
    await store.commit([results([3])])
    assert [row.index for row in await all_results(store)] == [1, 3]
    await store.close()


@pytest.mark.parametrize("url", ["postgres://x", "mongodb://", "mongodb://host:notaport/x"])
async def test_a_wrong_url_is_a_wrong_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--db"):
        await open_store(url, tmp_path, ME)


async def test_a_place_that_cannot_be_written_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable) as problem:
        await open_store("", tmp_path / "file", ME)
    assert "--data-dir" in problem.value.remedy


async def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to have a header of 100 bytes" * 9)
    with pytest.raises(StoreUnavailable, match=r"text\.db"):
        await open_store(f"sqlite:{tmp_path / 'text.db'}", tmp_path, ME)
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreUnavailable, match="another program"):
        await open_store(f"sqlite:{tmp_path / 'other.db'}", tmp_path, ME)


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    await (await open_store("", tmp_path, ME)).close()
    newer = apsw.Connection(str(tmp_path / "manager.db"))
    newer.pragma("user_version", 99)
    newer.close()
    with pytest.raises(StoreUnavailable, match="version 99"):
        await open_store("", tmp_path, ME)


async def test_two_managers_never_share_one_file(tmp_path: Path) -> None:
    first = await open_store("", tmp_path, ME)
    with pytest.raises(StoreUnavailable, match="another manager"):
        await open_store("", tmp_path, ME)
    await first.close()
    await (await open_store("", tmp_path, ME)).close()


async def test_a_full_disk_is_reported_and_nothing_of_the_group_stays(tmp_path: Path) -> None:
    store = await open_store("", tmp_path, ME)
    await begin(store, task(), 10)
    await store.commit([block(0, 10), results([1])])
    pages = store._write.pragma("page_count")  # type: ignore[attr-defined]
    store._write.pragma("max_page_count", pages)  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable, match="full") as problem:
        await store.commit([results([2]), results([3], value=b"x" * 100_000)])
    assert problem.value.remedy
    with pytest.raises(StoreUnavailable, match="full"):
        await store.prove_writable()
    assert [row.index for row in await all_results(store)] == [1]
    store._write.pragma("max_page_count", 2**30)  # type: ignore[attr-defined]
    await store.prove_writable()
    await store.commit([results([2])])
    assert [row.index for row in await all_results(store)] == [1, 2]
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await open_store("", tmp_path, ME)
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.ping()


# Older data

VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, search TEXT NOT NULL, record BLOB NOT NULL
);
CREATE INDEX tasks_by_state ON tasks (state, number);
CREATE TABLE task_payloads (task INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE blocks (
    id TEXT PRIMARY KEY, task INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    lease INTEGER NOT NULL, holder TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX blocks_by_task ON blocks (task, start);
CREATE TABLE origins (
    number INTEGER PRIMARY KEY, client TEXT NOT NULL, distributor TEXT NOT NULL, UNIQUE (client, distributor)
);
CREATE TABLE results (
    task INTEGER NOT NULL, idx INTEGER NOT NULL, value BLOB NOT NULL, seconds REAL NOT NULL, origin INTEGER NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (task, idx)
) WITHOUT ROWID;
CREATE TABLE failures (
    task INTEGER NOT NULL, idx INTEGER NOT NULL, errors BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (task, idx)
) WITHOUT ROWID;
CREATE TABLE workunits (sha256 TEXT PRIMARY KEY, language TEXT NOT NULL, code BLOB NOT NULL);
CREATE TABLE distributors (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('next_number', 2), ('cluster', 'c');
INSERT INTO blocks VALUES ('b1-0', 1, 0, 10, 3, 'd');
INSERT INTO origins VALUES (1, 'c1', 'dist');
INSERT INTO results VALUES (1, 4, 'v4', 0.5, 1, 1700000001250), (2, 0, 'v0', 0.5, 1, 1700000001250);
INSERT INTO failures VALUES (1, 5, x'90', 1700000002000);
PRAGMA application_id = 0x64697331;
PRAGMA user_version = 1;
"""


async def test_a_file_of_version_1_is_brought_up_to_date_in_place(tmp_path: Path) -> None:
    older = apsw.Connection(str(tmp_path / "manager.db"))
    older.execute(VERSION_1)
    for number, state, more in (
        (1, "running", {"frontier": 10, "done": 1, "failed": 1, "retries": 2}),
        (2, "done", {"frontier": 1, "done": 1, "failed": 0}),
    ):
        record = msgspec.to_builtins(task(number, state=state, total=1_000 if number == 1 else 1))
        del record["runtime"], record["terms"], record["policy"]["max_result_bytes"], record["policy"]["max_log_bytes"]
        body = msgspec.msgpack.encode({**record, "payloads": b"", **more})
        older.execute("INSERT INTO tasks VALUES (?, ?, ?, '', ?)", (number, f"task{number}", state, body))
        payloads = task(number, total=record["total"]).payloads
        older.execute("INSERT INTO task_payloads VALUES (?, ?)", (number, payloads))
    older.close()

    for _ in range(2):
        store = await open_store("", tmp_path, ME)
        [loaded] = await store.load()
        [whole] = loaded.stretches
        assert (whole.start, whole.frontier, whole.stop, whole.owner, whole.retries) == (0, 10, 1_000, ME, 2)
        assert (loaded.record.done, loaded.record.failed, loaded.failed) == (1, 1, [(5, 6)])
        assert loaded.closed == {"b1-0": [(4, 6)]} and loaded.blocks[0].lease == 3
        assert (loaded.record.runtime, loaded.record.terms) == ("sandbox", Terms())
        closed = await store.task("task2")
        assert closed is not None and (closed.state, closed.done) == ("done", 1)
        await store.commit([votes([4])])
        assert len(await store.votes("task1", 0, 0)) == 1
        await store.close()
    assert await next_number(tmp_path) == 3


async def next_number(folder: Path) -> int:
    store = await open_store("", folder, ME)
    number = await store.next_number()
    await store.close()
    return number


async def test_converting_an_older_file_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    older = apsw.Connection(str(tmp_path / "manager.db"))
    older.execute(VERSION_1)
    older.execute("INSERT INTO tasks VALUES (1, 'task1', 'running', '', x'c1')")
    older.close()
    with pytest.raises(StoreUnavailable, match="task1"):
        await open_store("", tmp_path, ME)
    left = apsw.Connection(str(tmp_path / "manager.db"))
    assert left.pragma("user_version") == 1
    assert "frontier" not in left.execute("SELECT sql FROM sqlite_schema WHERE name = 'tasks'").get
    left.close()


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
async def test_a_mongodb_of_another_version_is_refused_by_name(version: int, mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    store: Any = await open_store(url, tmp_path, ME)
    await store._db["meta"].update_one({"_id": "schema"}, {"$set": {"value": version}})
    await store.close()
    for manager in (ME, ""):
        with pytest.raises(StoreUnavailable, match=f"schema version {version}") as problem:
            await open_store(url, tmp_path, manager)
        assert "use another database" in problem.value.remedy
