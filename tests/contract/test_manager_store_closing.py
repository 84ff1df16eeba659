"""Who closes a task that several managers on one MongoDB serve."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.errors import OwnershipLost
from tests.contract.manager_store_rows import ME, fresh_url, put, task

OTHER = "manager-b"


@pytest_asyncio.fixture
async def pair(mongodb_uri: str, tmp_path: Path) -> AsyncIterator[tuple[ManagerStore, ManagerStore]]:
    """Two managers on one MongoDB: ME and OTHER."""
    url = fresh_url("mongodb", mongodb_uri)
    mine, others = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    yield mine, others
    await mine.close()
    await others.close()


async def test_who_closes_a_task_first_has_closed_it(pair: tuple[ManagerStore, ManagerStore]) -> None:
    mine, others = pair
    await mine.commit([put(task(state="queued"))])
    await mine.commit([put(task(state="running"), "queued")])
    await others.commit([put(task(state="cancelled"), "queued")])
    await mine.commit([put(task(state="done"), "running")])
    await mine.commit([put(task(state="running", name="renamed"), "running")])
    found = await mine.task("task1")
    assert found is not None and (found.state, found.name) == ("cancelled", "Task 1")
    await others.commit([put(task(state="cancelled", name="renamed"), "cancelled")])
    await others.commit([put(task(state="running"), "failed")])
    found = await mine.task("task1")
    assert found is not None and (found.state, found.name) == ("cancelled", "renamed")


async def test_who_has_not_heard_of_a_retry_does_not_end_the_task(pair: tuple[ManagerStore, ManagerStore]) -> None:
    mine, others = pair
    retried = msgspec.structs.replace(task(), retries=1)
    await mine.commit([put(task())])
    await others.commit([put(task(state="failed"), "running")])
    await others.commit([put(retried, "failed")])
    with pytest.raises(OwnershipLost):  # nobody may be told that it has failed
        await mine.commit([put(task(state="failed"), "running")])
    found = await mine.task("task1")
    assert found is not None and (found.state, found.retries) == ("running", 1)
    await mine.commit([put(msgspec.structs.replace(retried, state="failed"), "running")])
    found = await mine.task("task1")
    assert found is not None and (found.state, found.retries) == ("failed", 1)
