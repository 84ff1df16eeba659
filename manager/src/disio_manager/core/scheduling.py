"""Which task the next block comes from.

Rule: the highest priority first; among equals the task that was served least for its weight. A task that could not be
served for a while comes back level with the others, it is not paid for the past, so none is starved by it.
"""

import heapq
from collections.abc import Iterable

from disio_manager.core.fleet import Ability
from disio_manager.core.tasks import TaskEntry
from disio_shared import messages
from disio_shared.abilities import in_words

Place = tuple[int, float, float, int, str]
"""How far in front a task stands; the smallest comes first."""


def can_run(ability: Ability, entry: TaskEntry) -> bool:
    """Tell whether clients of this ability can run a task's work unit."""
    languages, kinds, memory_mb = ability
    needs = entry.record.policy.requires
    return (
        entry.needs in languages
        and not kinds.isdisjoint(needs.kinds)
        and (not memory_mb or needs.memory_mb <= memory_mb)
    )


def takers(entry: TaskEntry, abilities: Iterable[tuple[Ability, int]]) -> int:
    """Return how many distributors could take blocks of a task, at least 1."""
    able = sum(number for ability, number in abilities if can_run(ability, entry))
    most = entry.record.policy.max_distributors
    return max(1, min(able, most) if most else able)


def has_place(entry: TaskEntry, distributor: str) -> bool:
    """Tell whether a distributor may have blocks: it is not to leave the task alone, and within its limit."""
    if distributor in entry.barred:
        return False
    most = entry.record.policy.max_distributors
    return not most or distributor in entry.holders or len(entry.holders) < most


def is_waiting(entry: TaskEntry) -> bool:
    """Tell whether a task has payloads that may be handed out."""
    return entry.record.state != "paused" and (entry.unleased > 0 or entry.unclaimed > 0)


class Queue:
    """The tasks that one Ask can be served from, best first."""

    def __init__(self, entries: Iterable[TaskEntry], served: "Served") -> None:
        self._served = served
        self._heap = [(served.place(entry), entry) for entry in entries]
        heapq.heapify(self._heap)

    def take(self) -> TaskEntry | None:
        """Remove and return the task that is next."""
        return heapq.heappop(self._heap)[1] if self._heap else None

    def put(self, entry: TaskEntry) -> None:
        """Let a task stand in line again."""
        heapq.heappush(self._heap, (self._served.place(entry), entry))


class Served:
    """Fair shares: per priority, how far the least served task had come when it was last chosen."""

    def __init__(self) -> None:
        self._level: dict[int, float] = {}

    def place(self, entry: TaskEntry) -> Place:
        """Return where a task stands in line."""
        policy = entry.record.policy
        level = self._level.get(policy.priority, 0.0)
        return (-policy.priority, max(entry.served, level), entry.served, entry.record.number, entry.id)

    def charge(self, entry: TaskEntry, payloads: int) -> None:
        """Note that a task was chosen and got ``payloads`` leased."""
        policy = entry.record.policy
        level = max(entry.served, self._level.get(policy.priority, 0.0))
        self._level[policy.priority] = level
        entry.served = level + payloads / policy.weight


def why_waiting(entries: list[TaskEntry], ask: messages.Ask, ability: Ability, distributor: str) -> str:
    """Return one sentence that tells why an Ask gets no blocks."""
    if not entries:
        return "There are no open tasks."
    moving = [entry for entry in entries if entry.record.state != "paused"]
    if not moving:
        return "Every open task is paused."
    left = [entry for entry in moving if entry.unleased or entry.unclaimed]
    if not left:
        return "All payloads of the open tasks are handed out."
    able = [entry for entry in left if can_run(ability, entry)]
    if not able:
        return _why_unable(left, ability)
    if not any(has_place(entry, distributor) for entry in able):
        return "The open tasks have as many distributors as their owners allow (max_distributors)."
    return "No payloads were asked for." if ask.payloads < 1 else "No blocks can be made right now; ask again."


def _why_unable(left: list[TaskEntry], ability: Ability) -> str:
    languages, kinds, _ = ability
    wanted = {entry.needs for entry in left}
    if languages.isdisjoint(wanted):
        return f"The open tasks need {' or '.join(sorted(map(in_words, wanted)))}, which no client here runs."
    if all(kinds.isdisjoint(entry.record.policy.requires.kinds) for entry in left):
        return "The open tasks are for kinds of clients that are not connected here."
    return "The open tasks need another language, kind of client or more memory than the clients here offer."
