"""Tasks read together when a manager on MongoDB starts: the same, however many go into one query."""

from pathlib import Path

import pytest

from disio_manager.stores import mongo_loading
from tests.contract.manager_store_rows import begin, block, failures, front, opener, results, task

TASKS = 7


@pytest.mark.parametrize(("tasks_at_once", "near"), [(1, 5), (2, 25), (3, 1_000), (50, 200_000)])
async def test_tasks_load_alike_however_many_are_read_at_once(
    mongodb_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks_at_once: int, near: int
) -> None:
    open_store = opener("mongodb", tmp_path, mongodb_uri)
    store = await open_store()
    for number in range(1, TASKS + 1):
        frontier = 10 * number
        await begin(store, task(number), frontier)
        blocks = [block(start, start + 10, number=number) for start in range(0, frontier, 10)]
        # As if the counters had not been written any more, and one failure had a result after all.
        await store.commit([*blocks, front(frontier, number=number)])
        await store.commit([failures([1, 2], number=number), results(range(2, 3 * number), number=number)])
    await store.close()
    monkeypatch.setattr(mongo_loading, "TASKS_AT_ONCE", tasks_at_once)
    monkeypatch.setattr(mongo_loading, "MAX_NEAR", near)
    again = await open_store()
    try:
        loaded = {each.record.number: each for each in await again.load()}
        assert sorted(loaded) == list(range(1, TASKS + 1))
        for number, each in loaded.items():
            done = max(0, 3 * number - 2)
            failed = 1 if number > 1 else 1 + (3 * number <= 2)
            assert (each.record.done, each.record.failed) == (done, failed), number
            opened = 10 * number - done - failed
            assert sum(one.stop - one.start for one in each.blocks) == 10 * number
            closed = {index for runs in each.closed.values() for start, stop in runs for index in range(start, stop)}
            assert 10 * number - len(closed) == opened
    finally:
        await again.close()
