"""Two managers on one set of rows: claims, foreign results, notices, verbs, take-over, zombies."""

import msgspec
import pytest

from disio_manager.core import events
from disio_manager.core.records import DistributorRecord
from disio_shared import messages
from disio_shared.errors import OwnershipLost
from tests.unit.manager.core.pairs import indexes, make_pair, see, work_off
from tests.unit.manager.core.rows import Rows
from tests.unit.manager.core.world import World


@pytest.fixture
def pair() -> tuple[World, World]:
    """Managers ``a`` and ``b`` that know of each other, with a distributor each."""
    return make_pair()


def test_both_managers_grant_blocks_of_one_task_and_never_the_same_index(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 100]}')
    see(a, b)
    by_a: set[int] = set()
    by_b: set[int] = set()
    for _ in range(20):
        for world, session, mine in ((a, "da", by_a), (b, "db", by_b)):
            world.ask(session, 7)
            got = indexes(world, session)
            mine |= set(got)
            if got:
                world.deliver(session, "t", got)
        see(a, b)
    assert by_a and by_b and not by_a & by_b and by_a | by_b == set(range(100))
    assert a.rows.tasks["t"].state == "done" and len(a.rows.results["t"]) == 100
    assert a.core.open_tasks() == b.core.open_tasks() == []


def test_claims_shrink_with_what_is_left_and_take_all_when_distributors_are_limited(pair: tuple[World, World]) -> None:
    a, _ = pair
    a.create("t", '{"range": [0, 1000]}')
    sizes = [row.stop - row.start for row in a.rows.stretches.values()]
    assert sizes == [125]
    a.create("u", '{"range": [0, 1000]}', max_distributors=1)
    assert [row.stop for (task, _), row in a.rows.stretches.items() if task == "u"] == [1000]


def test_who_waits_is_looked_at_again_when_a_claim_came_to_nothing_but_not_at_once(pair: tuple[World, World]) -> None:
    a, _ = pair
    a.rows.is_claimable = False
    a.create("t", '{"range": [0, 40]}')
    a.ask("da", 20)
    assert indexes(a, "da") == [] and a.rows.claims == 1
    a.ask("da", 20, request=2)
    a.tick()
    assert a.rows.claims == 1
    due = a.core.next_deadline()
    assert due == a.now + a.settings.claim_pause_s
    a.now = due
    a.tick()
    assert a.rows.claims == 2
    a.rows.is_claimable = True
    a.now += a.settings.claim_pause_s
    a.tick()
    assert indexes(a, "da")
    assert a.core.next_deadline() == a.now + a.settings.lease_s


def test_a_task_that_is_gone_is_not_claimed_any_more(pair: tuple[World, World]) -> None:
    a, b = pair
    a.rows.is_claimable = False
    a.create("t", '{"range": [0, 40]}')
    b.look(a)
    b.command("t", "delete")
    a.look(b)
    assert a.core.next_deadline() is None


def test_a_manager_without_takers_claims_nothing(pair: tuple[World, World]) -> None:
    a, _ = pair
    a.create("t", '{"range": [0, 100]}', language="wasm")
    assert not a.rows.stretches


def test_results_of_another_managers_stretch_are_stored_and_told_to_it(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 40]}', max_distributors=1)
    a.ask("da", 20)
    assert indexes(a, "da") == list(range(20))
    see(a, b)
    b.deliver("db", "t", [3, 4, 25, 40, -1])
    assert set(b.rows.results["t"]) == {3, 4, 25}
    assert b.take(messages.Committed)
    view = a.core.task_view("t", a.now)
    assert view is not None and view.record.done == 0
    a.look(b)
    view = a.core.task_view("t", a.now)
    # 25 was in no block yet: it is counted when its block is worked off, and its row stays the first one.
    assert view is not None and view.record.done == 2
    assert [each.runs for each in a.rows.noted] == [[(3, 5)]]
    a.deliver("da", "t", list(range(20)))
    assert a.rows.notices == {} and a.rows.results["t"][3] == b"3/1"


