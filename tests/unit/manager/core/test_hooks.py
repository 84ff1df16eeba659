"""What webhooks are to be told is in the row of the task, from the change that it is about until it is told."""

from typing import Any

import pytest

from disio_manager.core.commands import Announce
from disio_manager.core.due import MAX_DUE
from disio_manager.core.events import HooksChanged, TaskEdited
from disio_manager.core.records import Due, TaskRecord
from disio_shared.errors import TaskNotFound
from tests.unit.manager.core.world import World

ALL: list[dict[str, Any]] = [
    {"url": "http://a.example/", "events": ["done", "failed", "cancelled", "expired", "stalled"]},
    {"url": "http://b.example/", "events": ["done"]},
]


@pytest.fixture
def world() -> World:
    world = World()
    world.join("d")
    world.create("t", '{"range": [0, 4]}', max_failures=1)
    world.handle(TaskEdited("t", {"webhooks": ALL}))
    return world


def row(world: World) -> TaskRecord:
    loaded = world.rows.load_task("t", world.settings.manager)
    assert loaded is not None
    return loaded.record


def due(world: World) -> list[tuple[str, str]]:
    return [(each.event, each.url) for each in row(world).due]


def change(world: World, happened: str = "", over: tuple[str, ...] = ()) -> None:
    """Hand in an event about webhooks, with what is stored of a closed task."""
    stored = None if "t" in world.core.open_tasks() else world.rows.load_task("t", world.settings.manager)
    world.handle(HooksChanged(task="t", at=world.wall, happened=happened, over=over, stored=stored))


def test_the_change_that_ends_a_task_says_who_is_to_be_told(world: World) -> None:
    assert due(world) == []
    world.ask("d", 4)
    world.deliver("d", "t", [0, 1, 2, 3])
    assert (row(world).state, due(world)) == ("done", [("done", ALL[0]["url"]), ("done", ALL[1]["url"])])
    assert Announce("hooks", "t") in world.announced
    assert len({each.id for each in row(world).due}) == 2 and {each.at for each in row(world).due} == {world.wall}


def test_only_what_is_asked_for_is_noted(world: World) -> None:
    world.command("t", "pause")
    assert due(world) == []
    world.command("t", "cancel")
    assert due(world) == [("cancelled", ALL[0]["url"])]


def test_a_failed_task_and_one_that_expires_are_told_of(world: World) -> None:
    world.ask("d", 4)
    world.deliver("d", "t", [0, 1, 2], [3])
    assert due(world) == [("failed", ALL[0]["url"])]
    world.command("t", "retry")
    world.handle(TaskEdited("t", {"deadline": world.wall + 5}))
    world.tick(6.0)
    assert due(world) == [("failed", ALL[0]["url"]), ("expired", ALL[0]["url"])]
    assert len({each.id for each in row(world).due}) == 2, "each has an id of its own"


def test_a_stall_is_noted_and_what_was_told_is_taken_out(world: World) -> None:
    change(world, "stalled")
    (first,) = row(world).due
    assert (first.event, row(world).state) == ("stalled", "queued")
    world.command("t", "cancel")
    change(world, over=(first.id,))
    assert due(world) == [("cancelled", ALL[0]["url"])]
    (second,) = row(world).due
    version = row(world).version
    change(world, over=(second.id,))
    assert row(world).due == [] and row(world).version == version + 1
    change(world, over=(second.id,))
    assert row(world).version == version + 1, "what changes nothing is not written"


def test_of_a_task_that_is_gone_nothing_is_told(world: World) -> None:
    world.command("t", "delete")
    with pytest.raises(TaskNotFound):
        world.handle(HooksChanged(task="t", at=world.wall, happened="stalled"))


def test_what_is_to_be_told_is_bounded(world: World) -> None:
    for _ in range(MAX_DUE + 5):
        change(world, "stalled")
    kept: list[Due] = row(world).due
    assert len(kept) == MAX_DUE == len({each.id for each in kept})
