"""What managers on one MongoDB tell each other of payloads that another one looks after."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from disio_manager.core.changes import AddForeign, DropNotices
from disio_manager.core.records import StretchRecord
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from tests.contract.manager_store_rows import ME, all_results, failures, fresh_url, put, results, stretch, task

OTHER = "manager-b"


@pytest_asyncio.fixture
async def pair(mongodb_uri: str, tmp_path: Path) -> AsyncIterator[tuple[ManagerStore, ManagerStore]]:
    """Two managers on one MongoDB: ME and OTHER."""
    url = fresh_url("mongodb", mongodb_uri)
    mine, others = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    yield mine, others
    await mine.close()
    await others.close()


def theirs(start: int, stop: int, frontier: int = 0) -> StretchRecord:
    return stretch(start, stop, frontier=frontier, owner=OTHER)


async def test_owners_are_told_what_others_wrote_of_theirs(pair: tuple[ManagerStore, ManagerStore]) -> None:
    mine, others = pair
    await mine.commit([put(task())])
    await mine.claim(stretch(0, 100))
    await others.claim(theirs(100, 200))
    group = [AddForeign(results([5, 4, 150, 6, 900])), AddForeign(failures([6, 8, 151]))]
    for _ in range(2):
        await others.commit([*group])
    [told] = (await mine.look([])).notices
    assert (told.task, told.done, told.failed) == ("task1", [(4, 7)], [6, 8])
    assert told.errors == failures([6, 8]).errors
    [own] = (await others.look([])).notices
    assert (own.done, own.failed) == ([(150, 151)], [151])
    await mine.commit([DropNotices([told.id])])
    assert (await mine.look([])).notices == []
    assert len((await others.look([])).notices) == 1
    assert [row.index for row in await all_results(mine)] == [4, 5, 6, 150, 900]
    assert await mine.failures("task1", 0, 0) == [], "only the owner knows whether they count"


async def test_what_a_manager_that_is_gone_was_told_is_told_to_who_took_over(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    gone, mine, others = [await open_store(url, tmp_path, name) for name in ("gone", ME, OTHER)]
    await gone.commit([put(task())])
    for start in (0, 10, 20):
        await gone.claim(stretch(start, start + 10, owner="gone"))
    await others.commit([AddForeign(results([1, 25])), AddForeign(failures([2, 12, 26]))])
    await others.take_over("gone")
    await mine.take_over("gone")
    assert [(one.done, one.failed) for one in (await others.look([])).notices] == [([(1, 2), (25, 26)], [2, 12, 26])]
    assert (await mine.look([])).notices == (await gone.look([])).notices == []
    for store in (gone, mine, others):
        await store.close()


async def test_who_takes_over_while_its_owner_is_being_told_hears_of_it(pair: tuple[Any, Any]) -> None:
    mine, others = pair
    await mine.commit([put(task())])
    await mine.claim(stretch(0, 10, owner="gone"))
    lookups: list[str] = []

    class Database:
        """Lets another manager take over between the look-up of an owner and the notice to it."""

        def __getitem__(self, name: str) -> Any:
            if name == "notices" and not lookups:
                lookups.append(name)
                return Late()
            return others._db[name]

    class Late:
        async def insert_many(self, documents: Any, **options: Any) -> None:
            await mine.take_over("gone")
            await others._db["notices"].insert_many(documents, **options)

    others._writer._db = Database()
    await others.commit([AddForeign(failures([3]))])
    assert [one.failed for one in (await mine.look([])).notices] == [[3]]
