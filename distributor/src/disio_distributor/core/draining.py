"""Going away in order: clients are moved, results awaited, blocks returned, the outbox delivered.

Rule: a drain ends after twice ``drain_s`` at the latest; what is not delivered by then stays in the cache, and so do
blocks whose manager is away.
"""

from disio_distributor.core import commands
from disio_distributor.core.demand import Demand
from disio_distributor.core.managers import Managers
from disio_distributor.core.roster import Session
from disio_distributor.core.state import State
from disio_shared import messages

DRAIN = ("drain", "")


class Drain:
    """Drives a drain through its phases: none, waiting, delivering, over."""

    def __init__(self, state: State, managers: Managers, demand: Demand) -> None:
        self._state, self._managers, self._demand = state, managers, demand
        self._phase = "none"
        self._reason = ""
        self._is_order = False
        self._moved = 0

    def ask(self, reason: str, now: float, is_order: bool = False) -> None:
        """Begin; a repeat changes nothing, but that one of a process that ends is never undone."""
        state = self._state
        self._is_order = is_order and (self._is_order or self._phase == "none")
        if self._phase != "none":
            return
        self._phase, self._reason, state.draining = "waiting", reason, True
        self._demand.stop()
        for session in state.roster.sessions.values():
            self.turn_away(session)
        state.deadlines.set(DRAIN, now + state.settings.drain_s)

    def undo(self) -> None:
        """Take clients and work again, if the drain was an operator's order."""
        state = self._state
        if not self._is_order:
            return
        self._phase, self._reason, self._is_order, state.draining = "none", "", False, False
        state.deadlines.discard(DRAIN)
        state.do(commands.Undrained())
        for session in state.roster.sessions.values():
            state.tell(session.name, messages.Resume())

    def turn_away(self, session: Session, reason: str = "") -> None:
        """Send a client to another distributor, or let it rest when none is known."""
        state = self._state
        reason = reason or self._reason
        siblings = sorted({url for link in state.links.values() for url in link.siblings})
        if not siblings:
            state.tell(session.name, messages.Pause(reason=reason))
            return
        self._moved += 1
        url = siblings[self._moved % len(siblings)]
        state.tell(session.name, messages.Redirect(url=url, reason=reason))

    def review(self, now: float, timed_out: bool) -> None:
        """Go on to the next phase when this one is over."""
        state = self._state
        if self._phase == "waiting" and (timed_out or not state.assignments.are_awaited):
            self._phase, timed_out = "delivering", False
            state.deadlines.set(DRAIN, now + state.settings.drain_s)
        if self._phase == "delivering":
            # Each time anew: a manager that was away may be back.
            for work in list(state.tasks.values()):
                self._managers.give_back(work)
        if self._phase == "delivering" and (timed_out or not self._deliverable()):
            self._phase = "over"
            state.deadlines.discard(DRAIN)
            state.do(commands.Drained())

    def _deliverable(self) -> bool:
        return any(self._state.outbox.places(link.cluster) for link in self._state.links.values())
