"""What a person should look at, in sentences, each with what to do about it.

Rule: pure, and silent when all is well. What is worst comes first, and nothing is left out without saying how much.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from disio_manager.cluster import ManagerRow
from disio_manager.core.records import DistributorRecord
from disio_manager.core.views import TaskView
from disio_manager.core.wording import span

MAX_TOLD = 50
MANY_FAILED = 0.2
"""Share of failed tries from which on a task is told of."""
ENOUGH = 20
"""Tries before a share means anything."""
SPACE_WARNING, SPACE_FULL = 0.8, 0.95
"""Of a distributor's cache: from the first on it hands out no more work, from the second on it takes no results."""
LOW_DISK = 0.05
LOW_DISK_BYTES = 1 << 30
GONE_S = 7 * 86_400.0
"""A distributor that has been away for longer is no news."""
Kind = Literal[
    "manager-not-ready",
    "manager-gone",
    "disk-low",
    "distributor-refused",
    "distributor-offline",
    "distributor-full",
    "distributor-relaxed",
    "versions",
    "task-stalled",
    "task-failing",
]
Level = Literal["bad", "warning"]


class Disk(msgspec.Struct, frozen=True):
    """The disk that the manager's data lies on."""

    path: str
    free: int
    total: int


class Item(msgspec.Struct, kw_only=True, frozen=True):
    """One thing to look at."""

    kind: Kind
    level: Level
    subject: str
    """Id of the task, distributor or manager; of the disk its path."""
    sentence: str
    remedy: str
    link: str
    """A page of the dashboard."""


class Seen(msgspec.Struct, kw_only=True, frozen=True):
    """What is looked at."""

    now: float
    """Seconds since 1970."""
    version: str
    """Of this manager, as distributors tell theirs."""
    trouble: str = ""
    """Why nothing can be saved."""
    disk: Disk | None = None
    managers: Sequence[ManagerRow] = ()
    distributors: Sequence[DistributorRecord] = ()
    tasks: Sequence[TaskView] = ()
    stalled: dict[str, float] = {}
    """Tasks that count as stalled, to the seconds for which nothing came."""


def attention(seen: Seen) -> list[Item]:
    """Return everything to look at, the worst first."""
    found = [*_of_managers(seen), *_of_disk(seen), *_of_distributors(seen), *_of_versions(seen), *_of_tasks(seen)]
    return sorted(found, key=lambda item: item.level != "bad")


def _of_managers(seen: Seen) -> Iterable[Item]:
    if seen.trouble:
        yield Item(
            kind="manager-not-ready",
            level="bad",
            subject="manager",
            sentence=f"The manager cannot save, so nothing is handed out or taken in: {seen.trouble}.",
            remedy="Make its database answer, or make room; it goes on by itself.",
            link="/fleet",
        )
    for row in seen.managers:
        if not row.alive and not row.this:
            yield Item(
                kind="manager-gone",
                level="warning",
                subject=row.id,
                sentence=f"The manager at {row.url} has been silent for {_time(row.beat_age_s)}.",
                remedy="Start it again, or let it be: the others take over its work.",
                link="/fleet",
            )


def _of_disk(seen: Seen) -> Iterable[Item]:
    disk = seen.disk
    if disk is not None and disk.free < min(LOW_DISK_BYTES, LOW_DISK * disk.total):
        yield Item(
            kind="disk-low",
            level="warning",
            subject=disk.path,
            sentence=f"Only {disk.free / 1e6:,.0f} MB are free on the disk of the manager's data.",
            remedy="Make room, or delete tasks that are no longer needed: a full disk stops everything.",
            link="/tasks?state=done",
        )


def _of_distributors(seen: Seen) -> Iterable[Item]:
    for row in seen.distributors:
        item = _of_distributor(row, seen.now)
        if item is not None:
            kind, level, sentence, remedy = item
            yield Item(kind=kind, level=level, subject=row.id, sentence=sentence, remedy=remedy, link="/fleet")


def _of_distributor(row: DistributorRecord, now: float) -> tuple[Kind, Level, str, str] | None:
    name = row.name or row.id
    if row.trouble:
        remedy = "Correct its settings or its version, and start it again."
        return "distributor-refused", "bad", f"The distributor {name} was refused: {row.trouble}.", remedy
    if row.state == "offline":
        if now - row.last_seen > GONE_S:
            return None
        away = f"The distributor {name} has been away for {_time(max(0.0, now - row.last_seen))}."
        return (
            "distributor-offline",
            "warning",
            away,
            "Start it again; others get what it held.",
        )
    if row.space >= SPACE_FULL:
        full = f"The cache of the distributor {name} is full: it takes no more results."
        return "distributor-full", "bad", full, "See that a manager can save, or give it a larger --cache-limit."
    if row.space >= SPACE_WARNING:
        filling = f"The cache of the distributor {name} is {row.space:.0%} full: it hands out no more work."
        return "distributor-full", "warning", filling, "See that a manager can save, or give it a larger --cache-limit."
    if row.durability != "full":
        relaxed = f"The distributor {name} may lose results it acknowledged: {row.durability}"
        return "distributor-relaxed", "warning", relaxed, "Have its cache write through to its disk."
    return None


def _of_versions(seen: Seen) -> Iterable[Item]:
    others = sorted(
        {row.software for row in seen.distributors if row.state != "offline" and row.software} - {seen.version}
    )
    if others:
        yield Item(
            kind="versions",
            level="warning",
            subject="versions",
            sentence=f"Distributors run {', '.join(others[:5])}; this manager runs {seen.version}.",
            remedy="Bring all parts to the same version; until then they work together as far as they can.",
            link="/fleet",
        )


def _of_tasks(seen: Seen) -> Iterable[Item]:
    for view in seen.tasks:
        record = view.record
        silent_s = seen.stalled.get(record.id)
        if silent_s is not None:
            yield Item(
                kind="task-stalled",
                level="bad",
                subject=record.id,
                sentence=f"No result of “{record.name}” has come for {_time(silent_s)}.",
                remedy="Its page says what it waits for.",
                link=f"/tasks/{record.id}",
            )
        bad = record.tries_failed + record.failed
        tries = record.done + bad
        if tries >= ENOUGH and bad >= MANY_FAILED * tries:
            yield Item(
                kind="task-failing",
                level="warning",
                subject=record.id,
                sentence=f"{bad / tries:.0%} of the tries of “{record.name}” failed.",
                remedy="Look at what they say, and pause the task if its code is wrong.",
                link=f"/tasks/{record.id}?tab=failures",
            )


def _time(seconds: float) -> str:
    """Return how long something lasts; as long as it is short it changes each ten seconds, and news with it."""
    if seconds < 10:
        return "some seconds"
    return span(seconds - seconds % 10 if seconds < 120 else seconds)
