"""Two managers on one set of rows, and short forms of what they are made to do.

Rule: nothing is looked at by itself: a test says when a manager sees what the other did.
"""

from tests.unit.manager.core.rows import Rows
from tests.unit.manager.core.world import World


def make_pair() -> tuple[World, World]:
    """Return managers ``a`` and ``b`` that know of each other, with a distributor each."""
    rows = Rows()
    a, b = World("a", rows, min_claim=10, max_block=20), World("b", rows, min_claim=10, max_block=20)
    for world, name in ((a, "da"), (b, "db")):
        world.join(name)
        world.ask(name, 0)
    see(a, b)
    return a, b


def see(a: World, b: World) -> None:
    """Let both look at what the other did."""
    a.look(b)
    b.look(a)


def indexes(world: World, session: str) -> list[int]:
    """Return the indexes a session was granted since it was last looked at."""
    return [
        index
        for grant in world.grants(session)
        for block in grant.blocks
        for index in range(block.start, block.stop)
        if not any(start <= index < stop for start, stop in block.done)
    ]


def work_off(world: World, session: str, task: str) -> set[int]:
    """Ask and deliver until nothing comes any more."""
    done: set[int] = set()
    for _ in range(100):
        world.ask(session, 20)
        got = indexes(world, session)
        if not got:
            return done
        assert not done & set(got), "an index was granted twice"
        done |= set(got)
        world.deliver(session, task, got)
    raise AssertionError("no end")
