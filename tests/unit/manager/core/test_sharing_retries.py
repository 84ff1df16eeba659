"""Retries of a task that two managers look after."""

import pytest

from disio_manager.core import events, retrying
from disio_shared.errors import ConflictError, OwnershipLost
from tests.unit.manager.core.pairs import indexes, make_pair, see, work_off
from tests.unit.manager.core.world import World


@pytest.fixture
def pair() -> tuple[World, World]:
    """Managers ``a`` and ``b`` that know of each other, with a distributor each."""
    return make_pair()


def test_a_retry_at_one_manager_reopens_failures_of_both(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 20]}')
    see(a, b)
    for world, session in ((a, "da"), (b, "db")):
        world.ask(session, 5)
        got = indexes(world, session)
        world.deliver(session, "t", got[1:], got[:1])
        see(a, b)
    work_off(a, "da", "t")
    work_off(b, "db", "t")
    see(a, b)
    assert a.rows.tasks["t"].state == "failed" and a.rows.tasks["t"].failed == 2
    a.command("t", "retry")
    see(a, b)
    assert a.rows.tasks["t"].state == "running", "one manager's failures are open again, the other's not yet"
    again = work_off(a, "da", "t") | work_off(b, "db", "t")
    see(a, b)
    assert len(again) == 2 and a.rows.tasks["t"].state == "done"


def test_failures_that_a_retry_opens_again_end_no_task_before_their_owner_hears_of_it(
    pair: tuple[World, World],
) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 20]}', max_task_failures=1)
    a.ask("da", 5)
    a.deliver("da", "t", [], indexes(a, "da")[:1])
    see(a, b)
    assert a.rows.tasks["t"].state == "failed"
    b.command("t", "retry")
    b.look(a)
    assert b.rows.tasks["t"].state == "running"
    b.restart()
    b.tick()
    assert b.rows.tasks["t"].state == "running"
    see(a, b)
    b.join("db")
    work_off(a, "da", "t")
    work_off(b, "db", "t")
    see(a, b)
    assert a.rows.tasks["t"].state == "done"


def test_a_manager_that_has_not_heard_of_a_retry_does_not_end_the_task(pair: tuple[World, World]) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 20]}')
    see(a, b)
    b.ask("db", 10)
    mine = indexes(b, "db")
    work_off(a, "da", "t")
    b.deliver("db", "t", mine[1:], mine[:1])
    early = b.rows.look(["t"], "b")
    a.look(b)
    assert a.rows.tasks["t"].state == "failed"
    a.command("t", "retry")
    sent = len(b.sent)
    with pytest.raises(OwnershipLost):
        b.handle(events.ClusterSeen(tuple(b.core._book.peers.values()), early, [], b.wall))
    assert len(b.sent) == sent, "nobody is told of an end that did not take place"
    b.restart()
    b.join("db")
    assert (a.rows.tasks["t"].state, a.rows.tasks["t"].retries) == ("running", 1)
    see(a, b)
    assert work_off(b, "db", "t") == set(mine[:1])
    assert a.rows.tasks["t"].state == "done"


@pytest.mark.parametrize(("late", "state"), [([5], "running"), (list(range(20)), "done")])
def test_a_task_that_ended_by_a_failure_which_a_result_refutes_can_be_retried(
    pair: tuple[World, World], late: list[int], state: str
) -> None:
    a, b = pair
    a.create("t", '{"range": [0, 20]}', max_distributors=1, max_task_failures=1)
    a.ask("da", 20)
    see(a, b)
    b.deliver("db", "t", late)
    a.deliver("da", "t", [], [5])
    a.command("t", "retry")
    assert a.rows.tasks["t"].state == state
    see(a, b)
    work_off(a, "da", "t")
    assert a.rows.tasks["t"].state == "done"


def test_a_retry_of_some_reopens_those_alone_at_whichever_manager_has_them(pair: tuple[World, World]) -> None:
    a, b = pair
    failed = _all_failed(a, b)
    mine, theirs = failed
    a.command("t", "retry", only=[mine[0], theirs[0]])
    a.command("t", "retry", only=[theirs[1]])
    see(a, b)
    assert a.rows.tasks["t"].state == "running"
    again = work_off(a, "da", "t") | work_off(b, "db", "t")
    see(a, b)
    assert again == {mine[0], theirs[0], theirs[1]}
    left = len(mine) + len(theirs) - 3
    assert (a.rows.tasks["t"].state, a.rows.tasks["t"].failed, b.rows.tasks["t"].failed) == ("failed", left, left)
    a.command("t", "retry", only=[mine[1]])
    b.look(a)
    b.command("t", "retry")
    see(a, b)
    rest = work_off(a, "da", "t") | work_off(b, "db", "t")
    see(a, b)
    assert rest == {*mine, *theirs} - again and a.rows.tasks["t"].state == "done"


