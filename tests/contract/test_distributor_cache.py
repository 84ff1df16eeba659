"""One suite over every distributor cache: what the core has made durable comes back, whatever happens in between."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from disio_distributor.core import changes
from disio_distributor.core.changes import AddOutbox, Change
from disio_distributor.core.columns import head_of
from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, KnownClient, OutboxEntry, Snapshot
from disio_distributor.stores.base import DistributorCache
from disio_distributor.stores.opening import open_cache
from disio_shared.messages import FailureColumns, Orders, ResultColumns, SiteDay, TaskManifest, VoteColumns

Opener = Callable[[], Awaitable[DistributorCache]]


@pytest.fixture(params=["sqlite", "redis"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same cache, as often as it is called."""
    url = ""
    if request.param == "redis":
        url = f"{request.getfixturevalue('redis_url')}?name={uuid.uuid4().hex}"
    yield lambda: open_cache(url, tmp_path)


@pytest.fixture
async def cache(opener: Opener) -> AsyncIterator[DistributorCache]:
    """An empty cache."""
    cache = await opener()
    yield cache
    await cache.close()


def task(name: str, **changed: Any) -> HeldTask:
    manifest = TaskManifest(
        task=name, name=name, workunit="c" * 64, language="wasm", payloads=b'{"range":[0,9]}', **changed
    )
    return HeldTask(cluster="k", manifest=manifest)


def block(name: str, of: str, **changed: Any) -> HeldBlock:
    return HeldBlock(**{"block": name, "lease": 1, "cluster": "k", "task": of, "start": 0, "stop": 9, **changed})


def results(number: int, of: str, count: int = 2, value: bytes = b"\x00\xff") -> OutboxEntry:
    columns = ResultColumns(
        task=of,
        indexes=list(range(count)),
        values=[value] * count,
        seconds=[0.5] * count,
        clients=["c"],
        by=[0] * count,
    )
    return OutboxEntry(id=number, cluster="k", results=columns)


def failures(number: int, of: str) -> OutboxEntry:
    return OutboxEntry(id=number, cluster="k", failures=FailureColumns(task=of, indexes=[3], errors=[["a", "b"]]))


def added(entry: OutboxEntry) -> AddOutbox:
    return AddOutbox(entry, head_of(entry, "m"))


names = st.sampled_from(["x", "y"])
indexes = st.integers(0, 4)
blocks = st.sampled_from(["b1", "b2"])
change_kinds: st.SearchStrategy[Change] = st.one_of(
    st.builds(changes.PutTask, st.builds(task, names, priority=st.integers(0, 2))),
    st.builds(changes.DropTask, names),
    # A block belongs to one task for ever.
    st.builds(
        lambda name, lease, done, payloads: changes.PutBlock(
            block(name, f"task of {name}", lease=lease, done=done, payloads=payloads)
        ),
        blocks,
        st.integers(1, 3),
        st.sampled_from([[], [(0, 3)]]),
        st.sampled_from([[], [b"1", b"2"]]),
    ),
    st.builds(lambda name: changes.DropBlock(name, f"task of {name}"), blocks),
    st.builds(changes.PutWorkunit, st.sampled_from(["s1", "s2"]), st.just("wasm"), st.binary(max_size=4)),
    st.builds(changes.DropWorkunit, st.sampled_from(["s1", "s2"])),
    st.builds(added, st.builds(results, st.integers(1, 4), names)),
    st.builds(added, st.builds(failures, st.integers(1, 4), names)),
    st.builds(changes.DropOutbox, st.lists(st.integers(1, 4), max_size=3)),
    st.builds(
        changes.AddAttempt,
        st.builds(Attempt, task=names, index=indexes, client=names, error=st.just("e"), number=st.integers(0, 1)),
    ),
    st.builds(changes.PutCheckpoint, names, indexes, st.binary(max_size=3)),
    st.builds(changes.DropPayloads, names, st.lists(indexes, max_size=3)),
)
known_tasks: list[Change] = [changes.PutTask(task(name)) for name in ("x", "y", "task of b1", "task of b2")]


def comparable(snapshot: Snapshot) -> Any:
    """The facts, in an order that does not depend on the cache."""
    facts = msgspec.to_builtins(snapshot)
    facts["tasks"].sort(key=lambda each: each["manifest"]["task"])
    facts["blocks"].sort(key=lambda each: each["block"])
    facts["attempts"].sort(key=lambda each: (each["task"], each["index"], each["number"]))
    facts["workunits"].sort()
    return facts


async def test_an_empty_cache_makes_an_identity_and_keeps_it(opener: Opener) -> None:
    first = await opener()
    made = await first.load()
    await first.close()
    again = await opener()
    kept = await again.load()
    await again.close()
    assert comparable(kept) == comparable(made)
    assert made.distributor_id and len(made.token_key) == 32 and not made.tasks


