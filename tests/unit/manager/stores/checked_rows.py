"""Rows of a store that are sound, for tests of the check: of a file, and of documents."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from disio_manager.core.changes import Change, PutStretch
from disio_manager.core.records import TaskRecord
from disio_manager.stores import checking
from disio_manager.stores.opening import open_store
from tests.contract.manager_store_rows import (
    ME,
    SEARCH,
    block,
    failures,
    finds,
    put,
    results,
    stretch,
    task,
)

OTHER = "manager-b"
CODE = b"export default () => 1"
SHA = hashlib.sha256(CODE).hexdigest()


def of(number: int, state: str, total: int, **policy: Any) -> TaskRecord:
    record = task(number, state=state, total=total)
    record.workunit = SHA
    record.policy = msgspec.structs.replace(record.policy, **policy)
    return record


SOUND: list[Change] = [
    block(0, 10, holder="d"),
    block(40, 50, holder="d"),
    results([*range(5), *range(7, 40)]),
    failures([5]),
    results(range(3), number=2),
    results([0, 1], number=3),
    failures([2], number=3),
    failures([0], number=6),
    block(0, 10, number=6),
    finds([3, 5], number=7),
    results([4], number=7),
    finds([3], number=8),
    results([4], number=8),
    block(0, 10, number=8),
]
"""Task 1 runs with payload 6 open, 2 is done, 3 failed, 4 cancelled, 5 queued, 6 reached its limit of failures, 7 has
found what it searched for, 8 has not."""
TASKS = [
    of(1, "running", 100),
    of(2, "done", 3),
    of(3, "failed", 3),
    of(4, "cancelled", 100),
    of(5, "queued", 100),
    of(6, "failed", 100, max_task_failures=1),
    msgspec.structs.replace(of(7, "done", 100, stop_when=SEARCH), ended_by="stop_when"),
    of(8, "running", 100, stop_when=SEARCH),
]


def counted(
    start: int, stop: int, frontier: int, done: int, failed: int, *, number: int, owner: str, matched: int = 0
) -> PutStretch:
    record = stretch(start, stop, frontier=frontier, number=number, owner=owner)
    return PutStretch(msgspec.structs.replace(record, done=done, failed=failed, matched=matched))


def searched() -> list[Change]:
    return [
        counted(0, 100, 10, 3, 0, number=7, owner=ME, matched=2),
        counted(0, 100, 10, 2, 0, number=8, owner=ME, matched=1),
    ]


async def fill_sqlite(folder: Path) -> None:
    store = await open_store("", folder, ME)
    await store.put_workunit(SHA, "javascript", CODE)
    rest = [counted(0, 0, 10, 0, 1, number=6, owner=ME), counted(0, 0, 10, 0, 0, number=4, owner=ME), *searched()]
    ends = [counted(0, 3, 3, 3, 0, number=2, owner=ME), counted(0, 3, 3, 2, 1, number=3, owner=ME), *rest]
    await store.commit([put(record) for record in TASKS])
    await store.commit([*SOUND, block(50, 60), counted(0, 100, 60, 38, 1, number=1, owner=ME), *ends])
    await store.close()


async def fill_mongodb(url: str, folder: Path) -> None:
    mine, others = await open_store(url, folder, ME), await open_store(url, folder, OTHER)
    await mine.put_workunit(SHA, "javascript", CODE)
    await mine.commit([put(msgspec.structs.replace(record, state="running")) for record in TASKS])
    for number, stop in ((1, 50), (2, 3), (3, 3), (4, 100), (6, 100), (7, 100), (8, 100)):
        await mine.claim(stretch(0, stop, number=number))
    await others.claim(stretch(50, 100, owner=OTHER))
    await others.commit([block(50, 60), counted(50, 100, 60, 0, 0, number=1, owner=OTHER)])
    rest = [counted(0, 100, 10, 0, 1, number=6, owner=ME), counted(0, 100, 10, 0, 0, number=4, owner=ME), *searched()]
    ends = [counted(0, 3, 3, 3, 0, number=2, owner=ME), counted(0, 3, 3, 2, 1, number=3, owner=ME), *rest]
    await mine.commit([*SOUND, counted(0, 50, 50, 38, 1, number=1, owner=ME), *ends])
    await mine.commit([put(record, "running") for record in TASKS])
    for store in (mine, others):
        await store.close()


async def found(url: str, folder: Path) -> list[str]:
    store = await open_store(url, folder, "")
    try:
        return [problem async for problem in checking.problems(store)]
    finally:
        await store.close()
