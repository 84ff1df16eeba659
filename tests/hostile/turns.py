"""Whether a page could do its own work: gaps between the turns of its event loop, and the tasks that held its thread.

Rule: a gap blames nobody, since a busy machine makes gaps in every page; so an idle page is watched beside. Who held a
page's thread is what the browser says: of a long task whether it was the page's own or its frames', of a script where
it is from. (It names no address of a frame of another origin: the page must have no frames but those looked for.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Page

LONG_MS = 50
"""What no page may be held for; browsers call a task long from there on, too."""
OWN = ("self", "unknown")
"""How browsers call tasks that no frame has a part in: a script of the page, or work without any."""
SCRIPT = """
window.takeNotes = [];
window.watchTurns = () => { window.turns = {since: performance.now(), largest: 0, gaps: [], tasks: [], scripts: []} };
watchTurns();
{
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    turns.largest = Math.max(turns.largest, now - last);
    if (now - last > LONG_MS) turns.gaps.push([performance.timeOrigin + last, now - last]);
    last = now;
  }, 5);
  const watch = (type, note) => {
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
    observer.observe({type, forTheTest: true});
    takeNotes.push(() => observer.takeRecords().forEach(note));
  };
  const at = (time) => performance.timeOrigin + time;
  watch("longtask", ({name, startTime, duration}) => turns.tasks.push([at(startTime), duration, name]));
  watch("long-animation-frame", ({scripts}) => scripts.forEach(({startTime, duration, sourceURL}) =>
    turns.scripts.push([at(startTime), duration, sourceURL])));
}
""".replace("LONG_MS", str(LONG_MS))
NOW = "performance.timeOrigin + performance.now()"
DRAWN = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
"""Browsers tell of long scripts when the picture that they kept waiting was drawn."""
READ = (
    "takeNotes.forEach((take) => take()), ({...window.turns, seconds: (performance.now() - window.turns.since) / 1000})"
)


@dataclass(frozen=True)
class Span:
    """Something that lasted: from ``at`` (since the epoch) for ``ms``, both in milliseconds."""

    at: float
    ms: float
    source: str = ""
    """Of a task: whose it was, as browsers call it. Of a script: its address."""

    def meets(self, other: Span) -> bool:
        """Whether both were at one time."""
        return self.at < other.at + other.ms and other.at < self.at + self.ms


@dataclass(frozen=True)
class Turns:
    """What was seen of one page."""

    seconds: float
    """For how long it was watched."""
    largest: float
    """The longest time in which no turn began, in milliseconds."""
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
        return cls(
            seen["seconds"],
            seen["largest"],
            *([Span(*row) for row in seen[name]] for name in ("gaps", "tasks", "scripts")),
        )

    def not_its_own(self, address: str) -> list[Span]:
        """Return what held the thread too long and came from the page's frames or from scripts below an address."""
        tasks = [task for task in self.tasks if task.source not in OWN]
        return tasks + [one for one in self.scripts if one.ms > LONG_MS and one.source.startswith(address)]

    def __str__(self) -> str:
        held = sum(any(gap.meets(task) for task in self.tasks) for gap in self.gaps)
        return (
            f"{len(self.gaps)} gaps over {LONG_MS} ms in {self.seconds:.0f} s, the largest {self.largest:.0f} ms; "
            f"its thread was held in {held} of them, by {len(self.tasks)} long tasks"
        )
