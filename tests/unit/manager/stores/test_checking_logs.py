"""A check of logs of growing tasks that are sound, and of ones with one damage each, in a real database."""

from pathlib import Path

import apsw
import msgspec
import pytest

from disio_manager.core.changes import AddSegments, PutStretch
from disio_manager.stores.opening import open_store
from disio_manager.stores.segments import segment_of, segments_of
from tests.contract.manager_store_rows import ME, fresh_url, put, results, stretch
from tests.unit.manager.stores.checked_rows import CODE, SHA, found, of

VALUES = [b"0", b"1", b"2"]


async def fill(url: str, folder: Path) -> None:
    """Make three growing tasks: one has nothing yet, one grew without its owner's knowing, one is done."""
    store = await open_store(url, folder, ME)
    await store.put_workunit(SHA, "javascript", CODE)
    for number, values in ((1, []), (2, VALUES), (3, VALUES)):
        record = msgspec.structs.replace(of(number, "queued", len(values)), form="open", growing=True)
        whole = stretch(0, len(values), number=number)
        await store.commit([AddSegments(record.id, number, segments_of(values)), put(record), PutStretch(whole)])
    await store.segments.append("task2", segment_of(3, [b"3"]))
    await store.segments.append("task3", segment_of(3, []))
    counted = msgspec.structs.replace(stretch(0, 3, frontier=3, number=3), done=3)
    await store.commit([results(range(3), number=3), PutStretch(counted)])
    done = msgspec.structs.replace(of(3, "done", 3), form="open", growing=False)
    await store.commit([put(done, "queued")])
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_sound_logs_have_no_problems(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = fresh_url(kind, request.getfixturevalue("mongodb_uri") if kind == "mongodb" else "")
    await fill(url, tmp_path)
    assert await found(url, tmp_path) == []


@pytest.mark.parametrize(
    ("damage", "problems"),
    [
        ("DELETE FROM segments WHERE task = 2 AND start = 0", ["task task2: of its log payloads 0 to 2 are lost"]),
        (
            "DELETE FROM segments WHERE task = 3 AND start = 3",
            ["task task3: it is done with 3 payloads, and its log is not closed"],
        ),
    ],
)
async def test_damage_is_named(tmp_path: Path, damage: str, problems: list[str]) -> None:
    await fill("", tmp_path)
    with apsw.Connection(str(tmp_path / "manager.db")) as connection:
        connection.execute(damage)
    assert await found("", tmp_path) == problems
