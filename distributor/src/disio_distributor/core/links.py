"""Managers as the core sees them: links with a session, clusters with their Asks, and patience with those away.

Rule: a link is here from its ManagerAdmitted to its ManagerLost; a manager that is away is waited for a fixed time.
"""

from disio_distributor.core.blocks import Load
from disio_distributor.core.deadlines import Deadlines
from disio_distributor.core.roster import Ability
from disio_shared import messages

PATIENCE = "patience"
MAX_AWAY = 1_000
"""Managers whose absence is remembered."""


class Link:
    """A manager's link with a session."""

    __slots__ = ("ability", "cluster", "manager", "missed", "name", "siblings", "status_s", "version")

    def __init__(self, name: str, admitted: messages.Admitted) -> None:
        self.name, self.cluster, self.manager = name, admitted.cluster, admitted.manager
        self.status_s = max(0.1, admitted.status_s)
        self.siblings = list(admitted.siblings)
        self.ability: Ability = ([], [], 0)
        """What the manager was told the clients can run, with the last Ask."""
        self.version = -1
        """The roster's version at which that was found to be right."""
        self.missed = False
        """It offered something for which there was no room then."""


class Asked:
    """An Ask that stands with a manager."""

    __slots__ = ("ask", "is_answered", "version")

    def __init__(self, ask: messages.Ask, version: int) -> None:
        self.ask = ask
        self.is_answered = False
        """The manager has nothing now, and grants by itself."""
        self.version = version
        """The roster's version at which it was last found to say what the clients can run."""


class Cluster:
    """What we hold of one cluster and what we asked it for."""

    __slots__ = ("asked", "last_asked", "load", "request", "waiting")

    def __init__(self) -> None:
        self.load = Load()
        self.asked: dict[str, Asked] = {}
        """By link, the Asks that stand; at most one of them is not answered yet."""
        self.last_asked = ""
        """The link that was asked last; the next one is its neighbour."""
        self.request = 0
        self.waiting = ""
        """Why the last Grant was empty."""


class Patience:
    """For how long results wait for their own managers.

    Args:
        deadlines: Told when patience with a manager ends.
        patience_s: How long it lasts.
    """

    def __init__(self, deadlines: Deadlines, patience_s: float) -> None:
        self._deadlines, self._patience_s = deadlines, patience_s
        self._until: dict[str, float] = {}

    def away(self, manager: str, now: float) -> None:
        """Note that a manager is away; a repeat changes nothing."""
        if manager in self._until or not manager:
            return
        over = [each for each, until in self._until.items() if until <= now]
        for each in over[: max(0, len(self._until) - MAX_AWAY)]:
            del self._until[each]
        self._until[manager] = now + self._patience_s
        self._deadlines.set((PATIENCE, manager), self._until[manager])

    def back(self, manager: str) -> None:
        """Note that a manager has a link again."""
        self._until.pop(manager, None)
        self._deadlines.discard((PATIENCE, manager))

    def waits_for(self, manager: str, now: float) -> bool:
        """Tell whether results still wait for a manager that is away."""
        return now < self._until.get(manager, now)
