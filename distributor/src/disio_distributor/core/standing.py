"""What operators want of this distributor, put together from the orders of every cluster it serves.

Rule: the strictest order counts, and the lowest number; an order with an older version than the one known changes
nothing.
"""

from collections.abc import Iterable

from disio_shared.messages import Orders

PAUSED = "an operator has paused this distributor"
DRAINED = "an operator has asked this distributor to move its clients away"


class Standing:
    """The orders in force."""

    def __init__(self, orders: dict[str, Orders]) -> None:
        self._of = dict(orders)
        self.drained = self.paused = self.stopped = False
        self.max_clients = self.max_slots = 0
        """0 = no limit."""
        self.tasks: frozenset[str] = frozenset()
        """Tasks that are stopped here."""
        self.blocked: frozenset[str] = frozenset()
        """Clients that are not let in."""
        self._count()

    def take(self, cluster: str, orders: Orders) -> bool:
        """Take orders in; return False when newer ones of that cluster are known."""
        known = self._of.get(cluster)
        if known is not None and known.version >= orders.version:
            return False
        self._of[cluster] = orders
        self._count()
        return True

    def reason(self) -> str:
        """Return for volunteers why nothing is handed out; empty when no order says so."""
        if self.drained or self.paused:
            return self._told(DRAINED if self.drained else PAUSED)
        return ""

    def drain_reason(self) -> str:
        """Return for volunteers why they are moved away."""
        return self._told(DRAINED)

    def _told(self, what: str) -> str:
        said = next((each.reason for each in self._of.values() if each.reason), "")
        return f"{what}: {said}" if said else what

    def _count(self) -> None:
        every = self._of.values()
        self.drained = any(each.drained for each in every)
        self.stopped = any(each.stopped for each in every)
        self.paused = self.stopped or any(each.paused for each in every)
        self.max_clients = _least(each.max_clients for each in every)
        self.max_slots = _least(each.max_slots for each in every)
        self.tasks = frozenset(task for each in every for task in each.tasks)
        self.blocked = frozenset(client for each in every for client in each.blocked)


def _least(limits: Iterable[int]) -> int:
    return min((limit for limit in limits if limit > 0), default=0)
