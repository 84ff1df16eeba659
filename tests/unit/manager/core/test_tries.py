"""Tries of payloads that came back go on to whoever gets those payloads next."""

import msgspec
import pytest

from disio_manager.core import tries
from disio_manager.core.tries import Tries
from disio_shared import messages
from disio_shared.messages import TryColumns
from disio_shared.ranges import RangeSet
from tests.unit.manager.core.world import World


def columns(indexes: list[int], task: str = "t", error: str = "bad") -> TryColumns:
    """Return one failed try of each index."""
    number = len(indexes)
    return TryColumns(
        task=task,
        indexes=indexes,
        clients=["c"] * number,
        errors=[error] * number,
        lost=[False] * number,
        distributors=["d"] * number,
        ended_at=[1.5] * number,
    )


@pytest.fixture
def world() -> World:
    """A task of forty payloads, twenty of them held by ``a``; ``b`` is there too."""
    made = World(max_block=20)
    for name in ("a", "b"):
        made.join(name)
    made.create("t", '{"range": [0, 40]}')
    made.ask("a", 20)
    return made


def held(world: World, session: str) -> list[messages.BlockGrant]:
    return [block for grant in world.grants(session) for block in grant.blocks]


def give_back(world: World, session: str, blocks: list[messages.BlockGrant], *told: TryColumns) -> None:
    refs = [messages.BlockRef(block=block.block, lease=block.lease) for block in blocks]
    world.give_back(session, refs, list(told))


def known(world: World, session: str) -> dict[int, list[str]]:
    """Ask for everything; return what is told of tries, by index."""
    world.ask(session, 40, fresh=20)
    found: dict[int, list[str]] = {}
    for block in held(world, session):
        if block.tries is not None:
            for index, error in zip(block.tries.indexes, block.tries.errors, strict=True):
                assert block.start <= index < block.stop
                found.setdefault(index, []).append(error)
    return found


def test_tries_go_on_with_the_open_payloads_of_blocks_that_were_given_back(world: World) -> None:
    blocks = held(world, "a")
    world.deliver("a", "t", [3])
    give_back(world, "a", blocks, columns([2, 2, 3, 30]), columns([1], task="strange"))
    assert known(world, "b") == {2: ["bad", "bad"]}


def test_what_the_last_distributor_says_stands_and_what_it_is_silent_about_is_kept(world: World) -> None:
    give_back(world, "a", held(world, "a"), columns([2, 5]))
    world.ask("b", 20)
    give_back(world, "b", held(world, "b"), columns([2, 2], error="worse"))
    assert known(world, "a") == {2: ["worse", "worse"], 5: ["bad"]}


def test_tries_of_blocks_that_are_not_its_own_are_not_believed(world: World) -> None:
    give_back(world, "b", held(world, "a"), columns([2]))
    world.drain("a")
    world.tick(world.settings.lease_s)
    assert known(world, "b") == {}


def test_a_retry_counts_anew(world: World) -> None:
    give_back(world, "a", held(world, "a"), columns([2, 5]))
    world.ask("b", 20)
    world.grants("b")
    world.deliver("b", "t", [], [2])
    world.command("t", "retry")
    world.tick(world.settings.lease_s)
    assert known(world, "a") == {5: ["bad"]}


def test_tries_are_forgotten_with_their_task_and_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "MAX_ROWS", 4)
    kept, all_of = Tries(), RangeSet([(0, 100)])
    kept.keep(columns([1, 1, 2]), {1, 2})
    kept.keep(columns([7, 8], task="u"), {7, 8})
    assert kept.of("t", all_of) == columns([2]) and kept.of("u", all_of) == columns([7, 8], task="u")
    kept.keep(columns([9, 9], task="u", error="x" * 9_999), {9})
    known = kept.of("u", all_of)
    assert kept.of("t", all_of) is None and known is not None
    assert known.indexes == [7, 8, 9, 9] and len(known.errors[-1]) == tries.MAX_CHARS
    kept.forget("u")
    assert kept.of("u", all_of) is None


def test_tries_of_an_older_distributor_are_that_distributors() -> None:
    kept = Tries()
    kept.keep(msgspec.structs.replace(columns([2]), distributors=[], ended_at=[]), {2}, "d9")
    known = kept.of("t", RangeSet([(0, 100)]))
    assert known is not None and (known.distributors, known.ended_at) == (["d9"], [0.0])