def test_a_task_made_anew_under_an_id_takes_the_place_of_the_one_in_memory(pair: tuple[World, World]) -> None:
    a, _ = pair
    a.create("t", '{"range": [0, 40]}')
    a.ask("da", 20)
    number = a.rows.tasks["t"].number
    look = a.rows.look(["t"], "a")
    look.tasks[0].record = msgspec.structs.replace(look.tasks[0].record, number=number + 1)
    a.handle(events.ClusterSeen(tuple(a.core._book.peers.values()), look, [], a.wall))
    assert a.core.open_tasks() == []
    assert [each.state for each in a.take(messages.TaskState, "da")] == ["cancelled"]  # type: ignore[attr-defined]


def test_results_of_a_task_that_this_manager_has_not_seen_yet_are_kept(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 20]}', max_distributors=1)
    a.ask("da", 20)
    b.deliver("db", "t", [3], [4])
    a.look(b)
    view = a.core.task_view("t", a.now)
    assert view is not None and (view.record.done, view.record.failed) == (1, 1)
    a.command("t", "cancel")
    b.deliver("db", "t", [5])
    assert set(b.rows.results["t"]) == {3}, "a closed task takes nothing"


def test_of_a_failure_here_and_a_result_there_the_result_stands(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 20]}', max_distributors=1)
    a.ask("da", 20)
    see(a, b)
    a.deliver("da", "t", [], [5])
    a.deliver("da", "t", [6])
    b.deliver("db", "t", [5], [6])
    a.look(b)
    view = a.core.task_view("t", a.now)
    assert view is not None and (view.record.done, view.record.failed) == (2, 0)
    assert [each.runs for each in a.rows.noted] == [[(5, 6)]]
    assert a.rows.failures.get("t", {}) == {}
    a.deliver("da", "t", [i for i in range(20) if i not in (5, 6)])
    assert a.rows.tasks["t"].state == "done"


@pytest.mark.parametrize(("verb", "state"), [("pause", "paused"), ("cancel", "cancelled"), ("delete", "cancelled")])
def test_a_verb_at_one_manager_reaches_the_distributors_of_the_other(
    pair: tuple[World, World], verb: str, state: str
) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 100]}')
    see(a, b)
    b.ask("db", 5)
    b.grants()
    a.command("t", verb)
    b.look(a)
    assert messages.TaskState(task="t", state=state) in b.take(messages.TaskState, "db")
    b.ask("db", 5, request=2)
    assert indexes(b, "db") == []


def test_the_survivor_goes_on_with_what_the_dead_one_looked_after(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 100]}', max_distributors=2)
    a.ask("da", 30)
    held = [
        messages.BlockRef(block=block.block, lease=block.lease, manager="a")
        for grant in a.grants("da")
        for block in grant.blocks
    ]
    a.deliver("da", "t", [0, 1])
    b.look(a)
    b.look()
    assert b.core.strangers() == ["a"]
    b.take_over("a")
    assert b.core.strangers() == []
    b.join("da", "da2", held)
    assert {ref.block for each in b.take(messages.Adopted, "da2") for ref in each.blocks} == {h.block for h in held}  # type: ignore[attr-defined]
    b.deliver("da2", "t", list(range(2, 30)))
    assert work_off(b, "db", "t") == set(range(30, 100))
    assert b.rows.tasks["t"].state == "done"


def test_blocks_of_a_distributor_that_the_survivor_never_saw_stay_leased_to_it(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 20]}', max_distributors=2)
    a.ask("da", 20)
    b.look(a)
    b.look()
    b.take_over("a")
    b.ask("db", 20)
    assert indexes(b, "db") == []
    assert {row.holder for row in b.rows.blocks.values()} == {"da"}
    b.tick(b.settings.lease_s)
    assert sorted(indexes(b, "db")) == list(range(20))


def test_a_manager_that_was_taken_for_dead_cannot_write_and_finds_nothing_of_its_own(
    pair: tuple[World, World],
) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 40]}', max_distributors=1)
    a.ask("da", 20)
    b.look()
    b.take_over("a")
    with pytest.raises(OwnershipLost):
        a.deliver("da", "t", [0, 1, 2])
    assert "t" not in a.rows.results
    a.restart()
    view = a.core.task_view("t", a.now)
    assert view is not None and view.leased == 20 and view.ready == 0


def test_what_nobody_here_can_work_on_is_left_to_another_manager(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 100]}')
    a.leave("da")
    see(a, b)
    assert b.core.strangers() == []
    a.now += 11
    see(a, b)
    see(a, b)
    assert b.core.strangers() == [""]
    b.take_over("")
    assert work_off(b, "db", "t") == set(range(100))
    assert a.rows.tasks["t"].state == "done"


