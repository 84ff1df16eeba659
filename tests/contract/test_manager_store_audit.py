"""The audit: what every manager store must do with it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disio_manager.stores.audit import AuditFilter, AuditRow
from disio_manager.stores.base import ManagerStore
from tests.contract.manager_store_rows import Opener, opener


@pytest.fixture(params=["sqlite", "mongodb"])
def open_again(tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


def row(number: int, **changes: Any) -> AuditRow:
    fields: dict[str, Any] = {
        "id": f"{number:012x}-a",
        "at": 1_000.0 + number,
        "who": "ada" if number % 2 else "machine",
        "address": "127.0.0.1",
        "verb": "create_task",
        "kind": "task",
        "subject": f"t{number}",
        "detail": "ü",
        "times": number + 1,
    }
    return AuditRow(**(fields | changes))


async def test_rows_are_there_as_written_and_a_repeat_changes_nothing(open_again: Opener) -> None:
    first = await open_again()
    await first.audit.append([])
    await first.audit.append([row(1), row(2, outcome="refused")])
    await first.audit.append([row(2, detail="another"), row(3)])
    await first.close()
    second = await open_again()
    page = await second.audit.page(AuditFilter(), "", 10)
    assert (page.items, page.next_cursor, page.total) == ([row(3), row(2, outcome="refused"), row(1)], None, 3)
    await second.close()


async def test_pages_follow_each_other_without_gap_or_repeat(store: ManagerStore) -> None:
    await store.audit.append([row(number) for number in range(10)])
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None and len(found) < 10:
        page = await store.audit.page(AuditFilter(who="ada"), cursor, 2)
        assert page.total == 5
        found += [each.subject for each in page.items]
        cursor = page.next_cursor
        await store.audit.append([row(100 + len(found))])  # news do not move what is older
    assert found == ["t9", "t7", "t5", "t3", "t1"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"who": "ada"}, {1, 3}),
        ({"verb": "login"}, {4}),
        ({"kind": "user", "subject": "bob"}, {4}),
        ({"kind": "task", "subject": "bob"}, set()),
        ({"outcome": "refused"}, {2}),
        ({"since": 1_002.0}, {2, 3, 4}),
        ({"until": 1_002.0}, {1}),
        ({"since": 1_002.0, "until": 1_003.0, "who": "machine"}, {2}),
        ({"who": "' OR 1 --"}, set()),
    ],
)
async def test_filters(store: ManagerStore, wanted: dict[str, Any], expected: set[int]) -> None:
    await store.audit.append(
        [row(1), row(2, outcome="refused"), row(3), row(4, verb="login", kind="user", subject="bob")]
    )
    page = await store.audit.page(AuditFilter(**wanted), "", 10)
    assert {round(each.at) - 1_000 for each in page.items} == expected and page.total == len(expected)


async def test_the_oldest_go(store: ManagerStore) -> None:
    await store.audit.append([row(number) for number in range(10)])
    assert await store.audit.trim(1_002.0, 100) == 2
    assert await store.audit.trim(0.0, 3) == 5
    assert await store.audit.trim(0.0, 3) == 0
    assert [each.subject for each in (await store.audit.page(AuditFilter(), "", 10)).items] == ["t9", "t8", "t7"]
