"""The web page of a task, for everybody: HTML that runs nothing.

Rule: every text that somebody wrote is escaped here, once, where it is put into the page; the page has no script, no
form and loads nothing, and its policy says so.
"""

import base64
import hashlib
import time
from collections.abc import Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from disio_manager.api.answers import TaskItem
from disio_manager.core.wording import pace, span
from disio_shared.taskdoc import OPEN_STATES

REFRESH_S = 10
RENEW = f'<a href="?renew=true">Renew it every {REFRESH_S} s</a>'
STOP = f'It renews itself every {REFRESH_S} s: <a href="?renew=false">stop that</a>'
"""A page that moves under its reader unasked is in the way of many, so it does what it is told."""
MAX_SHOWN = 200
"""Characters of a payload or result."""
MAX_CODE = 64 << 10
"""Characters of code."""
STYLE = (
    ":root{color-scheme:light dark;--bg:#fbfaf7;--panel:#fff;--line:#dcd9d0;--ink:#1b1f24;--muted:#5b6470;"
    "--accent:#0b7a75;--failed:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0f1419;--panel:#161d24;--line:#2b3641;--ink:#e6eaee;"
    "--muted:#93a1af;--accent:#3cc8b4;--failed:#f58a83}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:52rem;margin:0 auto;padding:1.5rem 1rem 3rem}h1{margin:0 0 .25rem;font-size:1.6rem;"
    "overflow-wrap:anywhere}h2{margin:2rem 0 .5rem;font-size:1.1rem}p{margin:.5rem 0;overflow-wrap:anywhere}"
    ".note,.told{white-space:pre-line}.note,dt,th,footer{color:var(--muted)}a{color:var(--accent)}"
    "progress{width:100%;height:1rem;accent-color:var(--accent)}"
    "dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.75rem;margin:1rem 0}"
    "dl div{background:var(--panel);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}"
    "dt{font-size:.85rem}dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}"
    ".bad{color:var(--failed)}pre,.wide{overflow:auto;background:var(--panel);border:1px solid var(--line);"
    "border-radius:.5rem}pre{padding:.75rem;max-height:30rem}pre,code,td{font-family:ui-monospace,Menlo,Consolas,"
    '"DejaVu Sans Mono",monospace;font-size:.85rem}table{border-collapse:collapse;width:100%}'
    "th,td{padding:.3rem .75rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}"
    "tr:last-child td{border-bottom:0}td{overflow-wrap:anywhere}td:first-child,th:first-child{text-align:right;"
    "width:1%;white-space:nowrap}footer{margin-top:2.5rem;font-size:.85rem}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-scripts allow-popups allow-top-navigation-by-user-activation"
)
"""A sandbox without ``allow-scripts`` forbids a page to renew itself, too; scripts are forbidden by the first part."""


class Row(NamedTuple):
    """A payload, or a result."""

    number: int
    text: str


class Shown(NamedTuple):
    """What the page shows."""

    task: TaskItem
    code: str | None
    """None: it is no text."""
    first: Sequence[Row]
    last: Sequence[Row]
    """Payloads at the end, if there are more than the first."""
    results: Sequence[Row]
    distributors: Sequence[str]
    """Addresses where a browser can help; empty when none can."""
    volunteers: int
    """Clients that are connected now; tasks share them."""
    at: float


