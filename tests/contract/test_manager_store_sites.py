"""What was counted of sites: what every manager store must do with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from disio_manager.stores.base import ManagerStore
from disio_shared.messages import SiteDay
from tests.contract.manager_store_rows import opener

A = SiteDay(site="https://a.example", day=100, version=2, name="a", opened=3, lengths=[0, 1], visit_seconds=1.5)


@pytest_asyncio.fixture(params=["sqlite", "mongodb"])
async def store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[ManagerStore]:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    opened = await opener(request.param, tmp_path, uri)()
    yield opened
    await opened.close()


async def test_a_row_is_replaced_by_a_newer_one_only(store: ManagerStore) -> None:
    await store.sites.put("d1", [A])
    await store.sites.put("d1", [msgspec.structs.replace(A, version=1, opened=1)])
    await store.sites.put("d1", [A])
    assert await store.sites.since(0) == [A]
    newer = msgspec.structs.replace(A, version=3, opened=4)
    await store.sites.put("d1", [newer])
    assert await store.sites.since(100) == [newer]


async def test_distributors_sites_and_days_are_told_apart_and_old_days_forgotten(store: ManagerStore) -> None:
    later = msgspec.structs.replace(A, day=101)
    await store.sites.put("d1", [A, later, msgspec.structs.replace(A, site="others")])
    await store.sites.put("d2", [A])
    assert len(await store.sites.since(100)) == 4
    assert await store.sites.since(101) == [later]
    await store.sites.drop_before(101)
    assert await store.sites.since(0) == [later]


async def test_the_rows_of_one_site_are_all_of_its_days_and_distributors_and_no_others(store: ManagerStore) -> None:
    days = [msgspec.structs.replace(A, day=day) for day in (99, 100, 103, 109)]
    alike = [
        msgspec.structs.replace(A, site=site) for site in ("https://b.a.example", "https://a.example.org", "a.example")
    ]
    await store.sites.put("d1", [*days, *alike])
    await store.sites.put("d2/x", [days[1]])
    found = await store.sites.of(A.site, 100)
    assert sorted(row.day for row in found) == [100, 100, 103, 109]
    assert {row.site for row in found} == {A.site}
    assert await store.sites.of("https://nobody.example", 0) == []
    assert await store.sites.of("a", 0) == []
