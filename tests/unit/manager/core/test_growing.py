"""Tasks whose payloads come by and by: the core follows their log, at one manager and at two."""

from disio_manager.core.changes import PutStretch
from disio_manager.core.events import TaskCreated, TaskGrown
from disio_manager.core.growing import Segments
from disio_manager.core.records import SegmentHead, TaskRecord
from disio_shared import messages
from disio_shared.payloads import StoredSpec
from disio_shared.taskdoc import Policy
from tests.unit.manager.core.pairs import indexes, make_pair, see
from tests.unit.manager.core.world import World


def create(world: World, first: int = 10, name: str = "g") -> None:
    """Create a growing task with some payloads of 10 bytes."""
    heads = [SegmentHead(0, first, 10 * first)] if first else []
    record = TaskRecord(
        id=name, number=len(world.rows.tasks) + 1, name=name, tags=[], workunit="00" * 32, language="javascript",
        workunit_bytes=1, payloads=b'{"open":[]}', policy=Policy(), total=first, state="queued",
        created_at=world.wall, form="open", growing=True,
    )  # fmt: skip
    spec = StoredSpec("values", task=name, extents=Segments(heads))
    world.handle(TaskCreated(record, spec, [(head, b"") for head in heads]))


def give(world: World, count: int, name: str = "g") -> None:
    """Put payloads into the log (none: close it) and tell the core."""
    total = sum(head.count for head in world.rows.segments.get(name, []))
    assert world.rows.append(name, total, count)
    tell(world, name)


def tell(world: World, name: str = "g", known: int = 0) -> None:
    world.handle(TaskGrown(world.rows.growth(name, known), world.wall))


def test_it_gets_longer_and_its_payloads_are_handed_out_with_what_they_lack() -> None:
    world = World()
    world.join("d")
    create(world, 4)
    world.ask("d", 100)
    [read] = next(send.reads for send in world.sent if isinstance(send.message, messages.Grant))
    [grant] = world.grants()
    assert [(block.start, block.stop, block.payloads) for block in grant.blocks] == [(0, 4, [])]
    assert (read.at, read.spec.task, read.runs) == (0, "g", [(0, 4)])
    give(world, 3)
    give(world, 5)
    view = world.core.task_view("g", world.now)
    assert view is not None and (view.record.total, view.record.growing) == (12, True)
    world.ask("d", 100, request=2)
    assert indexes(world, "d") == list(range(4, 12))
    assert world.rows.stretches["g", 0].stop == 12


def test_a_waiting_distributor_gets_what_comes() -> None:
    world = World()
    world.join("d")
    create(world, 0)
    world.ask("d", 100)
    assert indexes(world, "d") == []
    give(world, 6)
    assert indexes(world, "d") == list(range(6))


def test_it_is_done_when_it_is_closed_and_everything_is_computed_in_either_order() -> None:
    world = World()
    world.join("d")
    create(world, 2)
    world.ask("d", 10)
    world.deliver("d", "g", [0, 1])
    assert world.core.open_tasks() == ["g"]
    assert "Every payload that it has so far is closed." in world.core.explain("g", world.now)
    give(world, 2)
    world.ask("d", 10, request=2)
    give(world, 0)
    assert world.core.open_tasks() == ["g"] and not world.rows.tasks["g"].growing
    world.deliver("d", "g", [2, 3])
    assert (world.rows.tasks["g"].state, world.rows.tasks["g"].growing) == ("done", False)


def test_one_that_is_closed_without_payloads_is_done() -> None:
    world = World()
    create(world, 0)
    give(world, 0)
    assert world.rows.tasks["g"].state == "done"


def test_news_that_come_again_or_late_change_nothing() -> None:
    world = World()
    create(world, 4)
    give(world, 3)
    out = world.handle(TaskGrown(world.rows.growth("g"), world.wall))
    assert not [change for change in out.changes if isinstance(change, PutStretch)]
    world.rows.append("g", 7, 2)
    world.rows.append("g", 9, 2)
    world.handle(TaskGrown(world.rows.growth("g", 9), world.wall))
    view = world.core.task_view("g", world.now)
    assert view is not None and view.record.total == 7, "what is between is not known yet"
    tell(world)
    view = world.core.task_view("g", world.now)
    assert view is not None and view.record.total == 11
    tell(world, "none")


