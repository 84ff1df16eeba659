"""What waits to be written to the audit: bounded, counted together, and never lost to a database that is away."""

import pytest

from disio_manager.people import auditing
from disio_manager.people.auditing import QUIET_S, TRIM_EVERY, Auditing
from disio_manager.stores.audit import MAX_AGE_S, MAX_ROWS, AuditFilter, AuditPage, AuditRow
from disio_shared.clock import FakeClock
from disio_shared.errors import StoreUnavailable


class Kept:
    """An audit in memory that can be away."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []
        self.trims: list[tuple[float, int]] = []
        self.is_away = False

    async def append(self, rows: list[AuditRow]) -> None:
        if self.is_away:
            raise StoreUnavailable("database", "is away")
        self.rows += rows

    async def page(self, wanted: AuditFilter, cursor: str, limit: int, *, counts: bool = True) -> AuditPage:
        return AuditPage([], None, 0)

    async def trim(self, before: float, most: int) -> int:
        self.trims.append((before, most))
        return 0


async def test_the_same_within_a_moment_is_one_row() -> None:
    kept, clock = Kept(), FakeClock()
    audit = Auditing(kept, clock)
    for _ in range(3):
        audit.note("ada", "append_blob", kind="blob", subject="00")
    audit.note("bob", "append_blob", kind="blob", subject="00")
    await audit.flush()
    assert [(row.who, row.times) for row in kept.rows] == [("ada", 3), ("bob", 1)]
    audit.note("ada", "append_blob", kind="blob", subject="00")
    await audit.flush()
    await audit.flush()
    assert len(kept.rows) == 3 and len({row.id for row in kept.rows}) == 3


async def test_quiet_ones_are_told_at_once_and_then_once_a_minute() -> None:
    kept, clock = Kept(), FakeClock()
    audit = Auditing(kept, clock)
    for _ in range(10):
        audit.note("", "login", subject="ada", outcome="failed", is_quiet=True)
        await audit.flush()
    assert [row.times for row in kept.rows] == [1]
    clock.advance(QUIET_S)
    await audit.flush()
    assert [row.times for row in kept.rows] == [1, 9]
    audit.note("", "login", subject="ada", outcome="failed", is_quiet=True)
    await audit.flush()
    assert [row.times for row in kept.rows] == [1, 9, 1]


async def test_while_the_database_is_away_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "MAX_QUEUED", 3)
    kept, clock = Kept(), FakeClock()
    audit = Auditing(kept, clock)
    kept.is_away = True
    for number in range(5):
        audit.note("ada", "create_task", subject=f"t{number}")
    with pytest.raises(StoreUnavailable):
        await audit.flush()
    audit.note("ada", "create_task", subject="t0")  # the same as one that waits needs no room
    kept.is_away = False
    await audit.flush()
    await audit.flush()
    told = [(row.who, row.verb, row.subject, row.times, row.detail) for row in kept.rows]
    assert told == [
        ("ada", "create_task", "t0", 2, ""),
        ("ada", "create_task", "t1", 1, ""),
        ("ada", "create_task", "t2", 1, ""),
        ("system", "audit_overflow", "", 1, "2 rows found no room"),
    ]


async def test_what_comes_while_rows_are_written_is_written_next() -> None:
    kept, clock = Kept(), FakeClock()
    audit = Auditing(kept, clock)
    append = kept.append

    async def meanwhile(rows: list[AuditRow]) -> None:
        await append(rows)
        if len(kept.rows) == 1:
            audit.note("ada", "create_task", subject="t1")

    kept.append = meanwhile  # type: ignore[method-assign]
    audit.note("ada", "create_task", subject="t1")
    await audit.flush()
    await audit.flush()
    assert [row.times for row in kept.rows] == [1, 1] and kept.rows[0].id != kept.rows[1].id


async def test_the_oldest_go_now_and_then() -> None:
    kept, clock = Kept(), FakeClock()
    audit = Auditing(kept, clock)
    await audit.flush()
    assert kept.trims == []
    for number in range(TRIM_EVERY + 1):
        audit.note("ada", "create_task", subject=f"t{number}")
        if number % 100 == 0:
            await audit.flush()
    await audit.flush()
    assert kept.trims == [(clock.wall() - MAX_AGE_S, MAX_ROWS)] * 2


async def test_of_rows_in_one_moment_the_later_have_larger_ids() -> None:
    kept = Kept()
    audit = Auditing(kept, FakeClock())
    for number in range(50):
        audit.note("ada", "create_task", subject=f"t{number}")
    await audit.flush()
    ordered = sorted(kept.rows, key=lambda row: row.id)
    assert [row.subject for row in ordered] == [f"t{number}" for number in range(50)]
