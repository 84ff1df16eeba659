"""One link of a distributor to a manager: sessions that begin with Join, end, and begin again.

Rule: a session's messages count only until its end is noticed; what the link does not carry the cores repeat.
"""

from collections.abc import Callable
from functools import partial

from disio_distributor.core import events as ev
from disio_shared import messages
from tests.simulation.clockwork import Clockwork, Host
from tests.simulation.network import NOTICE_S, Network

REJOIN_S = 2.0
SILENCE_S = 30.0
"""A manager that owes an answer and says nothing for so long counts as lost."""
WATCH_S = 5.0


class ManagerLink:
    """The link to one manager.

    Args:
        host: The distributor's machine.
        manager: Name of the manager, which names the link as well.
        join: Makes the first message of a session.
        up: Given the manager, the session and a message, sends it.
        handle: Takes the core's events.
    """

    def __init__(
        self,
        clock: Clockwork,
        network: Network,
        host: Host,
        manager: str,
        join: Callable[[], messages.Join],
        up: Callable[[str, str, messages.FromDistributor], None],
        handle: Callable[[ev.Event], bool],
    ) -> None:
        self.clock, self.manager = clock, manager
        self._network, self._host, self._join, self._up, self._handle = network, host, join, up, handle
        self.session, self.is_admitted = "", False
        self._sessions = 0
        self._heard_at = 0.0
        self._owed_since: float | None = None

    def reset(self) -> None:
        """Forget the session: the process died."""
        self.session, self.is_admitted = "", False

    def join(self) -> None:
        """Begin a new session; again until somebody answers."""
        if self.is_admitted:
            return
        self._sessions += 1
        self.session = f"{self._host.name}/{self.manager}/{self._sessions}"
        self._up(self.manager, self.session, self._join())
        self._host.after(REJOIN_S, partial(self._rejoin, self.session))

    def _rejoin(self, session: str) -> None:
        if session == self.session:
            self.join()

    def send(self, message: messages.FromDistributor) -> None:
        """Send on the session, if there is one."""
        if not self.is_admitted:
            return
        self._up(self.manager, self.session, message)
        if self._owed_since is None and isinstance(message, messages.Ask | messages.Deliver | messages.FetchWorkunit):
            self._owed_since = self.clock.now

    def receive(self, session: str, message: messages.ToDistributor) -> None:
        """Take a message of the manager."""
        if session != self.session:
            return
        self._heard_at, self._owed_since = self.clock.now, None
        if isinstance(message, messages.Admitted):
            if not self.is_admitted:
                self.is_admitted = True
                self._handle(ev.ManagerAdmitted(self.manager, message))
                self._watch(session)
        elif isinstance(message, messages.Error):
            self.lost(session)
        elif self.is_admitted and not isinstance(message, messages.Refused):
            self._handle(ev.ManagerSaid(self.manager, message))

    def lost(self, session: str) -> None:
        """Notice that a session is gone."""
        if session == self.session and self.is_admitted:
            self.is_admitted = False
            self.clock.trace(self._host.name, f"lost {self.manager}")
            self._handle(ev.ManagerLost(self.manager))
            self._host.after(0.2, partial(self._rejoin, session))

    def lose_later(self, within_s: float = 15.0) -> None:
        """Let the end of the present session be noticed after a while."""
        self.clock.after(self.clock.between(0.1, within_s), partial(self._host.run, partial(self.lost, self.session)))

    def starve(self) -> None:
        """Notice, after a while, a partition that still stands by then."""
        session = self.session

        def give_up() -> None:
            if not self._network.is_open(self._host.name, self.manager):
                self._host.run(partial(self.lost, session))

        self.clock.after(self.clock.between(*NOTICE_S), give_up)

    def _watch(self, session: str) -> None:
        """Mind a manager that owes an answer and is silent."""
        if session != self.session or not self.is_admitted:
            return
        since = self._owed_since
        if since is not None and self.clock.now - max(since, self._heard_at) > SILENCE_S:
            self.lost(session)
            return
        self._host.after(WATCH_S, partial(self._watch, session))
