"""Blocks that go from a distributor with much ahead to one that has nothing: which, how many, and when none."""

from typing import Any

from disio_manager.core import events
from disio_shared import messages
from disio_shared.ranges import Run
from tests.unit.manager.core.world import World


def world_with(total: int = 320, *, to: str = "a", slots: int = 2, **policy: Any) -> World:
    """A world in which one distributor has leased all of a task, in 20 blocks."""
    world = World("m", None, grant_parts=20, min_block=1)
    for name in "ab":
        world.join(name)
        status(world, name, slots)
    world.create("t", f'{{"range": [0, {total}]}}', **policy)
    for _ in range(10):
        world.ask(to, total, fresh=64)
    world.ask(to, 0)
    assert world.core.task_view("t", world.now).ready == 0  # type: ignore[union-attr]
    world.sent.clear()
    return world


def status(world: World, session: str, slots: int, outbox: int = 0) -> None:
    """Tell how many slots a distributor has; it names no blocks."""
    told = messages.Status(clients=1, slots=slots, outbox=outbox)
    world.handle(events.MessageArrived(session, told, world.wall))


def granted(world: World, session: str = "b") -> list[Run]:
    return sorted((block.start, block.stop) for grant in world.grants(session) for block in grant.blocks)


def revoked(world: World, session: str = "a") -> dict[str, int]:
    """Return the blocks that were taken away, each with the lease it was named with."""
    sent = world.take(messages.Revoke, session)
    return {ref.block: ref.lease for each in sent if isinstance(each, messages.Revoke) for ref in each.blocks}


def size(runs: list[Run]) -> int:
    return sum(stop - start for start, stop in runs)


def held(world: World, distributor: str) -> list[Run]:
    return sorted((row.start, row.stop) for row in world.rows.blocks.values() if row.holder == distributor)


def test_who_comes_when_all_is_leased_gets_half_of_it_from_its_end() -> None:
    world = world_with(320)
    world.ask("b", 1_000)
    got = granted(world)
    assert 140 <= size(got) <= 160
    assert got[-1][1] == 320 and size(got) == 320 - got[0][0], "the last ones"
    taken = revoked(world)
    assert len(taken) == len(got) and set(taken.values()) == {1}, "under the lease they had, not the one they have now"
    assert held(world, "b") == got and size(held(world, "a")) + size(got) == 320
    assert {row.lease for row in world.rows.blocks.values() if row.holder == "b"} == {2}


def test_slots_count() -> None:
    world = world_with(320)
    status(world, "b", 6)
    world.ask("b", 1_000)
    assert 220 <= size(granted(world)) <= 240


def test_never_more_goes_over_than_was_asked_for() -> None:
    world = world_with(320)
    world.ask("b", 40)
    assert size(granted(world)) == 40, "of three blocks of 16"
    view = world.core.task_view("t", world.now)
    assert view is not None and (view.ready, view.leased) == (8, 312), "the rest is there for whoever asks"


def test_without_an_id_for_the_rest_a_block_stays_whole() -> None:
    world = world_with(320)
    world.ask("b", 40, fresh=0)
    assert size(granted(world)) == 32


def test_large_asks_do_not_make_the_blocks_of_a_small_task_too_large_to_move() -> None:
    world = World("m", None, grant_parts=32)
    world.join("a")
    world.create("t", '{"range": [0, 6400]}')
    world.ask("a", 1_000_000, fresh=64)
    got = granted(world, "a")
    assert size(got) == 6_400 and max(stop - start for start, stop in got) == 200


def test_what_has_begun_stays_and_so_does_what_may_be_under_way() -> None:
    world = world_with(320, slots=40)
    world.deliver("a", "t", [index for index in range(320) if index % 16 == 0 and index >= 160])
    world.ask("b", 1_000)
    assert granted(world) == [], "of the last blocks something is done"
    world = world_with(100, slots=40)
    world.ask("b", 1_000)
    assert size(granted(world)) == 20, "40 clients may be at 80 of them"


def test_what_is_computed_and_has_not_come_yet_does_not_count_as_ahead() -> None:
    world = world_with(320)
    status(world, "a", 2, outbox=200)
    world.ask("b", 1_000)
    assert 45 <= size(granted(world)) <= 60, "half of 120"
    world = world_with(320)
    status(world, "a", 2, outbox=320)
    world.ask("b", 1_000)
    assert not granted(world)


def test_who_has_just_come_back_gives_nothing_before_it_has_told_what_it_has_done() -> None:
    world = world_with(320)
    world.leave("a")
    world.join("a", held=[messages.BlockRef(block=row.id, lease=row.lease) for row in world.rows.blocks.values()])
    world.ask("b", 1_000)
    assert not granted(world)
    status(world, "a", 2)
    status(world, "b", 2)
    assert size(granted(world)) > 100


