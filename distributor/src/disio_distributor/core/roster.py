"""Connected clients: what they can run, how fast they are, and which of them wait for work.

Rule: a session is in the roster from its ClientJoined to its ClientLeft; clients of equal capability are kept
together, so a question about all clients is answered per capability.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from disio_distributor.core.pace import Pace
from disio_shared.abilities import LANGUAGES, NATIVE, in_words
from disio_shared.messages import Hello, TaskManifest

Ability = tuple[list[str], list[str], int]
"""Languages and kinds of all clients, and the largest memory among them in MB (0 = unknown)."""

RATE_S = 30.0
"""Time over which a client's own rate is averaged."""
MAX_SPEEDS = 64
"""Tasks whose speed is remembered per session."""


class Capability(NamedTuple):
    """What decides which tasks a client can run."""

    kind: str
    languages: frozenset[str]
    memory_mb: int
    """0 = unknown, which is taken for enough."""

    def runs(self, manifest: TaskManifest) -> bool:
        """Tell whether such a client can run a task."""
        return self.missing(manifest) == ""

    def missing(self, manifest: TaskManifest) -> str:
        """Return what the task needs and such a client lacks, in words; empty when nothing is lacking."""
        if manifest.language not in self.languages:
            return in_words(manifest.language)
        if manifest.kinds and self.kind not in manifest.kinds:
            return f"a client of kind {' or '.join(manifest.kinds)}"
        if 0 < self.memory_mb < manifest.memory_mb:
            return f"{manifest.memory_mb} MB of memory"
        return ""


class Session:
    """One welcomed client."""

    __slots__ = (
        "active_at", "capability", "client", "failures", "name", "paces", "platform", "prefers", "rate", "since",
        "site", "slots", "slowness", "software", "units", "wants",
    )  # fmt: skip

    def __init__(self, name: str, client: str, hello: Hello, max_slots: int, now: float, platform: str = "") -> None:
        self.name, self.client = name, client
        self.capability = Capability(hello.kind, frozenset(hello.languages), max(0, hello.memory_mb))
        self.slots = min(max(1, hello.cores), max_slots)
        self.site, self.software, self.since = hello.site, hello.software, now
        self.prefers = hello.prefers
        """The task that it wants to help first; empty = any."""
        self.platform = platform
        """Family of its browser and system, for people."""
        self.units = self.failures = 0
        """Results, and tries that failed, since it connected."""
        self.rate = Rate(RATE_S)
        self.paces: dict[str, Pace] = {}
        self.slowness = 1.0
        """How many times as long as others it takes for a unit, smoothed over tasks."""
        self.wants = False
        """A Ready of it is not answered yet."""
        self.active_at = now
        """When it last asked for work or answered some."""

    def pace(self, task: str) -> Pace:
        """Return how it does with a task."""
        pace = self.paces.get(task)
        if pace is None:
            if len(self.paces) >= MAX_SPEEDS:
                del self.paces[next(iter(self.paces))]
            pace = self.paces[task] = Pace()
        return pace


class Rate:
    """Events a second, averaged over about ``over_s`` seconds and right from the first one on."""

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._sum = 0.0
        self._at = self._since = 0.0
        self._begun = False

    def begin(self, now: float) -> None:
        """Note that what will be counted is being worked on from now: the first events are averaged over that time."""
        if not self._begun and self._decayed(now) < 1.0:
            self._since, self._begun = now, True

    def add(self, count: int, now: float) -> None:
        """Count events."""
        before = self._decayed(now)
        if before < 1.0 and not self._begun:
            # Nobody knows since when it was worked on, after a restart for example: not since just now.
            self._since = now - self._over_s
        self._begun = False
        self._sum = before + count
        self._at = now

    def at(self, now: float) -> float:
        """Return the rate."""
        # Until a whole averaging time has passed only the part that has passed counts.
        share = 1.0 - math.exp(-max(now - self._since, 0.1) / self._over_s)
        return self._decayed(now) / (self._over_s * share)

    def _decayed(self, now: float) -> float:
        return self._sum * math.exp(-max(0.0, now - self._at) / self._over_s)


