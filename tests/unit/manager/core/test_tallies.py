"""Lost and failed tries, and copies: counted once, whichever messages tell of them."""

from disio_manager.core import events
from disio_shared import messages
from tests.unit.manager.core.world import WALL, World

BEGAN = WALL + 10.0


def world() -> World:
    made = World()
    made.join("a")
    made.create("t", '{"range": [0, 10]}')
    made.ask("a", 10)
    return made


def tell(world: World, since: float = BEGAN, in_deliver: list[int] | None = None, **counts: int) -> None:
    """Tell of task ``t``'s tallies in a Status, or in a Deliver with the results of some payloads."""
    tallies = [messages.TaskTally(task="t", **counts)]
    message: messages.Status | messages.Deliver = messages.Status(clients=1, slots=1, since=since, tallies=tallies)
    if in_deliver is not None:
        part = messages.ResultColumns(
            task="t",
            indexes=in_deliver,
            values=[b"1"] * len(in_deliver),
            seconds=[0.1] * len(in_deliver),
            clients=["k"],
            by=[0] * len(in_deliver),
        )
        message = messages.Deliver(batch="b", results=[part], since=since, tallies=tallies)
    world.handle(events.MessageArrived("a", message, world.wall))


def counted(world: World) -> tuple[int, int, int]:
    record = world.rows.tasks["t"] if "t" not in world.core._book.tasks else world.core._book.tasks["t"].record
    return record.lost, record.tries_failed, record.copies


def test_what_grew_since_it_was_last_told_counts_once() -> None:
    made = world()
    tell(made, lost=2, failed=1)
    tell(made, in_deliver=[0], lost=2, failed=1)
    tell(made, in_deliver=[1], lost=3, failed=1, copies=4)
    tell(made, lost=3, failed=2, copies=4)
    assert counted(made) == (3, 2, 4)


def test_the_deliver_that_ends_a_task_counts() -> None:
    made = world()
    tell(made, in_deliver=list(range(10)), failed=7)
    assert "t" not in made.core._book.tasks
    assert counted(made) == (0, 7, 0)


def test_a_manager_that_began_later_counts_only_what_grows_from_a_status_on() -> None:
    made = world()
    before = WALL - 10.0
    tell(made, since=before, in_deliver=[0], failed=7)
    tell(made, since=before, failed=8, lost=1)
    assert counted(made) == (0, 0, 0), "it may have counted them before it was restarted"
    tell(made, since=before, in_deliver=[1], failed=9, lost=1)
    assert counted(made) == (0, 1, 0)
