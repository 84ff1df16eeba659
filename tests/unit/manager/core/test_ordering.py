"""What operators want of the fleet: who is given blocks, and of which tasks."""

from disio_shared import messages
from tests.unit.manager.core.test_granting import granted, world_with


def test_a_paused_distributor_gets_nothing_and_is_no_sibling_until_it_is_resumed() -> None:
    world = world_with("a", "b")
    world.create("t", '{"range": [0, 100]}')
    world.order("a", paused=True)
    assert world.take(messages.Siblings, "b")[-1] == messages.Siblings(urls=[])
    assert granted(world, "a", 10).waiting == "An operator has paused this distributor."
    assert {row.id: row.state for row in world.core.fleet()} == {"a": "paused", "b": "online"}
    world.order("a")
    assert world.take(messages.Siblings, "b")[-1] == messages.Siblings(urls=["http://a"])
    assert granted(world, "a", 10).blocks


def test_orders_are_kept_when_a_distributor_comes_back() -> None:
    world = world_with("a")
    world.order("a", drained=True)
    world.leave("a")
    assert world.core.fleet()[0].state == "offline"
    world.join("a")
    assert world.core.fleet()[0].state == "draining"


def test_a_task_that_is_stopped_at_a_distributor_goes_to_others_and_comes_back_when_it_is_resumed() -> None:
    world = world_with("a", "b")
    world.order("a", tasks=["t"])
    world.create("t", '{"range": [0, 100]}')
    assert not granted(world, "a", 10).blocks
    assert world.core.explain("t", world.now)
    assert granted(world, "b", 10).blocks
    world.grants("a")
    world.order("a")
    assert world.grants("a")[0].blocks, "whoever waited is served"