def test_a_restart_finds_what_the_log_holds() -> None:
    world = World()
    world.join("d")
    create(world, 4)
    world.rows.append("g", 4, 3)
    world.rows.append("g", 7, 0)
    world.restart()
    view = world.core.task_view("g", world.now)
    assert view is not None and (view.record.total, view.record.growing) == (7, False)
    world.join("d", "d2")
    world.ask("d2", 10)
    assert indexes(world, "d2") == list(range(7))
    world.deliver("d2", "g", list(range(7)))
    assert world.rows.tasks["g"].state == "done"


def test_the_payloads_that_come_with_it_are_in_the_commit_that_makes_it() -> None:
    world = World()
    heads = [SegmentHead(0, 4, 40)]
    create(world, 4)
    assert world.rows.segments == {"g": heads}
    world.handle(TaskCreated(world.rows.tasks["g"], StoredSpec("values", extents=Segments(heads)), [(heads[0], b"")]))
    assert len(world.rows.segments["g"]) == 1


def test_sizes_are_exact_for_segments_and_spread_within() -> None:
    extents = Segments([SegmentHead(0, 10, 100), SegmentHead(10, 5, 1_000)])
    extents.add(SegmentHead(15, 0, 0))
    assert len(extents) == 15
    assert (extents.bytes_between(0, 10), extents.bytes_between(10, 15), extents.bytes_between(0, 15)) == (
        100,
        1000,
        1100,
    )
    assert extents.bytes_between(2, 4) == 20 and extents.fitting(0, 15, 50) == 5
    assert (
        extents.fitting(0, 15, 100) == 10 and extents.fitting(10, 15, 399) == 1 and extents.fitting(3, 15, 10**6) == 12
    )


# Two managers


def test_its_owner_alone_grows_it_and_others_see_that() -> None:
    a, b = make_pair()
    create(a, 4)
    see(a, b)
    assert set(a.rows.stretches) == {("g", 0)}
    b.ask("db", 10)
    assert indexes(b, "db") == [], "others do not look after any of it"
    give(b, 6)
    assert a.rows.stretches["g", 0].stop == 4, "only the log is longer"
    see(a, b)
    assert a.rows.stretches["g", 0].stop == 10
    see(a, b)
    for world in (a, b):
        view = world.core.task_view("g", world.now)
        assert view is not None and view.record.total == 10
    a.ask("da", 20)
    got = indexes(a, "da")
    assert got == list(range(10))
    a.deliver("da", "g", got)
    see(a, b)
    assert a.core.open_tasks() == b.core.open_tasks() == ["g"], "more may come"
    give(b, 0)
    see(a, b)
    assert a.rows.tasks["g"].state == "done" and b.core.open_tasks() == []


def test_who_takes_over_goes_on_with_the_log() -> None:
    a, b = make_pair()
    create(a, 4)
    see(a, b)
    a.rows.append("g", 4, 4)
    b.look()
    b.take_over("a")
    b.ask("db", 20)
    got = indexes(b, "db")
    assert got == list(range(8))
    give(b, 1)
    b.deliver("db", "g", got)
    b.ask("db", 20, request=2)
    assert indexes(b, "db") == [8]
    give(b, 0)
    b.deliver("db", "g", [8])
    assert b.rows.tasks["g"].state == "done"


def test_a_pause_at_a_manager_that_has_not_heard_of_the_end_does_not_open_it_again() -> None:
    a, b = make_pair()
    create(a, 2)
    see(a, b)
    give(a, 0)
    b.command("g", "pause")
    see(a, b)
    b.command("g", "resume")
    see(a, b)
    a.ask("da", 10)
    a.deliver("da", "g", indexes(a, "da"))
    assert a.rows.tasks["g"].state == "done"
    assert messages.TaskState(task="g", state="cancelled") not in a.take(messages.TaskState)
