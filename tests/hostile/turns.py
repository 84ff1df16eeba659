"""Whether a page could do its own work: gaps between the turns of its event loop, and the tasks that held its thread.

Rule: a gap blames nobody, since a busy machine makes gaps in every page, so an idle page is watched beside. Who held a
page's thread is what the browser says: its long tasks name the frame they came from, its scripts where they are from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

LONG_MS = 50
"""What no page may be held for; browsers call a task long from there on, too."""
SCRIPT = """
window.watchTurns = () => { window.turns = {since: performance.now(), gaps: [], tasks: [], scripts: []} };
watchTurns();
{
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    if (now - last > LONG_MS) turns.gaps.push([performance.timeOrigin + last, now - last]);
    last = now;
  }, 5);
  const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({type});
  watch("longtask", ({name, startTime, duration, attribution}) => turns.tasks.push(
    [performance.timeOrigin + startTime, duration, name, attribution.map((one) => one.containerSrc)]));
  watch("long-animation-frame", ({scripts}) => scripts.forEach(({startTime, duration, sourceURL}) =>
    turns.scripts.push([performance.timeOrigin + startTime, duration, "script", [sourceURL]])));
}
""".replace("LONG_MS", str(LONG_MS))
READ = "({...window.turns, seconds: (performance.now() - window.turns.since) / 1000})"


@dataclass(frozen=True)
class Span:
    """Something that lasted: from ``at`` (since the epoch) for ``ms``, both in milliseconds."""

    at: float
    ms: float
    name: str = ""
    sources: tuple[str, ...] = ()
    """Addresses of the frame or the script that it came from."""

    def meets(self, other: Span) -> bool:
        """Whether both were at one time."""
        return self.at < other.at + other.ms and other.at < self.at + self.ms


@dataclass(frozen=True)
class Turns:
    """What was seen of one page."""

    seconds: float
    """For how long it was watched."""
    gaps: list[Span]
    """Times of more than ``LONG_MS`` in which no turn began."""
    tasks: list[Span]
    """Tasks that held the page's thread for more than ``LONG_MS``, whosever they were."""
    scripts: list[Span]
    """Longer scripts of the page's own, by address."""

    @classmethod
    async def of(cls, page: Page) -> Turns:
        """Return what was seen since ``watchTurns()``."""
        seen = await page.evaluate(READ)
        return cls(seen["seconds"], *(spans(seen[name]) for name in ("gaps", "tasks", "scripts")))

    def by(self, address: str) -> list[Span]:
        """Return what held the thread too long and came from frames or scripts below an address."""
        held = [*self.tasks, *(script for script in self.scripts if script.ms > LONG_MS)]
        return [span for span in held if any(source.startswith(address) for source in span.sources)]

    def __str__(self) -> str:
        held = sum(any(gap.meets(task) for task in self.tasks) for gap in self.gaps)
        largest = max((gap.ms for gap in self.gaps), default=0)
        return (
            f"{len(self.gaps)} gaps over {LONG_MS} ms in {self.seconds:.0f} s, the largest {largest:.0f} ms; "
            f"its thread was held in {held} of them, by {len(self.tasks)} long tasks"
        )


def spans(rows: list[list[Any]]) -> list[Span]:
    """Return rows as the page keeps them: at, ms, and of tasks and scripts the name and addresses."""
    return [Span(at, ms, *more[:1], *(tuple(filter(None, urls)) for urls in more[1:])) for at, ms, *more in rows]