def test_a_failed_payload_between_others_stays_failed(pair: tuple[World, World]) -> None:
    a, b = pair
    mine, _ = _all_failed(a, b)
    assert mine[2] - mine[0] == 2, "they lie side by side"
    a.command("t", "retry", only=[mine[0], mine[2]])
    assert work_off(a, "da", "t") == {mine[0], mine[2]}
    see(a, b)
    assert (a.rows.tasks["t"].state, a.rows.tasks["t"].failed) == ("failed", 4)


def test_a_retry_that_was_done_is_not_done_again_for_the_sake_of_those_who_have_not_heard(
    pair: tuple[World, World],
) -> None:
    a, b = pair
    mine, theirs = _all_failed(a, b)
    a.command("t", "retry", only=[mine[0], theirs[0]])
    a.ask("da", 5)
    assert indexes(a, "da") == [mine[0]]
    a.deliver("da", "t", [], [mine[0]])
    a.command("t", "retry", only=[mine[1]])
    assert work_off(a, "da", "t") == {mine[1]}
    see(a, b)
    assert work_off(b, "db", "t") == {theirs[0]}


def test_a_manager_that_starts_again_opens_what_was_asked_for_meanwhile_and_no_more(pair: tuple[World, World]) -> None:
    a, b = pair
    mine, theirs = _all_failed(a, b)
    a.command("t", "retry", only=[theirs[0]])
    b.restart()
    b.tick()
    see(a, b)
    b.join("db")
    assert work_off(b, "db", "t") | work_off(a, "da", "t") == {theirs[0]}
    see(a, b)
    assert (a.rows.tasks["t"].state, a.rows.tasks["t"].failed) == ("failed", len(mine) + len(theirs) - 1)


def test_too_many_retries_that_nobody_hears_of_are_refused(pair: tuple[World, World]) -> None:
    a, b = pair
    _, theirs = _all_failed(a, b)
    for _ in range(retrying.MAX_WAITING):
        a.command("t", "retry", only=[theirs[0]])
    with pytest.raises(ConflictError, match="other managers have not heard of 16 retries"):
        a.command("t", "retry", only=[theirs[0]])
    see(a, b)
    assert work_off(b, "db", "t") == {theirs[0]}


def test_a_retry_after_which_the_task_would_fail_at_once_is_refused() -> None:
    world = World()
    world.join("d")
    world.create("t", '{"range": [0, 10]}', max_task_failures=3)
    world.ask("d", 10)
    world.deliver("d", "t", [], [each for each in indexes(world, "d") if 1 <= each <= 4])
    assert world.rows.tasks["t"].state == "failed"
    with pytest.raises(ConflictError, match=r"3 of its payloads would still have failed, and it ends at 3"):
        world.command("t", "retry", only=[1])
    assert world.rows.tasks["t"].state == "failed" and "t" not in world.core._book.tasks
    world.command("t", "retry", only=[1, 4])
    assert (world.rows.tasks["t"].state, world.rows.tasks["t"].failed) == ("running", 2)
    world.ask("d", 10)
    got = set(indexes(world, "d"))
    assert {1, 4} <= got and not got & {2, 3}


def _all_failed(a: World, b: World) -> tuple[list[int], list[int]]:
    """Have a task fail with failures at both managers; return whose is which."""
    a.create("t", '{"range": [0, 20]}')
    see(a, b)
    found = []
    for world, session in ((a, "da"), (b, "db")):
        world.ask(session, 5)
        got = indexes(world, session)
        world.deliver(session, "t", got[3:], got[:3])
        found.append(got[:3])
        see(a, b)
    work_off(a, "da", "t")
    work_off(b, "db", "t")
    see(a, b)
    assert a.rows.tasks["t"].state == "failed" and a.rows.tasks["t"].failed == 6
    return found[0], found[1]