class Roster:
    """All welcomed sessions."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.classes: dict[Capability, dict[str, Session]] = {}
        self.waiting: dict[Capability, dict[str, Session]] = {}
        """Sessions with an unanswered Ready, longest waiting first."""
        self.wishing: dict[str, Session] = {}
        """Sessions that prefer a task."""
        self.version = 0
        """Grows when sessions or slots change."""
        self.slots = 0
        self._class_slots: Counter[Capability] = Counter()
        self.kinds: Counter[str] = Counter()
        self._offers: dict[str, Ability] = {}
        """By cluster, as of ``_offers_version``."""
        self._offers_version = -1
        self._first: frozenset[str] = frozenset()
        self._first_of = (-1, 0)
        """Version and limit that ``_first`` is of."""

    def add(self, session: Session) -> None:
        """Let a session in; one of the same name is replaced."""
        self.remove(session.name)
        self.sessions[session.name] = session
        if session.prefers:
            self.wishing[session.name] = session
        self.classes.setdefault(session.capability, {})[session.name] = session
        self.version += 1
        self.slots += session.slots
        self._class_slots[session.capability] += session.slots
        self.kinds[session.capability.kind] += 1

    def remove(self, name: str) -> Session | None:
        """Take a session out; return it when it was there."""
        session = self.sessions.pop(name, None)
        if session is None:
            return None
        self.answered(session)
        self.wishing.pop(name, None)
        members = self.classes[session.capability]
        del members[name]
        self.version += 1
        self.slots -= session.slots
        self._class_slots[session.capability] -= session.slots
        if not members:
            del self.classes[session.capability], self._class_slots[session.capability]
        self.kinds[session.capability.kind] -= 1
        if not self.kinds[session.capability.kind]:
            del self.kinds[session.capability.kind]
        return session

    def resized(self, session: Session, slots: int) -> None:
        """Believe a session's newest number of slots."""
        if slots == session.slots:
            return
        self.version += 1
        self.slots += slots - session.slots
        self._class_slots[session.capability] += slots - session.slots
        session.slots = slots

    def asked(self, session: Session) -> None:
        """Remember a Ready; a repeat keeps its place."""
        session.wants = True
        self.waiting.setdefault(session.capability, {})[session.name] = session

    def first(self, slots: int) -> frozenset[str]:
        """Return the sessions that came first and have no more slots than these together."""
        if self._first_of != (self.version, slots):
            left, found = slots, []
            for name, session in self.sessions.items():
                if session.slots <= left:
                    found.append(name)
                    left -= session.slots
            self._first, self._first_of = frozenset(found), (self.version, slots)
        return self._first

    def answered(self, session: Session) -> None:
        """Forget a Ready."""
        session.wants = False
        waiting = self.waiting.get(session.capability)
        if waiting is not None and waiting.pop(session.name, None) is not None and not waiting:
            del self.waiting[session.capability]

    def capable(self, manifest: TaskManifest) -> Iterator[Session]:
        """Yield the sessions that can run a task."""
        for capability, members in self.classes.items():
            if capability.runs(manifest):
                yield from members.values()

    def capable_slots(self, manifest: TaskManifest) -> tuple[int, int]:
        """Return how many sessions can run a task and how many slots they have."""
        sessions = slots = 0
        for capability, members in self.classes.items():
            if capability.runs(manifest):
                sessions += len(members)
                slots += self._class_slots[capability]
        return sessions, slots

    def offers(self, cluster: str) -> Ability:
        """Return languages, kinds and the largest memory of all sessions together (0 = unknown).

        Which other clusters clients trust with native Python is none of a cluster's business, and without bound.
        """
        if self._offers_version != self.version:
            self._offers_version = self.version
            self._offers.clear()
        if cluster not in self._offers:
            self._offers[cluster] = self._offered(cluster)
        return self._offers[cluster]

    def _offered(self, cluster: str) -> Ability:
        told = {*LANGUAGES, NATIVE + cluster}
        languages = sorted(told & {each for one in self.classes for each in one.languages})
        memory = [capability.memory_mb for capability in self.classes]
        return languages, sorted(self.kinds), 0 if 0 in memory else max(memory, default=0)
