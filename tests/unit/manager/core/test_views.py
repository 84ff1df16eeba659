"""What views show of a core."""

from disio_manager.core import events
from disio_shared import messages
from tests.unit.manager.core.world import World


def test_views_show_no_progress_that_a_crash_could_take_back() -> None:
    world = World()
    world.join("a")
    world.create("t", '{"range": [0, 10]}')
    world.ask("a", 10)
    values = messages.ResultColumns(
        task="t", indexes=[1, 2], values=[b"1", b"2"], seconds=[0.1, 0.1], clients=["k"], by=[0, 0]
    )
    failures = messages.FailureColumns(task="t", indexes=[3], errors=[["boom"]])
    batch = messages.Deliver(batch="x", results=[values], failures=[failures])
    world.core.handle(events.MessageArrived("a", batch, world.wall), world.now)
    assert progress_of(world) == (0, 0), "nothing of it is written yet"
    world.core.saved()
    assert progress_of(world) == (2, 1)


def progress_of(world: World) -> tuple[int, int]:
    view = world.core.task_view("t", world.now)
    assert view is not None
    return view.record.done, view.record.failed
