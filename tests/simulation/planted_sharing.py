"""Bugs on purpose in what several managers on one store do about each other, one at a time.

Rule: a planted bug replaces one method or function of the real code, or one comparison of the store, and nothing else.
"""

from typing import Any

import msgspec

from disio_manager.cluster import Cluster
from disio_manager.core import joining, sharing
from disio_manager.core.stretches import Stretches
from tests.simulation.manager_store import ManagerDisk
from tests.simulation.planting import Bug, Plant


def nobody_takes_over(plant: Plant) -> None:
    """What a dead manager looked after is nobody's."""

    async def ignores(self: Cluster, gone: str) -> None:
        self._ownerless.discard(gone)

    plant(Cluster, "_take_over", ignores)


def take_overs_forget_blocks(plant: Plant) -> None:
    """Of a dead manager's stretches only what was never in a block is taken over."""
    on_taken = sharing.on_taken

    def forgets(book: Any, event: Any, now: float, out: Any) -> None:
        for loaded in event.tasks:
            loaded.blocks = []
        on_taken(book, event, now, out)

    plant(sharing, "on_taken", forgets)


def zombies_write(plant: Plant) -> None:
    """A manager that was taken for dead writes what others own now."""
    plant(ManagerDisk, "check", lambda self, group, manager: None)


def notices_are_lost(plant: Plant) -> None:
    """Results that another manager took in are not closed by the one who looks after them."""
    take = sharing._take_notice

    def forgets(book: Any, notice: Any, *rest: Any) -> None:
        take(book, msgspec.structs.replace(notice, done=[]), *rest)

    plant(sharing, "_take_notice", forgets)


def failures_elsewhere_are_lost(plant: Plant) -> None:
    """Failures that another manager took in are dropped."""
    plant(sharing, "_take_failed", lambda book, entry, notice, at, out: 0)


def claims_overlap(plant: Plant) -> None:
    """The next stretch begins within the last one."""
    end = Stretches.end.fget  # type: ignore[attr-defined]
    plant(Stretches, "end", property(lambda self: max(0, end(self) - 1)))


def claims_replace_others(plant: Plant) -> None:
    """Of two managers that claim the same stretch both get it."""

    def takes_all(disk: ManagerDisk, stretch: Any) -> Any:
        if stretch.task in disk.tasks:
            disk.stretches[stretch.task, stretch.start] = stretch
        return disk.stretches_of(stretch.task)

    plant(ManagerDisk, "claim", takes_all)


def adopted_blocks_are_revoked(plant: Plant) -> None:
    """A survivor takes blocks away from distributors that still name the dead manager."""
    keep_held = joining.keep_held

    def revokes(*given: Any) -> Any:
        revoked, adopted = keep_held(*given)
        return [*revoked, *adopted], []

    plant(joining, "keep_held", revokes)


def finds_elsewhere_are_lost(plant: Plant) -> None:
    """Finds that another manager took in do not count."""
    take = sharing._take_notice

    def forgets(book: Any, notice: Any, *rest: Any) -> None:
        take(book, msgspec.structs.replace(notice, matched=[]), *rest)

    plant(sharing, "_take_notice", forgets)


def finds_elsewhere_count_again(plant: Plant) -> None:
    """Finds that another manager took in count although they are known."""
    take = sharing._take_notice

    def doubles(book: Any, notice: Any, *rest: Any) -> None:
        take(book, notice, *rest)
        entry = book.tasks.get(notice.task)
        if entry is not None:
            entry.count_matched([index for index in notice.matched if entry.stretches.at(index)])

    plant(sharing, "_take_notice", doubles)


BUGS: list[Bug] = [
    nobody_takes_over,
    take_overs_forget_blocks,
    zombies_write,
    notices_are_lost,
    failures_elsewhere_are_lost,
    claims_overlap,
    claims_replace_others,
    adopted_blocks_are_revoked,
    finds_elsewhere_are_lost,
    finds_elsewhere_count_again,
]
