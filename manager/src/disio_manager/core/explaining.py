"""Why a task is or is not progressing, in sentences.

Rule: each sentence states a fact of this moment and, where somebody can help, what would.
"""

from disio_manager.core.book import Book
from disio_manager.core.scheduling import can_run
from disio_manager.core.tasks import TaskEntry


def explain(book: Book, entry: TaskEntry, now: float) -> list[str]:
    """Return at least one sentence about an open task."""
    record = entry.record
    lines = [f"{record.done} of {record.total} payloads done, {record.failed} failed, {entry.leased} handed out."]
    if record.state == "paused":
        return [*lines, "The task is paused: resume it to go on."]
    if record.failed:
        lines.append(f"{record.failed} payloads are quarantined: read their errors in the results, then retry.")
    rate = entry.meter.rate(now)
    if entry.holders and rate > 0.001:
        lines.append(f"{_counted(entry)} computing it, {rate:.3g} payloads a second lately.")
    elif entry.holders:
        lines.append(f"{_counted(entry)} holding blocks of it, but no result has come lately.")
    else:
        lines += _why_idle(book, entry)
    return lines


def _counted(entry: TaskEntry) -> str:
    number = len(entry.holders)
    return "1 distributor is" if number == 1 else f"{number} distributors are"


def _why_idle(book: Book, entry: TaskEntry) -> list[str]:
    online = [one for one in book.fleet.online() if one.is_taking]
    if not online:
        return ["No distributor is connected: start one with `disio distributor start`."]
    if not any(can_run(ability, entry) for ability, _ in book.fleet.abilities()):
        needs = entry.record.policy.requires
        return [
            f"No connected client runs {entry.record.language} as {' or '.join(needs.kinds)} with "
            f"{needs.memory_mb} MB: connect one, or lower what the task requires."
        ]
    return ["It waits for its turn: tasks of a higher priority or with a smaller share so far come first."]
