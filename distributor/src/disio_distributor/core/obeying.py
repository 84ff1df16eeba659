"""What follows from the orders of operators: who is turned out, what is stopped, and what goes back.

Rule: nothing is lost by an order: what runs is told to stop and is ready for others, and what was returned stays.
"""

from disio_distributor.core import changes, commands
from disio_distributor.core.assignments import Batch
from disio_distributor.core.demand import Demand
from disio_distributor.core.draining import Drain
from disio_distributor.core.managers import Managers
from disio_distributor.core.roster import Session
from disio_distributor.core.state import State
from disio_shared import messages

BLOCKED = "the operator of this project does not want this client"
FULL = "an operator allows this distributor fewer clients"


class Obeying:
    """Carries orders out."""

    def __init__(self, state: State, managers: Managers, demand: Demand, drain: Drain) -> None:
        self._state, self._managers, self._demand, self._drain = state, managers, demand, drain

    def take(self, cluster: str, orders: messages.Orders, now: float) -> None:
        """Take a manager's orders in, unless newer ones are known."""
        if self._state.standing.take(cluster, orders):
            self._state.save(changes.PutOrders(cluster, orders))
            self.apply(now)

    def restore(self, now: float) -> None:
        """Begin as the orders say that were in force when the process ended."""
        if self._state.standing.drained:
            self._drain.ask(self._state.standing.drain_reason(), now, is_order=True)

    def apply(self, now: float) -> None:
        """Bring everything in line with the orders in force."""
        state, standing = self._state, self._state.standing
        for session in [each for each in state.roster.sessions.values() if each.client in standing.blocked]:
            self.turn_out(session)
        self._stop()
        self._crowd_out()
        if standing.drained:
            self._drain.ask(standing.drain_reason(), now, is_order=True)
        else:
            self._drain.undo()
        if standing.paused:
            self._demand.stop()
            self._tell_waiting(standing.reason())
        self._demand.look_again()
        state.turns.changed()
        state.roster.version += 1  # what clients may get has changed, so has what is worth asking for
        state.work_appeared = True

    def has_turned_out(self, session: Session) -> bool:
        """Turn out a newcomer that was blocked while it was being let in; tell whether it was."""
        is_blocked = session.client in self._state.standing.blocked
        if is_blocked:
            self.turn_out(session)
        return is_blocked

    def turn_out(self, session: Session) -> None:
        """Tell a client that it is blocked, take what it has, and close its session."""
        state = self._state
        for batch in state.assignments.of_session(session.name):
            state.release(batch, batch.open.runs())
        state.tell(session.name, messages.Refused(code="blocked", reason=BLOCKED))
        state.do(commands.CloseClient(session.name))
        state.roster.remove(session.name)

    def review(self) -> None:
        """Give back what is held of tasks that nothing is handed out of, once nobody works on it."""
        state, standing = self._state, self._state.standing
        if not standing.paused and not standing.tasks:
            return
        for work in list(state.tasks.values()):
            task = work.manifest.task
            is_idle = standing.paused or task in standing.tasks
            if is_idle and work.blocks and all(each.is_repeat for each in state.assignments.of_task(task)):
                self._managers.give_back(work)

    def _stop(self) -> None:
        """Tell clients to stop what they run of what is stopped; all of it is ready again."""
        state, standing = self._state, self._state.standing
        for batch in [each for each in state.assignments.by_token.values() if self._is_stopped(each)]:
            state.release(batch, batch.open.runs())
            if batch.session in state.roster.sessions:
                state.tell(batch.session, messages.Cancel(task=batch.task, tokens=[batch.token]))
        for session in state.roster.sessions.values():
            if standing.stopped:
                state.tell(session.name, messages.Idle(reason=standing.reason()))

    def _is_stopped(self, batch: Batch) -> bool:
        return self._state.standing.stopped or batch.task in self._state.standing.tasks

    def _crowd_out(self) -> None:
        """Send the newest clients away that there are too many of."""
        state, most = self._state, self._state.standing.max_clients
        sessions = list(state.roster.sessions.values())
        for session in sessions[most:] if most else ():
            self._drain.turn_away(session, FULL)

    def _tell_waiting(self, reason: str) -> None:
        for waiting in self._state.roster.waiting.values():
            for session in waiting.values():
                self._state.tell(session.name, messages.Idle(reason=reason))
