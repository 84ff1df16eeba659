"""Retries of a task that two managers look after."""

import pytest

from disio_manager.core import events
from disio_shared.errors import OwnershipLost
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
