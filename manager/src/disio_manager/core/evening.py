"""Which leased blocks one distributor can spare for another that has little to do.

Rule: only blocks that no result has come of go over, the last ones of a task first, since the first ones are worked on
first; afterwards whoever gives still has as much ahead, for its slots, as whoever gets.
"""

import heapq
from itertools import chain

from disio_manager.core.book import Book
from disio_manager.core.fleet import Ability, Distributor
from disio_manager.core.scheduling import can_run, has_place
from disio_manager.core.tasks import Block, TaskEntry

MAX_GIVERS = 100
"""Distributors that are compared."""
UNEVEN = 2
"""How many times as much ahead makes it worth the while."""
UNDER_WAY = 2
"""Payloads per slot that a distributor's clients may be working on or are about to: they stay where they are."""

Spare = list[tuple[TaskEntry, Block]]


def spare(book: Book, getter: Distributor, asked: int) -> tuple[Distributor, Spare] | None:
    """Return who has most ahead of what a distributor could do, and blocks of it to take; None when all have enough.

    Args:
        book: Whose leases are looked at.
        getter: Who waits; it has asked before.
        asked: Payloads it wants at most; the last block may have more.
    """
    if getter.ability is None or not getter.is_taking or not len(book.leases):
        return None
    entries = [entry for entry in book.tasks.values() if _may_move(entry, getter.ability, getter.record.id)]
    givers = _givers(book, entries, getter)
    if not givers:
        return None
    giver = max(givers, key=lambda each: (_ahead(book, each) / _slots(each), each.record.id))
    limit = _surplus(giver, _ahead(book, giver), getter, _ahead(book, getter))
    blocks = _last_blocks(entries, giver, limit, asked)
    return (giver, blocks) if blocks else None


def _may_move(entry: TaskEntry, ability: Ability, getter: str) -> bool:
    return entry.record.state != "paused" and can_run(ability, entry) and has_place(entry, getter)


def _givers(book: Book, entries: list[TaskEntry], getter: Distributor) -> list[Distributor]:
    """Return those who hold something of the tasks, can be told to let go of it, and have told what they have done.

    Of very many the largest. After an absence of this manager a block may be computed of which nothing has come yet.
    Blocks that were taken over may be held by one that has never been here.
    """
    names = set(chain.from_iterable(entry.holders for entry in entries)) - {getter.record.id}
    known = [book.fleet.known[name] for name in names & book.fleet.known.keys()]
    here = [each for each in known if each.session and each.record.slots]
    return heapq.nlargest(MAX_GIVERS, here, key=lambda each: (len(each.blocks), each.record.id))


def _surplus(giver: Distributor, has: int, getter: Distributor, needs: int) -> int:
    """Return how many payloads make both have equally much ahead; 0 when that is not worth the while."""
    gives, gets = _slots(giver), _slots(getter)
    if has * gets < UNEVEN * needs * gives:
        return 0
    return min((has * gets - needs * gives) // (gives + gets), has - UNDER_WAY * gives)


def _last_blocks(entries: list[TaskEntry], giver: Distributor, limit: int, asked: int) -> Spare:
    """Return blocks without a result, from the end of each task, of ``limit`` payloads together at most.

    When they have ``asked`` payloads it is enough; the last block may go beyond that.
    """
    enough = limit - asked
    found: Spare = []
    for entry in entries:
        for block in reversed(entry.held_by(giver.record.id)):
            size = len(block.remaining)
            if limit <= enough or size > limit or size < block.stop - block.start:
                break
            limit -= size
            found.append((entry, block))
    return found


def _ahead(book: Book, known: Distributor) -> int:
    """Return how many payloads of a distributor's blocks are not computed."""
    held = sum(len(book.tasks[task].blocks[block].remaining) for task, block in known.blocks)
    return max(0, held - known.record.outbox)


def _slots(known: Distributor) -> int:
    return max(1, known.record.slots)
