"""How much work to ask the managers for.

Rule: of the managers of a cluster one is asked at a time, and the next one when it has nothing; an Ask stands with
each of those, and is replaced when the clients can run something else than it says.
"""

from collections import Counter

from disio_distributor.core.links import Asked, Cluster, Link
from disio_distributor.core.offers import fair_part, welcome
from disio_distributor.core.state import State
from disio_distributor.core.wishes import Wishes
from disio_shared.messages import Ask, Grant, Offer

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


def useless(state: State) -> Counter[str]:
    """Return by cluster the open payloads held that nobody here gets: their task is paused or too demanding."""
    found: Counter[str] = Counter()
    for work in state.tasks.values():
        is_stopped = work.paused or work.manifest.task in state.standing.tasks
        if is_stopped or not any(capability.runs(work.manifest) for capability in state.roster.classes):
            found[work.cluster] += work.open_count
    return found


def has_room(state: State, cluster: Cluster) -> bool:
    """Tell whether more may be held: payloads of this cluster, and bytes of all."""
    held = sum(each.load.bytes for each in state.clusters.values())
    return cluster.load.open < state.settings.max_outstanding and held < state.settings.max_held_bytes


class Demand:
    """Asks, and remembers what it asked."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._wishes = Wishes(state)
        self._aim = 0
        self._useless: Counter[str] = Counter()
        self._aim_until = float("-inf")
        self._aim_version = -1

    def review(self, now: float) -> None:
        """Ask wherever less than a part (``refill``) of what is wanted is held."""
        state = self._state
        if state.draining or state.standing.paused or not state.links or not state.space.leases:
            return
        if now >= self._aim_until or self._aim_version != state.roster.version or not self._aim:
            self._aim, self._useless = wanted(state, now), useless(state)
            self._aim_until, self._aim_version = now + AIM_S, state.roster.version
            is_time_for_wishes = bool(state.roster.wishing)
        else:
            is_time_for_wishes = False
        for name in {link.cluster: None for link in state.links.values()}:
            self._review_cluster(name, state.clusters[name], self._aim, now)
        for link in state.links.values():
            self._introduce(link)
        if is_time_for_wishes:
            self._seek(now)

    def look_again(self) -> None:
        """Count anew at the next review: a task was paused or resumed."""
        self._aim_version = -1

    def answered(self, link: Link, grant: Grant, is_useful: bool) -> None:
        """Take note of a Grant; one that holds nothing of use leaves the Ask standing with that manager."""
        cluster = self._state.cluster(link.cluster)
        asked = cluster.asked.get(link.name)
        if asked is None or grant.request != asked.ask.request:
            if grant.blocks:
                cluster.waiting = ""
            return
        cluster.waiting = grant.waiting
        asked.is_answered = True
        if is_useful:
            self.forget(link)

    def forget(self, link: Link) -> None:
        """Take nothing as asked of a link: its session is over, or the Ask was answered."""
        self._state.cluster(link.cluster).asked.pop(link.name, None)
        self._state.deadlines.discard((ASK, link.name))

    def repeat(self, name: str, now: float) -> None:
        """Let an Ask that earned nothing be asked again, should there still be need."""
        link = self._state.links.get(name)
        if link is not None:
            self.forget(link)

    def offered(self, link: Link, offer: Offer) -> None:
        """Ask for payloads of tasks that we hold nothing of, if clients of ours wait or work."""
        state = self._state
        cluster = state.cluster(link.cluster)
        if not state.space.leases or not has_room(state, cluster):
            link.missed = True
            return
        tasks = welcome(state, offer)
        least = SLOTS_AHEAD * state.roster.slots
        payloads = fair_part(state, link.cluster, tasks, self._aim, least) if tasks else 0
        if payloads > 0:
            state.send(link.name, self._ask(cluster, link, payloads, tasks))

    def _seek(self, now: float) -> None:
        """Ask for the tasks that clients came to help and that little is held of."""
        for task in self._wishes.due(now):
            payloads = min(self._aim, SLOTS_AHEAD * self._wishes.slots_for(task))
            for link in self._wishes.links_to(task):
                cluster = self._state.cluster(link.cluster)
                if payloads > 0 and has_room(self._state, cluster):
                    self._state.send(link.name, self._ask(cluster, link, payloads, [task]))

    def stop(self) -> None:
        """Take nothing as asked, of anybody."""
        for link in self._state.links.values():
            self.forget(link)

    def _review_cluster(self, name: str, cluster: Cluster, aim: int, now: float) -> None:
        useful = cluster.load.open - self._useless.get(name, 0)
        missing = min(aim - useful, self._state.settings.max_outstanding - cluster.load.open)
        links = self._state.links_of(name)
        for link in links:
            asked = cluster.asked.get(link.name)
            if asked is not None and not self._is_current(asked, link):
                self._send(cluster, link, max(0, missing), now)
        if useful >= aim * self._state.settings.refill:
            return
        others = [link for link in links if link.name not in cluster.asked]
        is_due = others and all(each.is_answered for each in cluster.asked.values())
        if is_due and has_room(self._state, cluster):
            following = _after(cluster.last_asked, others)
            cluster.last_asked = following.name
            self._send(cluster, following, missing, now)

    def _introduce(self, link: Link) -> None:
        """Let a manager that is not asked know what the clients can run: it may have something to offer."""
        if link.version == self._aim_version and not link.missed:
            return
        cluster = self._state.cluster(link.cluster)
        is_missing = link.missed and link.name not in cluster.asked and has_room(self._state, cluster)
        link.version = self._aim_version
        if is_missing or link.ability != self._state.roster.offers(link.cluster):
            self._state.send(link.name, self._ask(cluster, link, 0, []))

    def _is_current(self, asked: Asked, link: Link) -> bool:
        if asked.version != self._aim_version:
            languages, kinds, memory_mb = self._state.roster.offers(link.cluster)
            if (asked.ask.languages, asked.ask.kinds, asked.ask.memory_mb) != (languages, kinds, memory_mb):
                return False
            asked.version = self._aim_version
        return True

    def _send(self, cluster: Cluster, link: Link, payloads: int, now: float) -> None:
        """Let a new Ask stand with a manager, in place of the one before."""
        ask = self._ask(cluster, link, payloads, [])
        cluster.asked[link.name] = Asked(ask, self._state.roster.version)
        self._state.deadlines.set((ASK, link.name), now + self._state.settings.reask_s)
        self._state.send(link.name, ask)

    def _ask(self, cluster: Cluster, link: Link, payloads: int, only: list[str]) -> Ask:
        link.ability = languages, kinds, memory_mb = self._state.roster.offers(link.cluster)
        link.missed = link.missed and bool(only)
        cluster.request += 1
        return Ask(
            request=cluster.request,
            payloads=payloads,
            languages=languages,
            kinds=kinds,
            memory_mb=memory_mb,
            tasks=[task for task, work in self._state.tasks.items() if work.cluster == link.cluster],
            only=only,
        )


def _after(name: str, links: list[Link]) -> Link:
    """Return which of some links has the name that follows ``name``, round and round."""
    ordered = sorted(links, key=lambda link: link.name)
    return next((link for link in ordered if link.name > name), ordered[0])