def test_a_block_of_another_manager_is_neither_kept_nor_revoked(pair: tuple[World, World]) -> None:
    a, _ = pair
    strange = messages.BlockRef(block="x", lease=1, manager="b")
    gone = messages.BlockRef(block="y", lease=1, manager="a")
    a.status("da", [strange, gone])
    assert [ref for each in a.take(messages.Revoke) for ref in each.blocks] == [gone]  # type: ignore[attr-defined]


def test_the_last_manager_revokes_what_a_dead_one_left_of_closed_tasks(pair: tuple[World, World]) -> None:
    a, b = pair
    b.create("t", '{"range": [0, 20]}')
    b.ask("db", 5)
    a.look(b)
    strange = messages.BlockRef(block="x", lease=1, manager="b")
    a.look()
    a.status("da", [strange])
    assert not a.take(messages.Revoke), "b may have left it, and nobody has taken over yet"
    a.take_over("b")
    a.status("da", [strange])
    assert [ref for each in a.take(messages.Revoke) for ref in each.blocks] == [strange]  # type: ignore[attr-defined]
    a.restart()
    a.join("da", held=[strange])
    assert a.take(messages.Admitted)[0].revoked == [], "it has not looked yet"  # type: ignore[attr-defined]


def test_distributors_of_the_other_manager_are_siblings(pair: tuple[World, World]) -> None:
    a, b = pair
    assert {row.id: row.state for row in b.core.fleet()} == {"da": "online", "db": "online"}
    a.join("dc")
    welcome = a.take(messages.Admitted, "dc")[0]
    assert isinstance(welcome, messages.Admitted)
    assert welcome.siblings == ["http://da", "http://db"] and welcome.managers == ["http://b"]


def test_managers_that_come_and_go_are_told_to_distributors(pair: tuple[World, World]) -> None:
    a, _ = pair
    assert messages.Managers(urls=["http://b"]) in a.take(messages.Managers, "da")
    a.look()
    assert a.take(messages.Managers, "da") == [messages.Managers(urls=[])]


def test_a_payload_tells_who_looks_after_it(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 100]}')
    a.ask("da", 5)
    see(a, b)
    held = a.core.payload_view("t", 0, a.now)
    assert (held.state, held.holder) == ("leased", "da") and held.lease_ends_s == pytest.approx(60)
    elsewhere = b.core.payload_view("t", 0, b.now)
    assert elsewhere.state == "elsewhere" and "http://a" in elsewhere.sentences[0]
    assert b.core.payload_view("t", 99, b.now).state == "waiting"
    a.deliver("da", "t", [0])
    assert a.core.payload_view("t", 0, a.now).state == "closed"


def test_a_record_that_another_manager_left_is_not_shown_as_online() -> None:
    rows = Rows()
    rows.distributors["d"] = DistributorRecord(id="d", name="d", url="", state="online", manager="gone")
    world = World("a", rows)
    world.look()
    assert [row.state for row in world.core.fleet()] == ["offline"]


def test_who_has_used_up_an_own_stretch_is_offered_more_once_it_is_claimed(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("low", '{"range": [0, 1000]}', priority=-1)
    a.create("high", '{"range": [0, 100]}')
    see(a, b)
    a.ask("da", 1, only=["high"])
    first = indexes(a, "da")
    while a.core._book.tasks["high"].unleased:
        a.ask("da", 1, only=["high"])
        first += indexes(a, "da")
        a.core._book.tasks["high"].claim = object()  # type: ignore[assignment]
    a.core._book.tasks["high"].claim = None
    a.take(messages.Offer)
    a.deliver("da", "high", first)
    assert messages.Offer(tasks=["high"]) in a.take(messages.Offer, "da")


def test_who_says_only_what_it_can_run_is_offered_more_of_a_task_once_it_is_claimed(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("high", '{"range": [0, 1000]}')
    see(a, b)
    entry = a.core._book.tasks["high"]
    entry.stretches.give_up()
    entry.recount()
    assert not entry.unleased and entry.unclaimed
    a.take(messages.Offer)
    a.ask("da", 0)
    assert entry.claim is not None or messages.Offer(tasks=["high"]) in a.take(messages.Offer, "da")
