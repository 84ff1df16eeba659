"""What a distributor wrongly takes a task for is put right by the answer to its next Status."""

import pytest

from disio_shared import messages
from tests.unit.manager.core.rows import Rows
from tests.unit.manager.core.world import World

PAUSED, RUNNING = messages.TaskState(task="t", state="paused"), messages.TaskState(task="t", state="running")


def holding(world: World, distributor: str = "d") -> list[messages.BlockRef]:
    """Let a distributor hold blocks of a new task; return them."""
    world.join(distributor)
    world.create("t", '{"range": [0, 40]}', max_distributors=1)
    world.ask(distributor, 20)
    return [
        messages.BlockRef(block=b.block, lease=b.lease) for grant in world.grants(distributor) for b in grant.blocks
    ]


def told(world: World, held: list[messages.BlockRef], paused: list[str]) -> list[messages.Message]:
    """Return the states that a Status is answered with."""
    world.take(messages.TaskState)
    world.status("d", held, paused)
    return world.take(messages.TaskState, "d")


@pytest.fixture
def world() -> World:
    return World()


def test_a_pause_that_got_lost_is_told_again_until_a_status_shows_it(world: World) -> None:
    held = holding(world)
    world.command("t", "pause")
    assert told(world, held, []) == [PAUSED]
    assert told(world, held, []) == [PAUSED]
    assert told(world, held, ["t"]) == []


def test_a_resume_that_got_lost_is_told_again_until_a_status_shows_it(world: World) -> None:
    held = holding(world)
    world.command("t", "pause")
    world.command("t", "resume")
    assert told(world, held, ["t"]) == [RUNNING]
    assert told(world, held, []) == []


def test_nothing_is_told_of_tasks_it_holds_no_blocks_of(world: World) -> None:
    held = holding(world)
    world.create("u", '{"range": [0, 40]}')
    world.command("u", "pause")
    assert told(world, held, ["u", "strange"]) == []


def test_with_other_managers_about_a_difference_must_last() -> None:
    rows = Rows()
    a, b = World("a", rows), World("b", rows)
    held = holding(a)
    a.look(b)
    b.look(a)
    b.command("t", "pause")
    # The distributor heard of it from b, and a has not looked yet: a does not know better.
    assert told(a, held, ["t"]) == []
    a.look(b)
    assert told(a, held, ["t"]) == []
    assert told(a, held, []) == []
    a.now += a.settings.lag_s
    assert told(a, held, []) == [PAUSED]
    assert told(a, held, ["t"]) == []
    assert told(a, held, []) == []


def test_a_new_session_begins_without_old_differences() -> None:
    rows = Rows()
    a, b = World("a", rows), World("b", rows)
    held = holding(a)
    a.look(b)
    a.command("t", "pause")
    assert told(a, held, []) == []
    a.now += a.settings.lag_s
    a.leave("d")
    a.join("d", held=held)
    assert told(a, held, []) == []
