"""Rows that the store tests write, and stores opened on either database."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from disio_manager.core.changes import AddFailures, AddResults, AddVotes, PutBlock, PutStretch, PutTask
from disio_manager.core.records import BlockRecord, LoadedTask, StretchRecord, TaskRecord
from disio_manager.stores.base import FailureRow, ManagerStore, ResultRow, VoteRow
from disio_manager.stores.opening import open_store
from disio_shared.task_parts import Condition, StopWhen
from disio_shared.taskdoc import Policy

ME = "manager-a"
Opener = Callable[[], Awaitable[ManagerStore]]


def with_database(uri: str, name: str) -> str:
    """Return a MongoDB URI that names a database."""
    head, _, options = uri.partition("?")
    return f"{head.rstrip('/')}/{name}" + (f"?{options}" if options else "")


def fresh_url(kind: str, uri: str = "") -> str:
    """Return what names a database of one test."""
    return with_database(uri, f"t{uuid.uuid4().hex[:12]}") if kind == "mongodb" else ""


def opener(kind: str, folder: Path, uri: str = "") -> Opener:
    """Return what opens one and the same database again and again."""
    url = fresh_url(kind, uri)
    return lambda: open_store(url, folder, ME)


SEARCH = StopWhen(result=[Condition(path="0", equals="found")], count=2)
FOUND = b'["found"]'


def searching(number: int = 1, *, total: int = 1_000, state: str = "running", ended_by: str = "") -> TaskRecord:
    """Return a task that is done at two results ``FOUND``."""
    record = task(number, total=total, state=state)
    record.policy.stop_when, record.ended_by = SEARCH, ended_by
    return record


def finds(indexes: Sequence[int], *, number: int = 1) -> AddResults:
    """Return a change that adds results of own payloads which all are what is searched for."""
    return msgspec.structs.replace(
        results(indexes, number=number), values=[FOUND] * len(indexes), matching=list(indexes)
    )


def task(number: int = 1, *, total: int = 1_000, state: str = "running", name: str = "") -> TaskRecord:
    """Return a task over a range."""
    return TaskRecord(
        id=f"task{number}",
        number=number,
        name=name or f"Task {number}",
        tags=["math", f"n{number}"],
        workunit="ab" * 32,
        language="javascript",
        workunit_bytes=10,
        payloads=b'{"range":[0,%d]}' % total,
        policy=Policy(priority=number, deadline=2e9),
        total=total,
        state=state,
        created_at=1_700_000_000.5,
    )


def stretch(start: int = 0, stop: int = 1_000, *, frontier: int = 0, number: int = 1, owner: str = ME) -> StretchRecord:
    """Return a stretch of a task."""
    return StretchRecord(task=f"task{number}", start=start, stop=stop, owner=owner, frontier=max(start, frontier))


async def begin(store: ManagerStore, record: TaskRecord, frontier: int = 0) -> None:
    """Put in a new task that one manager looks after, up to a frontier, as the core of either store does."""
    await store.commit([put(record)])
    whole = stretch(stop=record.total, frontier=frontier, number=record.number)
    await store.claim(whole)
    await store.commit([PutStretch(whole)])


def front(
    frontier: int, *, number: int = 1, total: int = 1_000, done: int = 0, failed: int = 0, matched: int = 0
) -> PutStretch:
    """Return a change that writes how far a task's one stretch is."""
    record = stretch(stop=total, frontier=frontier, number=number)
    record.done, record.failed, record.matched = done, failed, matched
    return PutStretch(record)


def block(start: int, stop: int, *, holder: str = "", number: int = 1, lease: int = 1) -> PutBlock:
    """Return a change that writes a block."""
    record = BlockRecord(
        id=f"b{number}-{start}", task=f"task{number}", start=start, stop=stop, lease=lease, holder=holder
    )
    return PutBlock(record)


def results(indexes: Sequence[int], *, number: int = 1, value: bytes = b"v", client: str = "c1") -> AddResults:
    """Return a change that adds results; every value names its index."""
    count = len(indexes)
    values = [value + b"%d" % index for index in indexes]
    by = [at % 2 for at in range(count)]
    return AddResults(
        f"task{number}", list(indexes), values, [0.5] * count, [client, "other"], by, "dist", 1_700_000_001.25
    )


def votes(indexes: Sequence[int], *, value: bytes = b"v", client: str = "voter", number: int = 1) -> AddVotes:
    """Return a change that adds votes of one client; every value names its index, as those of results do."""
    values = [value + b"%d" % index for index in indexes]
    count = len(indexes)
    return AddVotes(f"task{number}", list(indexes), values, [0.25] * count, [client], [0] * count, "dist", 1.7e9)


def failures(indexes: Sequence[int], *, number: int = 1) -> AddFailures:
    """Return a change that adds failures."""
    errors = [[f"error of {index}", "again\nü"] for index in indexes]
    return AddFailures(f"task{number}", list(indexes), errors, 1_700_000_002.0)


def put(record: TaskRecord, was: str = "") -> PutTask:
    """Return a change that writes a task."""
    return PutTask(record, was)


async def all_results(store: ManagerStore, name: str = "task1", start: int = 0, limit: int = 0) -> list[ResultRow]:
    """Return every result of a task."""
    return [row async for page in store.results(name, start, limit) for row in page]


async def everything(
    store: ManagerStore, names: Sequence[str]
) -> list[tuple[LoadedTask | None, list[ResultRow], list[FailureRow], list[VoteRow]]]:
    """Return all that can be read about tasks."""
    return [
        (
            await store.load_task(name),
            await all_results(store, name),
            await store.failures(name, 0, 0),
            await store.votes(name, 0, 0),
        )
        for name in names
    ]
