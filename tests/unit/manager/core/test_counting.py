"""What the core counts for charts."""

from disio_manager.core import events
from disio_manager.core.counting import MAX_TASKS, Counting, Counts
from disio_shared import messages
from tests.unit.manager.core.world import World


def columns(task: str, indexes: list[int]) -> messages.ResultColumns:
    size = len(indexes)
    return messages.ResultColumns(
        task=task, indexes=indexes, values=[b"1"] * size, seconds=[0.1] * size, clients=["k"], by=[0] * size
    )


def test_every_payload_counts_once_and_what_ended_stays_counted() -> None:
    world = World()
    world.join("a")
    world.create("t", '{"range": [0, 4]}')
    world.ask("a", 4)
    failed = messages.FailureColumns(task="t", indexes=[3], errors=[["boom"]])
    first = messages.Deliver(batch="b", results=[columns("t", [0, 1])], failures=[failed])
    for message in (first, first, messages.Deliver(batch="c", results=[columns("t", [1, 2])])):
        world.handle(events.MessageArrived("a", message, world.wall))
    total, tasks = world.core.counted()
    assert (total.ok, total.failed) == (3, 1) and tasks == {"t": total}
    total.ok = 99
    assert world.core.counted()[0].ok == 3, "readers get copies"


def test_what_this_manager_has_alone() -> None:
    world = World()
    world.join("a")
    world.create("t", '{"range": [0, 4]}')
    world.create("p", '{"range": [0, 5]}')
    world.ask("a", 4)
    status = messages.Status(clients=3, slots=7, kinds={"web": 2, "cli": 1})
    world.handle(events.MessageArrived("a", status, world.wall))
    world.handle(events.TaskCommanded("p", "pause", world.wall))
    standing = world.core.standing()
    assert (standing.kinds, standing.slots, standing.queue) == ({"web": 2, "cli": 1}, 7, {"t": (4, 0)})
    stats = world.core.stats(world.now)
    assert (stats.kinds, stats.queue) == ({"web": 2, "cli": 1}, 4)


def test_counts_of_too_many_tasks_are_in_the_total() -> None:
    counting = Counting()
    for nth in range(MAX_TASKS + 5):
        counting.add(f"t{nth}", "ok", 1)
    counting.add("t9", "lost", 0)
    assert counting.total.ok == MAX_TASKS + 5 and len(counting.tasks) == MAX_TASKS and "t0" not in counting.tasks


def test_counts_that_shrank_are_of_a_new_memory() -> None:
    assert Counts(ok=5, lost=2).less(Counts(ok=3, lost=2)) == Counts(ok=2)
    assert Counts(ok=1).less(Counts(ok=3)) == Counts(ok=1)
    assert not Counts() and Counts(votes=1)
