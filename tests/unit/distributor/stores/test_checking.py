"""A check of a sound cache, and of one with each damage."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest

from disio_distributor.core import changes
from disio_distributor.core.columns import entry_of, head_of
from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, OutboxEntry, OutboxHead
from disio_distributor.stores.bodies import head_bytes, packed
from disio_distributor.stores.checking import problems
from disio_distributor.stores.sqlite import SqliteCache
from disio_shared.errors import StoreUnavailable
from disio_shared.messages import FailureColumns, ResultColumns, VoteColumns
from tests.unit.distributor.core.bench import manifest

CODE = b"export default () => 1"
SHA = hashlib.sha256(CODE).hexdigest()
encode = msgspec.msgpack.encode

Damage = Callable[[apsw.Connection], object]


def results(task: str, start: int, stop: int) -> ResultColumns:
    indexes = list(range(start, stop))
    zeros = [0] * len(indexes)
    values = [b"%d" % index for index in indexes]
    return ResultColumns(task=task, indexes=indexes, values=values, seconds=[0.1] * len(zeros), clients=["c"], by=zeros)


def block(name: str, task: str, start: int, stop: int, **more: object) -> HeldBlock:
    given = {"block": name, "lease": 1, "cluster": "k", "task": task, "start": start, "stop": stop, "manager": "m"}
    return HeldBlock(**{**given, **more})  # type: ignore[arg-type]


def added(entry: OutboxEntry) -> changes.AddOutbox:
    return changes.AddOutbox(entry, head_of(entry, "m"))


VOTES = VoteColumns(task="t", indexes=[3], values=[b"9"], seconds=[0.1], clients=["c2"], by=[0])
ENTRIES = [
    entry_of(1, "k", results("t", 0, 200)),
    entry_of(2, "k", FailureColumns(task="t", indexes=[400], errors=[["boom"]])),
    entry_of(3, "k", VOTES),
    entry_of(4, "k", results("over", 5, 9)),
]
"""Of a task that is held and of one that has nothing left but results."""


@pytest.fixture
async def cache(tmp_path: Path) -> Path:
    """The file of a sound cache."""
    path = tmp_path / "distributor.db"
    opened = await SqliteCache.open(path)
    listed = block("l0", "listed", 0, 2, payloads=[b"1", b"2"])
    await opened.commit(
        [
            changes.PutTask(HeldTask(cluster="k", manifest=manifest("t", workunit=SHA))),
            changes.PutTask(HeldTask(cluster="k", manifest=manifest("listed", workunit=SHA, payloads=b""))),
            changes.PutTask(HeldTask(cluster="k", manifest=manifest("over", workunit="0" * 64))),
            changes.PutWorkunit(SHA, "javascript", CODE),
            changes.PutBlock(block("b0", "t", 0, 500, done=[(300, 310)])),
            changes.PutBlock(block("b1", "t", 500, 900)),
            changes.PutBlock(listed),
            *map(added, ENTRIES),
            changes.AddAttempt(Attempt(task="t", index=600, client="c", error="boom")),
            changes.PutCheckpoint("t", 601, b"state"),
        ]
    )
    await opened.close()
    return path


def put_block(row: HeldBlock, name: str = "", task: str = "") -> Damage:
    values = (name or row.block, task or row.task, encode(row))
    return lambda db: db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", values)


def put_entry(entry: OutboxEntry, number: int = 0, **head: object) -> Damage:
    changed: OutboxHead = msgspec.structs.replace(head_of(entry, "m"), **head)
    values = (number or entry.id, head_bytes(changed), packed(entry))
    return lambda db: db.execute("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?)", values)


def put_attempt(attempt: Attempt, index: int) -> Damage:
    values = (attempt.task, index, attempt.number, encode(attempt))
    return lambda db: db.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", values)


def sql(statement: str) -> Damage:
    return lambda db: db.execute(statement)


FIRST, STRAY = ENTRIES[0], entry_of(9, "k", results("t", 700, 703))
UNEVEN = entry_of(9, "k", msgspec.structs.replace(results("t", 700, 703), values=[b"1"]))
BOTH = msgspec.structs.replace(STRAY, votes=VOTES)
GONE = HeldTask(cluster="k", manifest=manifest("other"))
DAMAGES: list[tuple[str, Damage, str]] = [
    ("identity", sql("DELETE FROM meta WHERE key = 'distributor_id'"), "the distributor's id is not there"),
    ("key", sql("UPDATE meta SET value = x'00' WHERE key = 'token_key'"), "the key that authenticates assignments"),
    ("task", sql("UPDATE tasks SET body = x'c1' WHERE task = 't'"), "task t: its row does not decode"),
    (
        "task's name",
        lambda db: db.execute("UPDATE tasks SET body = ? WHERE task = 'over'", (encode(GONE),)),
        "task over: its row is of task other",
    ),
    ("block", sql("UPDATE blocks SET body = x'c1' WHERE block = 'b1'"), "task t: block b1: its row does not decode"),
    ("block's name", put_block(block("b9", "t", 500, 900), name="b1"), "task t: block b1: its row is of another"),
    ("empty", put_block(block("b9", "t", 950, 950)), "task t: block b9 of payloads 950 to 949 is empty"),
    ("overlap", put_block(block("b9", "t", 899, 950)), "block b9 of payloads 899 to 949 overlaps another block"),
    ("done", put_block(block("b9", "t", 950, 960, done=[(940, 951)])), "counts payloads outside of it as done"),
    ("block's task", put_block(block("b9", "x", 0, 9)), "block b9 of payloads 0 to 8 belongs to a task that is not"),
    ("block's cluster", put_block(block("b9", "t", 950, 960, cluster="z")), "is of cluster z, its task of k"),
    ("payloads", sql("DELETE FROM block_payloads"), "block l0 of payloads 0 to 1 lacks its payloads"),
    (
        "fewer payloads",
        lambda db: db.execute("UPDATE block_payloads SET body = ?", (encode([b"1"]),)),
        "block l0 of payloads 0 to 1 lacks its payloads",
    ),
    (
        "lost payloads",
        lambda db: db.execute("INSERT INTO block_payloads VALUES ('gone', ?)", (encode([b"1"]),)),
        "payloads are kept for block gone, which is not here",
    ),
    ("code", sql("DELETE FROM workunits"), f"task t: its work unit {SHA} is not here"),
    ("damaged code", sql("UPDATE workunits SET code = x'00'"), f"work unit {SHA} is damaged"),
    ("head", sql("UPDATE outbox SET head = x'c1' WHERE id = 1"), "outbox entry 1: its head does not decode"),
    ("body", sql("UPDATE outbox SET body = x'c1' WHERE id = 1"), "outbox entry 1: its body does not decode"),
    ("packed body", sql("UPDATE outbox SET body = x'78000102' WHERE id = 1"), "entry 1: its body does not decode"),
    ("orphan", sql("DELETE FROM tasks WHERE task = 'over'"), "outbox entry 4: it is an orphan: task over, of which it"),
    ("entry's cluster", put_entry(msgspec.structs.replace(STRAY, cluster="z")), "it is of cluster z, its task t of k"),
    ("twice", put_entry(entry_of(9, "k", results("t", 150, 160))), "payloads 150 to 159 of task t wait in an earlier"),
    ("uneven", put_entry(UNEVEN), "outbox entry 9: its columns are not equally long"),
    (
        "two in one",
        lambda db: db.execute("UPDATE outbox SET body = ? WHERE id = 1", (packed(BOTH),)),
        "outbox entry 1: it does not hold exactly one",
    ),
    ("head's id", put_entry(FIRST, id=7), "outbox entry 1: its head says it is entry 7, its body 1"),
    ("both ids", put_entry(STRAY, number=10), "outbox entry 10: its head says it is entry 9, its body 9"),
    ("head's runs", put_entry(FIRST, runs=[(0, 199)]), "entry 1: its head says payloads 0 to 198, its body 0 to 199"),
    ("head's kind", put_entry(FIRST, kind="failures"), "its head says kind 'failures', its body 'results'"),
    ("head's client", put_entry(FIRST, client="z"), "its head says client 'z', its body 'c'"),
    ("head's task", put_entry(FIRST, task="listed"), "its head says task 'listed', its body 't'"),
    ("attempt", sql("UPDATE attempts SET body = x'c1'"), "task t: try 0 of payload 600: its row does not decode"),
    (
        "attempt's name",
        put_attempt(Attempt(task="t", index=7, client="c", error=""), index=8),
        "task t: try 0 of payload 8: its row is of another",
    ),
    (
        "attempt's block",
        put_attempt(Attempt(task="t", index=950, client="c", error=""), index=950),
        "task t: try 0 of payload 950 is kept, but no block with it is held",
    ),
    (
        "saved state",
        sql("INSERT INTO checkpoints VALUES ('x', 1, x'00')"),
        "task x: a saved state of payload 1 is kept, but no block with it is held",
    ),
]


async def test_a_sound_cache_has_no_problems(cache: Path) -> None:
    assert list(problems(cache)) == []


@pytest.mark.parametrize(("damage", "told"), [each[1:] for each in DAMAGES], ids=[each[0] for each in DAMAGES])
async def test_each_damage_is_told(cache: Path, damage: Damage, told: str) -> None:
    connection = apsw.Connection(str(cache))
    damage(connection)
    connection.close()
    found = list(problems(cache))
    assert any(told in each for each in found), found


async def test_code_that_has_not_come_yet_is_no_problem(tmp_path: Path) -> None:
    opened = await SqliteCache.open(tmp_path / "d.db")
    task = changes.PutTask(HeldTask(cluster="k", manifest=manifest("t", workunit=SHA)))
    await opened.commit([task, changes.PutBlock(block("b0", "t", 0, 5))])
    await opened.close()
    assert list(problems(tmp_path / "d.db")) == []


async def test_it_reads_what_a_killed_distributor_left_in_its_log_and_writes_nothing(tmp_path: Path) -> None:
    opened = await SqliteCache.open(tmp_path / "d.db")
    await opened.commit([added(STRAY)])
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in ("d.db", "d.db-wal"):
        shutil.copy(tmp_path / name, killed / name)
    await opened.close()
    before = {name: (killed / name).read_bytes() for name in ("d.db", "d.db-wal")}
    (found,) = problems(killed / "d.db")
    assert "orphan" in found
    assert {name: (killed / name).read_bytes() for name in before} == before


async def test_a_cache_in_use_or_of_another_make_is_refused_in_one_line(tmp_path: Path) -> None:
    opened = await SqliteCache.open(tmp_path / "d.db")
    with pytest.raises(StoreUnavailable, match="stop the other program"):
        list(problems(tmp_path / "d.db"))
    await opened.close()
    with pytest.raises(StoreUnavailable, match="not there"):
        list(problems(tmp_path / "none.db"))
    (tmp_path / "text.db").write_bytes(b"no database " * 100)
    with pytest.raises(StoreUnavailable, match="not SQLite"):
        list(problems(tmp_path / "text.db"))
    apsw.Connection(str(tmp_path / "other.db")).execute("CREATE TABLE t(x)")
    with pytest.raises(StoreUnavailable, match="no cache of this version"):
        list(problems(tmp_path / "other.db"))
