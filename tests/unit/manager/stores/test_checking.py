"""A check of sound rows, and of rows with one damage each, over real databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from disio_manager.sources import Sources
from disio_manager.stores import checking
from disio_manager.stores.mongo_documents import row_id
from disio_manager.stores.opening import open_store
from disio_manager.tar_index import Files
from disio_shared.payloads import StoredSpec
from tests.contract.manager_store_rows import (
    ME,
    fresh_url,
    put,
)
from tests.unit.manager.stores.checked_rows import CODE, OTHER, SHA, fill_mongodb, fill_sqlite, found, of
from tests.unit.manager.tars import sha256_of, tar_of
from tests.uploading import upload

MENDED = " (what a broken-off commit left, the next start of the manager that owns it puts right)"
NEVER_LEFT = {"a result is gone"}
"""Damage that no commit leaves, and no start looks for: a document that names results is written after them."""
ENDED_BY_THE_CORE = {"a search goes on"}
RETRIED = " (a retry of the task puts this right)"
STOPPED = "task task7: it is done, ended by stop_when, and 1 results of 2 satisfy that"


def counts(done: int, failed: int, rows: str, start: int = 0) -> str:
    counters = f"counts {done} done and {failed} failed payloads"
    return f"task task1: the stretch at {start} {counters}, its rows are {rows}{MENDED}"


Damage = tuple[str, str, Callable[[Any], Any], list[str]]
DAMAGES: list[Damage] = [
    (
        "a result is gone",
        "DELETE FROM results WHERE task = 1 AND idx = 20",
        lambda db: db["results"].delete_one({"_id": row_id(1, 20)}),
        [f"task task1: payloads 20 are in no block and have no result{MENDED}", counts(38, 1, "37 and 1")],
    ),
    (
        "a block is gone",
        "DELETE FROM blocks WHERE id = 'b1-40'",
        lambda db: db["blocks"].delete_one({"_id": "b1-40"}),
        [f"task task1: payloads 40 to 49 are in no block and have no result{MENDED}"],
    ),
    (
        "done and failed",
        "INSERT INTO failures VALUES (1, 7, x'90', 0)",
        lambda db: db["failures"].insert_one({"_id": row_id(1, 7), "errors": b"\x90", "at": 0.0}),
        [f"task task1: payloads 7 have a result and are recorded as failed{MENDED}", counts(38, 1, "38 and 2")],
    ),
    (
        "two blocks overlap",
        "UPDATE blocks SET stop = 45 WHERE id = 'b1-0'",
        lambda db: db["blocks"].update_one({"_id": "b1-0"}, {"$set": {"stop": 45}}),
        [f"task task1: block b1-40 of payloads 40 to 49 overlaps another block{MENDED}"],
    ),
    (
        "a block beyond the frontier",
        "UPDATE blocks SET stop = 70 WHERE id = 'b1-50'",
        lambda db: db["blocks"].update_one({"_id": "b1-50"}, {"$set": {"stop": 70}}),
        [f"task task1: block b1-50 of payloads 50 to 69 reaches beyond the frontier 60{MENDED}"],
    ),
    (
        "counters are off",
        "UPDATE tasks SET done = 39, failed = 0 WHERE number = 1",
        lambda db: db["stretches"].update_one({"_id": row_id(1, 0)}, {"$set": {"done": 39, "failed": 0}}),
        [counts(39, 0, "38 and 1")],
    ),
    (
        "a failed task lacks a failure",
        "DELETE FROM failures WHERE task = 3; UPDATE tasks SET failed = 0 WHERE number = 3; "
        "INSERT INTO blocks VALUES ('b3-2', 3, 2, 3, 0, '')",
        lambda db: drop_failure_of_task_3(db),
        ["task task3: it is failed with 2 results and 0 failures of 3"],
    ),
    (
        "a payload of a failed task is in no block",
        "DELETE FROM blocks WHERE task = 6",
        lambda db: db["blocks"].delete_one({"task": 6}),
        [f"task task6: payloads 1 to 9 are in no block and have no result{RETRIED}"],
    ),
    (
        "a done task lacks a result",
        "DELETE FROM results WHERE task = 2 AND idx = 1; UPDATE tasks SET done = 2 WHERE number = 2",
        lambda db: drop_result_of_task_2(db),
        ["task task2: it is done with 2 results of 3"],
    ),
    (
        "a result beyond the task",
        "INSERT INTO results VALUES (1, 100, x'31', 0.5, 1, 0)",
        lambda db: insert_result(db, 100),
        ["task task1: payloads 100 have a result or a failure: the task has 100"],
    ),
    (
        "a result beyond the frontier",
        "INSERT INTO results VALUES (1, 80, x'31', 0.5, 1, 0); UPDATE tasks SET done = 39 WHERE number = 1",
        lambda db: insert_counted_result(db, 80),
        ["task task1: payloads 80 have a result and were never handed out"],
    ),
    (
        "a frontier beyond its stretch",
        "UPDATE tasks SET frontier = 101 WHERE number = 5; INSERT INTO blocks VALUES ('b5', 5, 0, 100, 1, 'd')",
        lambda db: raise_frontier(db),
        ["task task5: the frontier 101 is not in its stretch 0 to 100"],
    ),
    (
        "of what was found one is not named",
        "DELETE FROM matches WHERE task = 7 AND idx = 3",
        lambda db: db["results"].update_one({"_id": row_id(7, 3)}, {"$unset": {"m": ""}}),
        ["task task7: the stretch at 0 counts 2 results that satisfy stop_when, its rows are 1", STOPPED],
    ),
    (
        "a search goes on",
        "INSERT INTO matches VALUES (8, 4); UPDATE tasks SET matched = 2 WHERE number = 8",
        lambda db: find_more(db),
        [f"task task8: it is running, and 2 results satisfy stop_when, enough to end it{MENDED}"],
    ),
    (
        "a work unit is gone",
        "DELETE FROM workunits",
        lambda db: db["workunits"].delete_many({}),
        [f"task task{number}: its work unit {SHA} is not there" for number in (1, 5, 8)],
    ),
    (
        "a work unit is damaged",
        "UPDATE workunits SET code = x'00'",
        lambda db: db["chunks"].update_one({"_id": f"workunit/{SHA}/0"}, {"$set": {"body": b"\0"}}),
        [f"task task{number}: its work unit {SHA} is damaged: its bytes have another SHA-256" for number in (1, 5, 8)],
    ),
]
MONGODB_ONLY: list[tuple[str, Callable[[Any], Any], list[str]]] = [
    (
        "a stretch is gone",
        lambda db: db["stretches"].delete_one({"_id": row_id(4, 0)}),
        [],
    ),
    (
        "a gap before a stretch",
        lambda db: move_stretch(db, 60),
        [
            "task task1: nobody looks after payloads 50 to 59, though a later stretch is there",
            "task task1: block b1-50 begins at 50, in no stretch",
        ],
    ),
    (
        "two stretches overlap",
        lambda db: db["stretches"].update_one({"_id": row_id(1, 0)}, {"$set": {"stop": 52}}),
        [
            "task task1: payloads 50 to 51 are in two stretches",
            "task task1: block b1-50 of payloads 50 to 59 reaches out of its stretch 0 to 52",
            f"task task1: block b1-50 of payloads 50 to 59 belongs to manager {OTHER}, its stretch to {ME}{MENDED}",
        ],
    ),
    (
        "a stretch beyond the task",
        lambda db: db["stretches"].update_one({"_id": row_id(1, 50)}, {"$set": {"stop": 200}}),
        ["task task1: the stretch at 50 ends at 200, the task at 100"],
    ),
    (
        "a block of another manager",
        lambda db: db["blocks"].update_one({"_id": "b1-40"}, {"$set": {"owner": OTHER}}),
        [f"task task1: block b1-40 of payloads 40 to 49 belongs to manager {OTHER}, its stretch to {ME}{MENDED}"],
    ),
    (
        "a block beyond its stretch",
        lambda db: db["blocks"].update_one({"_id": "b1-50"}, {"$set": {"stop": 120}}),
        ["task task1: block b1-50 of payloads 50 to 119 reaches out of its stretch 50 to 100"],
    ),
]


async def drop_failure_of_task_3(db: Any) -> None:
    await db["failures"].delete_one({"_id": row_id(3, 2)})
    await db["stretches"].update_one({"_id": row_id(3, 0)}, {"$set": {"failed": 0}})
    owned = {"owner": ME, "start": 2, "stop": 3, "lease": 0, "holder": ""}
    await db["blocks"].insert_one({"_id": "b3-2", "task": 3, **owned})


async def drop_result_of_task_2(db: Any) -> None:
    await db["results"].delete_one({"_id": row_id(2, 1)})
    await db["stretches"].update_one({"_id": row_id(2, 0)}, {"$set": {"done": 2}})


async def find_more(db: Any) -> None:
    await db["matches"].insert_one({"_id": row_id(8, 4)})
    await db["results"].update_one({"_id": row_id(8, 4)}, {"$set": {"m": True}})
    await db["stretches"].update_one({"_id": row_id(8, 0)}, {"$set": {"matched": 2}})


async def insert_result(db: Any, index: int) -> None:
    await db["results"].insert_one({"_id": row_id(1, index), "v": b"1", "s": 0.5, "c": "c", "d": "d", "at": 0.0})


async def insert_counted_result(db: Any, index: int) -> None:
    await insert_result(db, index)
    await db["stretches"].update_one({"_id": row_id(1, 50)}, {"$set": {"done": 1}})


async def raise_frontier(db: Any) -> None:
    counters = {"done": 0, "failed": 0, "leased": 0, "retries": 0}
    owned = {"_id": row_id(5, 0), "task": 5, "owner": ME, "stop": 100, "frontier": 101}
    await db["stretches"].insert_one({**owned, **counters})
    held = {"owner": ME, "start": 0, "stop": 100, "lease": 1, "holder": "d"}
    await db["blocks"].insert_one({"_id": "b5", "task": 5, **held})


async def move_stretch(db: Any, start: int) -> None:
    moved = await db["stretches"].find_one_and_delete({"_id": row_id(1, 50)})
    await db["stretches"].insert_one({**moved, "_id": row_id(1, start)})


@pytest.fixture(params=[checking.PAGE_ROWS, 7], ids=["whole", "paged"])
def page_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(checking, "PAGE_ROWS", request.param)
    monkeypatch.setattr(checking, "PAGE_TASKS", 2 if request.param == 7 else 100)
    return int(request.param)


@pytest.mark.usefixtures("page_rows")
async def test_sound_rows_have_no_problems(tmp_path: Path, mongodb_uri: str) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    await fill_sqlite(tmp_path)
    await fill_mongodb(url, tmp_path)
    assert await found("", tmp_path) == []
    assert await found(url, tmp_path) == []


@pytest.mark.usefixtures("page_rows")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage[0])
async def test_each_damage_of_a_file_is_named(damage: Damage, tmp_path: Path) -> None:
    await fill_sqlite(tmp_path)
    connection = apsw.Connection(str(tmp_path / "manager.db"))
    connection.execute(damage[1])
    connection.close()
    seen = await found("", tmp_path)
    assert sorted(seen) == sorted(problem.replace(MENDED, "").replace(RETRIED, "") for problem in damage[3])


async def test_a_find_without_a_result_is_named(tmp_path: Path) -> None:
    await fill_sqlite(tmp_path)
    connection = apsw.Connection(str(tmp_path / "manager.db"))
    connection.execute("INSERT INTO matches VALUES (7, 9)")
    connection.close()
    assert await found("", tmp_path) == [
        "task task7: payloads 9 are said to satisfy stop_when and have no result",
        "task task7: the stretch at 0 counts 2 results that satisfy stop_when, its rows are 3",
    ]


async def test_what_others_took_in_just_before_a_search_ended_need_not_count(tmp_path: Path, mongodb_uri: str) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    await fill_mongodb(url, tmp_path)
    store: Any = await open_store(url, tmp_path, ME)
    stretches = store._db["stretches"]
    await stretches.update_one({"_id": row_id(7, 0)}, {"$set": {"done": 2}})
    assert await found(url, tmp_path) == []
    await stretches.update_one({"_id": row_id(7, 0)}, {"$set": {"done": 4}})
    [problem] = await found(url, tmp_path)
    assert "counts 4 done and 0 failed payloads, its rows are 3 and 0" in problem
    await store.close()


@pytest.mark.parametrize("damage", [*((one[0], *one[2:]) for one in DAMAGES), *MONGODB_ONLY], ids=lambda one: one[0])
async def test_each_damage_of_documents_is_named(
    damage: tuple[str, Callable[[Any], Any], list[str]], tmp_path: Path, mongodb_uri: str
) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    await fill_mongodb(url, tmp_path)
    store: Any = await open_store(url, tmp_path, ME)
    await damage[1](store._db)
    seen = await found(url, tmp_path)
    assert sorted(seen) == sorted(damage[2])
    if seen and all(problem.endswith(MENDED) for problem in seen) and damage[0] not in NEVER_LEFT | ENDED_BY_THE_CORE:
        others = await open_store(url, tmp_path, OTHER)
        for each in (store, others):
            await each.load()
        assert await found(url, tmp_path) == [], "a start was to put it right"
        await others.close()
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_a_lost_or_damaged_archive_of_an_open_task_is_a_finding(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = fresh_url(kind, request.getfixturevalue("mongodb_uri") if kind == "mongodb" else "")
    store = await open_store(url, tmp_path, ME)
    tar = tar_of([("a", b"1"), ("b", b"2")])
    sha256 = sha256_of(tar)

    async def found() -> list[str]:
        return [problem async for problem in checking.problems(store) if "blob" in problem]

    await store.put_workunit(SHA, "javascript", CODE)
    for number, state in ((1, "queued"), (2, "done")):
        spec = b'{"blob":"%s","format":"files"}' % sha256.encode()
        record = msgspec.structs.replace(of(number, state, 2), payloads=spec, blob=sha256)
        await store.commit([put(record)])
    assert await found() == [f"task task1: its payloads are lost: blob {sha256} is not there"]
    await upload(store.blobs, tar)
    assert await found() == [f"task task1: blob {sha256} of its payloads has no index"]
    files = await Sources(store.blobs, store.segments).index(StoredSpec("files", sha256))
    assert isinstance(files, Files)
    assert await found() == []
    [loaded] = await store.load()
    assert loaded.spec == StoredSpec("files", sha256, files.extents) and list(files.sizes) == [1, 1]
    database: Any = store
    if kind == "sqlite":
        (tmp_path / "blobs" / sha256).write_bytes(tar[:-1] + b"x")
    else:
        await database._db["blobs.chunks"].update_many({}, {"$set": {"data": tar[:-1]}})
    assert await found() == [f"task task1: blob {sha256} of its payloads is damaged: its bytes have another SHA-256"]
    await store.close()