def page(shown: Shown) -> str:
    """Return the page."""
    task, is_open = shown.task, shown.task.state in OPEN_STATES
    parts = [
        f"<h1>{escape(task.name)}</h1>",
        f'<p class="told">{escape(task.description)}</p>' if task.description else "",
        _progress(task, shown.volunteers if is_open else None),
        _help(shown) if is_open else "",
        _table("Latest results", "result", shown.results),
        _table("Payloads", "payload", shown.first, shown.last),
        _code(task, shown.code),
        f"<footer>Task {task.number}, made {moment(task.created_at)}. This page is of {moment(shown.at)}"
        + (f". {RENEW}." if is_open else ".")
        + " Its numbers as JSON: "
        f'<a href="/tasks/{escape(task.id)}/progress.json">progress.json</a>. Made with disio.</footer>',
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(task.name)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def help_link(distributor: str, task: str = "") -> str:
    """Return a link to a distributor's page for volunteers, for a task first if one is given."""
    url = distributor.rstrip("/")
    asked = f"?task={quote(task, safe='')}" if task else ""
    return f'<a href="{escape(url)}/help{asked}" rel="noreferrer">{escape(url)}</a>'


def renewing(html: str) -> str:
    """Return a page as it is for who asked it to renew itself, if there is anything to come."""
    if RENEW not in html:
        return html
    meta = f'<meta http-equiv="refresh" content="{REFRESH_S}">'
    return html.replace("<title>", f"{meta}<title>", 1).replace(RENEW, STOP, 1)


def shortened(text: str, limit: int = MAX_SHOWN) -> str:
    """Return text, or its beginning and how much more there is."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit:,} characters more)"


def _progress(task: TaskItem, volunteers: int | None) -> str:
    facts = [("state", task.state), ("done", f"{task.done:,} of {task.total:,}")]
    facts += [("lately", pace(task.rate))] if task.rate else []
    facts += [("to go, about", span(task.eta_s))] if task.eta_s is not None else []
    facts += [("volunteers now", f"{volunteers:,}")] if volunteers is not None else []
    rows = [f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts]
    if task.failed:
        rows.append(f'<div><dt>failed</dt><dd class="bad">{task.failed:,}</dd></div>')
    share = 100 * (task.done + task.failed) / max(task.total, 1)
    return (
        f'<progress max="{max(task.total, 1)}" value="{task.done + task.failed}" aria-label="closed payloads">'
        f"{share:.1f} %</progress><dl>{''.join(rows)}</dl>"
    )


def _help(shown: Shown) -> str:
    """Return how to lend a machine to the task."""
    told = ["<h2>Lend a hand</h2>"]
    kinds = shown.task.policy.requires.kinds
    if shown.task.workunit.runtime == "native":
        return "".join([*told, "<p>This task runs on machines of its owner alone.</p>"])
    if not shown.distributors:
        return "".join([*told, '<p class="note">No distributor takes volunteers just now.</p>'])
    if "web" in kinds:
        links = ", ".join(help_link(url, shown.task.id) for url in shown.distributors)
        told.append(f"<p>Open {links}, and agree to compute: nothing begins before that. This task comes first.</p>")
    if "cli" in kinds:
        command = f"disio-client --distributor {escape(shown.distributors[0])}"
        told.append(f"<p>Or on a machine with disio: <code>{command}</code></p>")
    return "".join(told)


def _table(title: str, kind: str, first: Sequence[Row], last: Sequence[Row] = ()) -> str:
    if not first:
        return ""
    rows = [f"<tr><td>{row.number}</td><td>{escape(shortened(row.text))}</td></tr>" for row in first]
    rows += ["<tr><td>…</td><td></td></tr>"] if last else []
    rows += [f"<tr><td>{row.number}</td><td>{escape(shortened(row.text))}</td></tr>" for row in last]
    head = f'<tr><th scope="col">number</th><th scope="col">{kind}</th></tr>'
    table = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<h2>{title}</h2><div class="wide" tabindex="0" role="region" aria-label="{title}">{table}</div>'


def _code(task: TaskItem, code: str | None) -> str:
    names = {"javascript": "JavaScript", "python": "Python", "wasm": "WebAssembly"}
    title = f"<h2>Code: {escape(names.get(task.workunit.language, task.workunit.language))}</h2>"
    named = f'<p class="note">SHA-256 {escape(task.workunit.sha256)}, {task.workunit.bytes:,} bytes.</p>'
    return title + (f'<pre tabindex="0">{escape(shortened(code, MAX_CODE))}</pre>' if code is not None else "") + named


def moment(seconds: float) -> str:
    """Return a time for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
