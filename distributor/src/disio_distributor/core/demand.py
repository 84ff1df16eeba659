"""How much work to ask the managers for.

Rule: one Ask per cluster stands at a time; it is replaced when the clients can run something else than it says.
"""

from disio_distributor.core.state import Cluster, State
from disio_shared.messages import Ask, Grant

ASK = "ask"
AIM_S = 0.1
"""How long the amount to hold stands before the rate is looked at again."""
SLOTS_AHEAD = 4
"""Payloads per slot to hold when no rate is known."""


def wanted(state: State, now: float) -> int:
    """Return how many open payloads to hold of one cluster; none for clients that do not take part."""
    settings, roster = state.settings, state.roster
    if not any(state.takes_part(session, now) for session in roster.sessions.values()):
        return 0
    work = max(SLOTS_AHEAD * roster.slots, int(settings.lookahead_s * state.rate.at(now)))
    return min(work, settings.max_outstanding)


class Demand:
    """Asks, and remembers what it asked."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._aim = 0
        self._aim_until = float("-inf")
        self._aim_version = -1

    def review(self, now: float) -> None:
        """Ask wherever less than half of what is wanted is held."""
        state = self._state
        if state.draining or not state.links:
            return
        if now >= self._aim_until or self._aim_version != state.roster.version or not self._aim:
            self._aim = wanted(state, now)
            self._aim_until, self._aim_version = now + AIM_S, state.roster.version
        for link in state.links.values():
            self._review_cluster(link.cluster, state.clusters[link.cluster], self._aim, now)

    def answered(self, cluster: Cluster, name: str, grant: Grant) -> None:
        """Take note of a Grant; an empty one leaves the Ask standing with the manager."""
        cluster.waiting = "" if grant.blocks else grant.waiting
        if cluster.asked is not None and grant.blocks and grant.request == cluster.request:
            self.forget(cluster, name)

    def forget(self, cluster: Cluster, name: str) -> None:
        """Take nothing as asked: the session is over, or the Ask was answered."""
        cluster.asked = None
        self._state.deadlines.discard((ASK, name))

    def repeat(self, name: str, now: float) -> None:
        """Let an Ask that earned nothing be asked again, should there still be need."""
        self._state.cluster(name).asked = None

    def _review_cluster(self, name: str, cluster: Cluster, aim: int, now: float) -> None:
        missing = aim - cluster.load.open
        if cluster.asked is not None:
            if cluster.asked_version == self._aim_version or self._is_current(cluster.asked):
                cluster.asked_version = self._aim_version
                return
        elif cluster.load.open * 2 >= aim:
            return
        self._ask(name, cluster, max(0, missing), now)

    def _is_current(self, asked: Ask) -> bool:
        languages, kinds, memory_mb = self._state.roster.offers()
        return (asked.languages, asked.kinds, asked.memory_mb) == (languages, kinds, memory_mb)

    def _ask(self, name: str, cluster: Cluster, payloads: int, now: float) -> None:
        state = self._state
        link = state.link_of(name)
        if link is None:
            return
        languages, kinds, memory_mb = state.roster.offers()
        cluster.request += 1
        cluster.asked = Ask(
            request=cluster.request,
            payloads=payloads,
            languages=languages,
            kinds=kinds,
            memory_mb=memory_mb,
            tasks=[task for task, work in state.tasks.items() if work.cluster == name],
        )
        cluster.asked_link, cluster.asked_version = link.name, state.roster.version
        state.deadlines.set((ASK, name), now + state.settings.reask_s)
        state.send(link.name, cluster.asked)
