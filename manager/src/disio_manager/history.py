"""What is drawn of the past: points of ten seconds, of minutes and of hours, each rolled up exactly.

Rule: pure. A point holds sums over its time and the most that was seen in it, never a mean, so points can be put
together in any order: those of one manager one after the other, those of several managers side by side.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

SUMS = ("ok", "failed", "tries_failed", "lost", "copies", "invalid", "slots", "queue")
MOSTS = ("most_clients", "most_slots", "most_queue")
KINDS = frozenset({"web", "cli"})
OTHER = "other"


class Level(NamedTuple):
    """How long the points of one kind are, and how long they are kept."""

    span: int
    """Seconds a point is about."""
    kept: int
    """Seconds after which it is dropped."""


LEVELS = (Level(10, 7_200), Level(60, 172_800), Level(3_600, 7_776_000))
"""Ten seconds for 2 hours, minutes for 2 days, hours for 90 days."""


class Point(msgspec.Struct, kw_only=True, array_like=True):
    """What was counted and seen in a while; what is no count is times seconds, so over ``seconds`` it is the mean."""

    seconds: float = 0.0
    """Of the while those that somebody looked."""
    ok: int = 0
    failed: int = 0
    tries_failed: int = 0
    lost: int = 0
    copies: int = 0
    invalid: int = 0
    slots: float = 0.0
    queue: float = 0.0
    kinds: dict[str, float] = {}
    """Clients by kind."""
    most_clients: int = 0
    most_slots: int = 0
    most_queue: int = 0

    def then(self, later: "Point") -> "Point":
        """Return this and what the same manager saw later as one point."""
        return in_turn([self, later])

    def beside(self, other: "Point") -> "Point":
        """Return this and what another manager saw in the same while as one point.

        The most of both together may never have been there at once: it is no less than what was.
        """
        mosts = {name: getattr(self, name) + getattr(other, name) for name in MOSTS}
        return _added([self, other], max(self.seconds, other.seconds), mosts)


def in_turn(points: Sequence[Point]) -> Point:
    """Return what one manager saw, one point after the other, as one point."""
    mosts = {name: max([getattr(point, name) for point in points]) for name in MOSTS}
    return _added(points, sum([point.seconds for point in points]), mosts)


def _added(points: Sequence[Point], seconds: float, mosts: dict[str, int]) -> Point:
    kinds: dict[str, float] = {}
    for point in points:
        for kind, number in point.kinds.items():
            kinds[kind] = kinds.get(kind, 0.0) + number
    sums = {name: sum([getattr(point, name) for point in points]) for name in SUMS}
    return Point(seconds=seconds, kinds=kinds, **sums, **mosts)


def kinds_of(clients: dict[str, int]) -> dict[str, int]:
    """Return clients by the kinds that are told apart; a distributor may name any."""
    found: dict[str, int] = {}
    for kind, number in clients.items():
        name = kind if kind in KINDS else OTHER
        found[name] = found.get(name, 0) + number
    return found


def start_of(at: float, span: int) -> int:
    """Return when the while of ``span`` seconds that holds a moment begins."""
    return int(at // span) * span


class Row(NamedTuple):
    """A point as it is kept."""

    task: str
    """Empty: of all tasks together."""
    span: int
    at: int
    """When its while begins, seconds since 1970."""
    point: Point


class Series:
    """The points of one task, or of all, that are not over yet: one of each level."""

    def __init__(self, task: str, known: Iterable[Row] = ()) -> None:
        self._task = task
        self._open: dict[int, tuple[int, Point]] = {row.span: (row.at, row.point) for row in known}

    def note(self, point: Point, at: float) -> list[Row]:
        """Take in what was seen in a while that began at ``at``; return the rows as they are now.

        A clock that was set back goes on in the while it had reached.
        """
        rows = []
        for span, _ in LEVELS:
            begun, known = self._open.get(span, (-1, Point()))
            start = max(start_of(at, span), begun)
            grown = known.then(point) if start == begun else point
            self._open[span] = (start, grown)
            rows.append(Row(self._task, span, start, grown))
        return rows


class View(NamedTuple):
    """What can be asked for."""

    length: int
    """Seconds."""
    step: int
    """Seconds a point is about; a multiple of the span it is made of."""
    span: int


VIEWS = {
    "1h": View(3_600, 10, 10),
    "6h": View(21_600, 60, 60),
    "2d": View(172_800, 600, 60),
    "90d": View(7_776_000, 21_600, 3_600),
}


def bounds(view: View, now: float) -> tuple[int, int]:
    """Return when the first point of a view begins, and when the one behind the last does."""
    stop = start_of(now, view.step) + view.step
    return stop - view.length, stop


def gathered(rows: Sequence[tuple[str, int, Point]], view: View, start: int, stop: int) -> list[Point | None]:
    """Return the points of a view, None where nobody looked.

    Args:
        rows: Manager, begin and point, in any order.
        view: What is asked for.
        start: When its first point begins.
        stop: When the one behind the last does.
    """
    own: dict[tuple[int, str], list[Point]] = {}
    for manager, at, point in rows:
        own.setdefault((start_of(at, view.step), manager), []).append(point)
    steps: dict[int, Point] = {}
    for (at, _), points in own.items():
        point = in_turn(points) if len(points) > 1 else points[0]
        steps[at] = steps[at].beside(point) if at in steps else point
    return [steps.get(at) for at in range(start, stop, view.step)]