async def test_everything_committed_comes_back_after_reopening(opener: Opener) -> None:
    cache = await opener()
    written: list[Change] = [
        changes.PutTask(task("x")),
        changes.PutBlock(block("b1", "x", done=[(0, 2), (5, 6)], payloads=[b"p"] * 9)),
        changes.PutWorkunit("s", "wasm", b"\x00asm"),
        *[added(results(number, "x")) for number in (1, 2, 10)],
        added(failures(11, "x")),
        changes.AddAttempt(Attempt(task="x", index=4, client="c", error="e")),
        changes.PutCheckpoint("x", 4, b"\x00state"),
    ]
    await cache.commit(written)
    await cache.close()
    cache = await opener()
    snapshot = await cache.load()
    assert await cache.workunit("s") == ("wasm", b"\x00asm")
    assert await cache.workunit("other") is None
    assert await cache.outbox([11, 2, 7, 1]) == [results(1, "x"), results(2, "x"), failures(11, "x")]
    assert await cache.outbox([]) == []
    await cache.close()
    assert [each.id for each in snapshot.outbox] == [1, 2, 10, 11]
    assert snapshot.outbox[3] == head_of(failures(11, "x"), "m")
    assert snapshot.tasks == [task("x")]
    assert snapshot.blocks == [block("b1", "x", done=[(0, 2), (5, 6)], payloads=[b"p"] * 9)]
    assert snapshot.attempts == [Attempt(task="x", index=4, client="c", error="e")]
    assert snapshot.checkpoints == {"x": {4: b"\x00state"}}
    assert snapshot.workunits == ["s"]


async def test_a_block_put_again_without_payloads_keeps_them_until_it_is_dropped(cache: DistributorCache) -> None:
    await cache.commit([changes.PutTask(task("x")), changes.PutBlock(block("b1", "x", payloads=[b"p"] * 9))])
    await cache.commit([changes.PutBlock(block("b1", "x", done=[(0, 4)]))])
    (kept,) = (await cache.load()).blocks
    assert (kept.done, kept.payloads) == ([(0, 4)], [b"p"] * 9)
    await cache.commit([changes.DropBlock("b1", "x"), changes.PutBlock(block("b1", "x", lease=2))])
    (fresh,) = (await cache.load()).blocks
    assert (fresh.lease, fresh.payloads) == (2, [])


async def test_a_dropped_task_takes_all_but_its_outbox_along(cache: DistributorCache) -> None:
    for name in ("x", "y"):
        await cache.commit(
            [
                changes.PutTask(task(name)),
                changes.PutBlock(block(f"b{name}", name, payloads=[b"p"] * 9)),
                changes.AddAttempt(Attempt(task=name, index=1, client="c", error="e")),
                changes.PutCheckpoint(name, 1, b"1"),
                added(results(1 if name == "x" else 2, name)),
            ]
        )
    await cache.commit([changes.DropTask("x"), changes.PutTask(task("x"))])
    left = await cache.load()
    assert [each.block for each in left.blocks] == ["by"]
    assert [each.task for each in left.attempts] == ["y"]
    assert left.checkpoints == {"y": {1: b"1"}}
    assert [each.id for each in left.outbox] == [1, 2]


async def test_large_entries_of_the_outbox_come_back_and_take_less_room(cache: DistributorCache) -> None:
    plain, random = results(1, "x", 400, b"12345678" * 20), results(2, "x", 3, bytes(range(256)) * 8)
    before = await cache.used_bytes()
    await cache.commit([added(plain), added(random)])
    assert await cache.outbox([1, 2]) == [plain, random]
    many = [added(msgspec.structs.replace(plain, id=number)) for number in range(3, 103)]
    await cache.commit(many)
    assert await cache.used_bytes() - before < 100 * 400 * 160 // 4
    assert len(await cache.outbox(range(1, 200))) == 102
    await cache.commit([changes.DropOutbox(list(range(1, 100)))])
    assert [each.id for each in (await cache.load()).outbox] == [100, 101, 102]
    assert [each.id for each in await cache.outbox([99, 100])] == [100]


async def test_votes_come_back(cache: DistributorCache) -> None:
    votes = VoteColumns(task="x", indexes=[4], values=[b"1"], seconds=[0.5], clients=["c"], by=[0])
    entry = OutboxEntry(id=5, cluster="k", votes=votes)
    await cache.commit([added(entry)])
    assert await cache.outbox([5]) == [entry]
    (head,) = (await cache.load()).outbox
    assert (head.kind, head.client, head.manager, head.runs) == ("votes", "c", "m", [(4, 5)])