def test_nothing_goes_to_and_fro() -> None:
    world = world_with(320)
    world.ask("b", 1_000)
    world.ask("a", 1_000)
    world.ask("b", 1_000, request=2)
    world.sent.clear()
    for _ in range(5):
        status(world, "a", 2)
        status(world, "b", 2)
    assert not revoked(world) and not revoked(world, "b")


def test_who_waits_gets_some_as_soon_as_it_has_little_and_says_so() -> None:
    world = world_with(320, to="b")
    world.ask("a", 1_000)
    world.ask("a", 1_000, request=2)
    mine = granted(world, "a")
    assert mine and world.core.distributor_of("a") == "a"
    world.sent.clear()
    world.deliver("a", "t", [index for run in mine for index in range(*run)])
    assert not world.grants("a")
    status(world, "a", 2)
    assert size(granted(world, "a")) > 50
    assert revoked(world, "b")


def test_nothing_is_taken_where_it_would_be_wrong() -> None:
    world = world_with(max_distributors=1)
    world.ask("b", 1_000)
    assert not granted(world)
    world = world_with()
    world.ask("b", 1_000, languages=["python"])
    assert not granted(world)
    world = world_with()
    world.command("t", "pause")
    world.ask("b", 1_000)
    assert not granted(world)
    world = world_with()
    world.leave("a")
    world.ask("b", 1_000)
    assert not granted(world), "who is away cannot be told"
    world = world_with()
    world.drain("b")
    world.ask("b", 1_000)
    assert not granted(world)


def test_blocks_with_payloads_of_their_own_keep_to_the_size_of_a_grant() -> None:
    world = World("m", None, grant_parts=20, min_block=1, max_grant_bytes=100)
    for name in "ab":
        world.join(name)
        status(world, name, 2)
    world.create("t", '{"list": ["' + '", "'.join("x" * 8 for _ in range(100)) + '"]}')
    for request in range(30):
        world.ask("a", 100, fresh=64, request=request)
    world.sent.clear()
    world.ask("b", 100)
    assert 0 < size(granted(world)) <= 10


class Worker:
    """A distributor that computes so many payloads a step, in order, and asks below three quarters of its aim."""

    def __init__(self, world: World, name: str, pace: int, aim: int) -> None:
        self.world, self.name, self.pace, self.aim = world, name, pace, aim
        self.blocks: dict[str, Run] = {}
        self.requests = self.computed = self.idle = 0

    def step(self) -> None:
        self._hear()
        has = sum(stop - start for start, stop in self.blocks.values())
        if has < 0.75 * self.aim:
            self.requests += 1
            self.world.ask(self.name, self.aim - has, request=self.requests, fresh=64)
            self._hear()
        todo = [index for run in sorted(self.blocks.values()) for index in range(*run)]
        batch = todo[: self.pace]
        self.idle += self.pace - len(batch)
        if batch:
            self.computed += len(batch)
            self.world.deliver(self.name, "t", batch)
            for block, (start, stop) in list(self.blocks.items()):
                left = max(start, batch[-1] + 1)
                self.blocks.pop(block)
                if left < stop:
                    self.blocks[block] = (left, stop)

    def _hear(self) -> None:
        for message in [each.message for each in self.world.sent if each.session == self.name]:
            if isinstance(message, messages.Revoke):
                for ref in message.blocks:
                    self.blocks.pop(ref.block, None)
            elif isinstance(message, messages.Grant):
                self.blocks |= {block.block: (block.start, block.stop) for block in message.blocks}
        self.world.sent = [each for each in self.world.sent if each.session != self.name]


def finished(late: int, paces: tuple[int, int]) -> tuple[int, list[Worker]]:
    """Let two distributors compute a task of which either could hold all; return after how many steps it is done.

    Args:
        late: Steps after which the second one comes.
        paces: Payloads a step of each.
    """
    world = World("m", None, grant_parts=32, min_block=16)
    workers = [Worker(world, name, pace, 600 * pace) for name, pace in zip("ab", paces, strict=True)]
    for worker in workers:
        world.join(worker.name)
        status(world, worker.name, worker.pace)
    world.create("t", '{"range": [0, 6000]}')
    steps = 0
    while world.core.open_tasks():
        for worker in workers[: 1 if steps < late else 2]:
            worker.step()
        steps += 1
        assert steps < 2_000
    return steps, workers


def test_the_tail_of_a_task_keeps_both_distributors_busy_to_its_end() -> None:
    for late, paces in ((0, (10, 10)), (50, (10, 10)), (0, (5, 30)), (0, (30, 5)), (100, (20, 20))):
        steps, (first, second) = finished(late, paces)
        least = late + (6_000 - late * paces[0]) / sum(paces)
        assert steps <= least * 1.1 + 5, (late, paces, steps, least)
        assert first.computed + second.computed <= 6_000 * 1.02, "hardly anything is computed twice"
