"""A manager's store filled with as much as one asks for: tasks, results, votes, history, audit, sites, people.

Rule: everything goes in through the store's own calls, so it lies there as a running manager would have put it.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from disio_manager.core.changes import AddFailures, AddResults, AddVotes, Change, PutStretch, PutTask
from disio_manager.core.records import StretchRecord, TaskRecord
from disio_manager.history import LEVELS, Point, Row
from disio_manager.people.roles import Role
from disio_manager.stores.audit import AuditRow
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.people import Pass, Person
from disio_shared.messages import SiteDay
from disio_shared.taskdoc import Policy
from disio_shared.visit_lengths import BINS

TASK = "task1"
"""The one with the results."""
CODE, CODE_SHA256 = b"export default function run(payload, unit) { return { n: payload } }", "ab" * 32
STATES = ("done", "done", "done", "failed", "cancelled", "done", "done", "expired", "paused", "done")
OPEN_EVERY = 100
"""One task of so many runs."""
TASKS_AT_ONCE = 100
BATCH = 1_000
CLIENTS = 50
DISTRIBUTORS = ("d1", "d2")
BORN = 1.7e9
DAY_S = 86_400
MANY = 1_000
"""Audit rows or rows of sites that are written at once."""
TEXTS = ("ValueError: row {0} of /data/in/{0}.csv is '{0}'", "TypeError: payload {0} has no n", "ran out of memory")

ItemT = TypeVar("ItemT")


class Sizes(NamedTuple):
    """How much of what."""

    tasks: int
    results: int
    """Payloads of the first task: one in ten of them failed, each of the others has a result."""
    votes: int
    """Up to this index each result has a vote."""
    audit: int
    sites: int
    """Each with ninety days of two distributors."""
    people: int
    tokens: int
    history: bool = True
    at_once: int = BATCH
    """Results in one commit."""


async def fill(store: ManagerStore, sizes: Sizes, owner: str) -> None:
    """Fill an empty store of a manager."""
    await store.put_workunit(CODE_SHA256, "javascript", CODE)
    await _tasks(store, sizes, owner)
    for start in range(0, sizes.results, sizes.at_once):
        stop = min(sizes.results, start + sizes.at_once)
        await store.commit([*_came(start, stop), *([_votes(start, stop)] if start < sizes.votes else [])])
    await _audit(store, sizes.audit)
    await _sites(store, sizes.sites)
    await _people(store, sizes.people, sizes.tokens)
    if sizes.history:
        await _history(store)


async def _tasks(store: ManagerStore, sizes: Sizes, owner: str) -> None:
    for start in range(1, sizes.tasks + 1, TASKS_AT_ONCE):
        changes: list[Change] = []
        for number in range(start, min(sizes.tasks + 1, start + TASKS_AT_ONCE)):
            record = _task(number, sizes.results if number == 1 else 100)
            changes += [PutTask(record), PutStretch(_stretch(record, owner))]
        await store.commit(changes)


def _task(number: int, total: int) -> TaskRecord:
    state = "running" if number == 1 or number % OPEN_EVERY == 0 else STATES[number % len(STATES)]
    is_open = state in ("running", "paused")
    return TaskRecord(
        id=f"task{number}",
        number=number,
        name=f"Task {number}",
        tags=["math", f"n{number}"],
        public=number % 2 == 1,
        workunit=CODE_SHA256,
        language="javascript",
        workunit_bytes=len(CODE),
        payloads=b'{"range":[0,%d]}' % total,
        policy=Policy(),
        total=total,
        state=state,
        created_at=BORN + number,
        finished_at=None if is_open else BORN + number + 60,
    )


def _stretch(record: TaskRecord, owner: str) -> StretchRecord:
    failed = record.total // 10 if record.number == 1 or record.state == "failed" else 0
    done = record.total - failed if record.state != "paused" else 0
    return StretchRecord(
        task=record.id,
        start=0,
        stop=record.total,
        owner=owner,
        frontier=record.total if done else 0,
        done=done,
        failed=failed,
    )


def _came(start: int, stop: int) -> list[Change]:
    """Return results and failures."""
    indexes = [index for index in range(start, stop) if index % 10]
    failed = list(range(start, stop, 10))
    seconds, by = [0.5] * len(indexes), [index % CLIENTS for index in indexes]
    clients = [f"client{nth}" for nth in range(CLIENTS)]
    texts = [[TEXTS[index // 10 % len(TEXTS)].format(index)] for index in failed]
    return [
        AddResults(TASK, indexes, [_value(index) for index in indexes], seconds, clients, by, DISTRIBUTORS[0], BORN),
        AddFailures(TASK, failed, texts, BORN),
    ]


def _votes(start: int, stop: int) -> Change:
    """Return a vote on each result; one in a hundred differs."""
    indexes = [index for index in range(start, stop) if index % 10]
    values = [b'{"n": 0}' if index % 100 == 1 else _value(index) for index in indexes]
    seconds, by = [0.5] * len(indexes), [index % CLIENTS for index in indexes]
    return AddVotes(
        TASK, indexes, values, seconds, [f"voter{nth}" for nth in range(CLIENTS)], by, DISTRIBUTORS[1], BORN
    )


def _value(index: int) -> bytes:
    return b'{"n": %d}' % index


async def _history(store: ManagerStore) -> None:
    now = time.time()
    for span, kept in LEVELS:
        ats = range(int(now - kept) // span * span, int(now), span)
        for task in ("", TASK):
            point = Point(seconds=float(span), ok=100, queue=1e6, kinds={"web": 9.0}, most_clients=3)
            await store.history.put([Row(task, span, at, point) for at in ats])


def audit_id(nth: int) -> str:
    """Return the id of the audit row of that number, the oldest being 0."""
    return f"{nth:012x}{'0' * 6}"


async def _audit(store: ManagerStore, rows: int) -> None:
    begun = time.time() - rows
    for some in _parts(range(rows)):
        await store.audit.append(
            [
                AuditRow(
                    id=audit_id(nth),
                    at=begun + nth,
                    who=f"user{nth % 20}",
                    address="10.0.0.1",
                    verb=("create_task", "pause_task", "login", "drain")[nth % 4],
                    kind=("task", "task", "session", "distributor")[nth % 4],
                    subject=f"task{nth % 997}",
                    outcome="refused" if nth % 50 == 0 else "ok",
                    detail="role researcher",
                )
                for nth in some
            ]
        )


async def _sites(store: ManagerStore, sites: int) -> None:
    today = int(time.time() // DAY_S)
    for distributor in DISTRIBUTORS:
        rows = [(day, site) for day in range(today - 89, today + 1) for site in range(sites)]
        for some in _parts(rows):
            await store.sites.put(distributor, [_site_day(day, site) for day, site in some])


def _site_day(day: int, site: int) -> SiteDay:
    return SiteDay(
        site=f"https://site{site}.example.org",
        day=day,
        version=1,
        name=f"site {site}",
        opened=100,
        granted=40,
        declined=30,
        visits=40,
        visit_seconds=4_000.0,
        lengths=[site % 7] * BINS,
        units=1_000,
        unit_seconds=500.0,
    )


async def _people(store: ManagerStore, people: int, tokens: int) -> None:
    now = time.time()
    for nth in range(people):
        role: Role = "admin" if nth == 0 else "viewer"
        await store.people.add(Person(id=f"p{nth}", name=f"user{nth}", role=role, hash="$none", created_at=now))
    for nth in range(tokens):
        await store.people.add_pass(
            Pass(
                id=f"t{nth}",
                hash=f"{nth:064x}",
                kind="token",
                owner=f"p{nth % max(1, people)}",
                owner_name=f"user{nth % max(1, people)}",
                role="viewer",
                created_at=now,
                expires_at=now + DAY_S,
                used_at=now,
            )
        )


def _parts(rows: Sequence[ItemT]) -> list[Sequence[ItemT]]:
    return [rows[start : start + MANY] for start in range(0, len(rows), MANY)]
