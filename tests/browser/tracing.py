"""What the main thread of an embedding page was busy with, from the browser's own trace.

Rule: what counts is the processor time of a task, not how long it took: on a machine that others load, a task that is
kept from running is nobody's fault.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

CATEGORIES = ["devtools.timeline", "toplevel", "v8"]
TASKS = ("ThreadControllerImpl::RunTask", "BlinkScheduler_PerformMicrotaskCheckpoint")
"""What holds a thread: tasks, and what promises go on with, which Chromium may run after a task."""
MARK = "this thread"
NAMED = 5
"""So many of the parts of a task are told of, the longest first."""


@dataclass
class MainThread:
    """Tasks of the thread that a page's scripts run on: processor time in milliseconds, and what they consisted of."""

    tasks: list[tuple[float, str]] = field(default_factory=list)
    scripts: set[str] = field(default_factory=set)
    """Addresses of the scripts that ran there."""

    def longer_than(self, ms: float) -> list[tuple[float, str]]:
        """Return the tasks that took more, the longest first."""
        return sorted((task for task in self.tasks if task[0] > ms), reverse=True)


@asynccontextmanager
async def main_thread(browser: "Browser", page: "Page") -> AsyncIterator[MainThread]:
    """Trace the thread of what the page shows at the end; what is yielded is filled then."""
    await browser.start_tracing(page=page, categories=CATEGORIES)
    seen = MainThread()
    try:
        yield seen
        await page.evaluate("mark => console.timeStamp(mark)", MARK)
    finally:
        events = json.loads(await browser.stop_tracing())["traceEvents"]
    (thread,) = {(e["pid"], e["tid"]) for e in events if e["name"] == "TimeStamp" and _data(e).get("message") == MARK}
    mine = sorted(
        (e for e in events if (e["pid"], e["tid"]) == thread and e.get("ph") == "X" and "tdur" in e),
        key=lambda event: float(event["ts"]),
    )
    tasks = [event for event in mine if event["name"] in TASKS]
    seen.tasks = [(task["tdur"] / 1000, _parts(task, mine)) for task in tasks]
    seen.scripts = {address for event in mine if (address := _address(event))}


def _parts(task: dict[str, Any], events: list[dict[str, Any]]) -> str:
    """Name what a task consisted of; short ones are not worth it."""
    if task["tdur"] < 10_000:
        return ""
    inside = [event for event in events if event is not task and 0 <= event["ts"] - task["ts"] <= task.get("dur", 0)]
    inside.sort(key=lambda event: -float(event["tdur"]))
    return "; ".join(f"{e['name']} {e['tdur'] / 1000:.1f} ms {_address(e)}".strip() for e in inside[:NAMED])


def _address(event: dict[str, Any]) -> str:
    return str(_data(event).get("url", ""))


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("args", {}).get("data", {})
    return data if isinstance(data, dict) else {}