async def test_a_cache_tells_how_much_it_could_grow(cache: DistributorCache) -> None:
    assert await cache.room() > 0


async def test_an_attempt_added_and_forgotten_in_one_commit_is_gone(cache: DistributorCache) -> None:
    await cache.commit([changes.PutTask(task("x"))])
    for number in range(2):
        attempt = Attempt(task="x", index=7, client="c", error="e", number=number)
        await cache.commit([changes.AddAttempt(attempt)])
    last = Attempt(task="x", index=7, client="c", error="e", number=2)
    other = Attempt(task="x", index=70, client="c", error="e")
    await cache.commit([changes.AddAttempt(last), changes.AddAttempt(other), changes.DropPayloads("x", [7])])
    assert (await cache.load()).attempts == [other]


async def test_clients_are_remembered_and_renewed(cache: DistributorCache) -> None:
    known = KnownClient(id="c", secret_hash=b"\x00" * 32, kind="web", last_seen=5.0)
    assert await cache.client("c") is None
    await cache.put_client(known)
    await cache.put_client(msgspec.structs.replace(known, last_seen=6.5))
    assert await cache.client("c") == msgspec.structs.replace(known, last_seen=6.5)


async def test_a_cancelled_call_does_not_disturb_the_next_ones(cache: DistributorCache) -> None:
    await cache.commit([changes.PutWorkunit(f"s{n}", "wasm", b"%d" % n) for n in range(20)])
    for n in range(20):
        doomed = asyncio.ensure_future(cache.workunit(f"s{n}"))
        await asyncio.sleep(0)
        doomed.cancel()
        other = (n + 7) % 20
        assert await cache.workunit(f"s{other}") == ("wasm", b"%d" % other)


async def test_the_durability_of_a_well_set_cache_is_full(cache: DistributorCache) -> None:
    assert await cache.durability() == "full"
    assert await cache.used_bytes() > 0


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(change_kinds, max_size=12))
async def test_committing_twice_leaves_what_committing_once_left(cache: DistributorCache, asked: list[Change]) -> None:
    cleared: list[Change] = [changes.DropTask(change.task.manifest.task) for change in known_tasks_of()]
    cleared += [changes.DropOutbox([1, 2, 3, 4]), changes.DropWorkunit("s1"), changes.DropWorkunit("s2")]
    await cache.commit([*cleared, *known_tasks])
    await cache.commit([*asked, *known_tasks])
    once = comparable(await cache.load())
    await cache.commit([*cleared, *known_tasks])
    await cache.commit([*asked, *known_tasks])
    again = comparable(await cache.load())
    assert again == once
    await cache.commit(asked[-1:])
    last = comparable(await cache.load())
    await cache.commit(asked[-1:])
    assert comparable(await cache.load()) == last


def known_tasks_of() -> list[changes.PutTask]:
    """The tasks whose rows a load shows."""
    return [change for change in known_tasks if isinstance(change, changes.PutTask)]


async def test_orders_of_each_cluster_come_back_the_last_ones(opener: Opener) -> None:
    cache = await opener()
    await cache.load()
    for version in (1, 2):
        await cache.commit([changes.PutOrders("k", Orders(version=version, paused=True, blocked=["c"]))])
    await cache.commit([changes.PutOrders("other", Orders(version=9))])
    await cache.close()
    again = await opener()
    orders = (await again.load()).orders
    assert orders == {"k": Orders(version=2, paused=True, blocked=["c"]), "other": Orders(version=9)}
    await again.close()


async def test_what_was_counted_of_sites_comes_back_and_old_days_are_forgotten(opener: Opener) -> None:
    rows = [SiteDay(site=f"https://{name}", day=day, version=1, opened=day) for day in (5, 6) for name in "ab"]
    cache = await opener()
    await cache.put_site_days(rows, 0)
    await cache.put_site_days([msgspec.structs.replace(rows[0], version=2, opened=7)], 0)
    await cache.close()
    again = await opener()
    assert await again.site_days() == [msgspec.structs.replace(rows[0], version=2, opened=7), *rows[1:]]
    await again.put_site_days([], 6)
    assert await again.site_days() == rows[2:]
    await again.close()


async def test_the_keys_of_clusters_come_back_in_the_order_in_which_they_were_told(opener: Opener) -> None:
    cache = await opener()
    await cache.load()
    for cluster, key in (("z", b"1" * 32), ("a", b"2" * 32), ("z", b"3" * 32)):
        await cache.commit([changes.PutClusterKey(cluster, key)])
    await cache.close()
    again = await opener()
    assert list((await again.load()).cluster_keys.items()) == [("z", b"3" * 32), ("a", b"2" * 32)]
    await again.close()
