"""Tasks in notebooks: as a small table, and as one that is kept up to date.

Rule: whatever comes from a task is escaped; no script, and nothing of IPython is imported before it is there anyway.
"""

import html
import sys
import time
from types import TracebackType
from typing import Any, Self

from disio.sdk.shapes import TaskInfo

LEAST_S = 0.25
"""Seconds between two changes of what is shown."""
_COLOURS = {"done": "#2e7d32", "failed": "#c62828", "cancelled": "#757575", "expired": "#c62828", "paused": "#ef6c00"}
_OPEN = "#1565c0"


def task_html(info: TaskInfo) -> str:
    """Return a task as HTML."""
    share = 100 * (info.done + info.failed) / max(info.total, 1)
    colour = _COLOURS.get(info.state, _OPEN)
    facts = [f"{info.done:,} of {info.total:,} done"]
    facts += [f"{info.failed:,} failed"] if info.failed else []
    facts += [f"{info.rate:.1f}/s"] if info.rate else []
    facts += [f"{info.eta_s:.0f} s left"] if info.eta_s is not None else []
    return (
        f'<div style="max-width:40em"><b>{html.escape(info.name)}</b> '
        f'<span style="color:{colour}">{html.escape(info.state)}</span> <code>{html.escape(info.id)}</code>'
        f'<div style="background:#8884;height:6px;border-radius:3px;margin:4px 0" role="progressbar"'
        f' aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share:.0f}">'
        f'<div style="background:{colour};height:6px;border-radius:3px;width:{share:.1f}%"></div></div>'
        f"{html.escape(', '.join(facts))}</div>"
    )


def in_notebook() -> bool:
    """Tell whether this runs in a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


class NotebookBar:
    """Shows tasks below a notebook's cell."""

    def __init__(self) -> None:
        self._handles: dict[str, Any] = {}
        self._shown: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, info: TaskInfo) -> None:
        """Show how far a task is; too frequent news wait, but not the last ones."""
        from IPython.display import HTML, display  # type: ignore[import-not-found]

        now = time.monotonic()
        if info.id not in self._handles:
            self._handles[info.id] = display(HTML(task_html(info)), display_id=True)
        elif info.is_over or now - self._shown[info.id] >= LEAST_S:
            self._handles[info.id].update(HTML(task_html(info)))
        else:
            return
        self._shown[info.id] = now
