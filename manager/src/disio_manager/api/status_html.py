"""The public status page of a platform: HTML that runs nothing.

Rule: as ``public_html``: every text that somebody wrote is escaped here, and the page has no script and loads nothing.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from disio_manager.api.answers import TaskItem
from disio_manager.api.fleet_answers import Stats
from disio_manager.api.public_html import RENEW, STYLE, help_link, moment, shortened
from disio_manager.core.wording import pace, span
from disio_shared.taskdoc import OPEN_STATES


class Status(NamedTuple):
    """What the page shows."""

    stats: Stats
    recent: int
    """Results of the last 90 days."""
    open: Sequence[TaskItem]
    """Public tasks that are computed, newest first."""
    more: int
    """How many more of those there are."""
    ended: Sequence[TaskItem]
    """Public tasks that ended lately."""
    distributors: Sequence[str]
    """Addresses where a browser can help."""
    at: float


def status_page(shown: Status) -> str:
    """Return the page."""
    helper = shown.distributors[0].rstrip("/") if shown.distributors else ""
    parts = [
        "<h1>What is computed here</h1>",
        _numbers(shown),
        _help(shown),
        _tasks("Computed now", shown.open, shown.more, helper),
        _tasks("Ended lately", shown.ended, 0, "") if shown.ended else "",
        f"<footer>This page is of {moment(shown.at)}. {RENEW}. It shows the tasks whose "
        "owners made them public. Made with disio.</footer>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>What is computed here</title><style>{STYLE}</style>"
        f"</head><body><main>{''.join(parts)}</main></body></html>"
    )


def _numbers(shown: Status) -> str:
    stats = shown.stats
    facts = [
        ("results, lately", pace(stats.rate)),
        ("clients now", f"{stats.clients:,}"),
        ("of them in browsers", f"{stats.kinds.get('web', 0):,}"),
        ("payloads to do", f"{stats.queue:,}"),
        ("results in 90 days", f"{shown.recent:,}"),
        ("tasks done", f"{stats.tasks.get('done', 0):,}"),
    ]
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in facts)}</dl>"


def _help(shown: Status) -> str:
    if not shown.distributors:
        return '<h2>Lend a hand</h2><p class="note">No distributor takes volunteers just now.</p>'
    places = [url.rstrip("/") for url in shown.distributors]
    links = ", ".join(map(help_link, places))
    return (
        f"<h2>Lend a hand</h2><p>Open {links}, and agree to compute: nothing begins before that.</p>"
        f"<p>Or on a machine with disio: <code>disio-client --distributor {escape(places[0])}</code></p>"
    )


def _tasks(title: str, tasks: Sequence[TaskItem], more: int, helper: str) -> str:
    if not tasks:
        return f'<h2>{title}</h2><p class="note">No public task is computed just now.</p>'
    rest = f'<p class="note">{more:,} more are not shown.</p>' if more else ""
    return f"<h2>{title}</h2>{''.join(_task(task, helper) for task in tasks)}{rest}"


def _task(task: TaskItem, helper: str) -> str:
    closed, total = task.done + task.failed, max(task.total, 1)
    told = f'<p class="told">{escape(shortened(task.description))}</p>' if task.description else ""
    left = f", about {span(task.eta_s)} to go" if task.eta_s is not None else ""
    speed = f", {pace(task.rate)}" if task.rate else ""
    failed = f", {task.failed:,} failed" if task.failed else ""
    takes_browsers = "web" in task.policy.requires.kinds and task.workunit.runtime != "native"
    can_help = bool(helper) and takes_browsers and task.state in OPEN_STATES
    lend = f'<p><a href="{escape(helper)}/help?task={quote(task.id)}" rel="noreferrer">Help this one</a></p>'
    lend = lend if can_help else ""
    return (
        f'<h3><a href="/tasks/{escape(task.id)}">{escape(task.name)}</a></h3>{told}'
        f'<progress max="{total}" value="{closed}" aria-label="{escape(task.name)}"></progress>'
        f'<p class="note">{escape(task.state)}: {task.done:,} of {task.total:,} done{failed}{speed}{left}</p>{lend}'
    )
