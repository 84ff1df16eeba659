"""Records and views as the JSON that REST and the feed show.

Rule: the shapes are those of docs/protocol.md; a list's items leave out ``payloads``.
"""

from typing import Any

import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.core.views import TaskView


def task_item(record: TaskRecord, view: TaskView | None = None) -> dict[str, Any]:
    """Return a task as lists show it; ``view`` has the live numbers of an open one."""
    shown = view.record if view is not None else record
    return {
        "id": shown.id,
        "number": shown.number,
        "name": shown.name,
        "tags": shown.tags,
        "workunit": {
            "language": shown.language,
            "sha256": shown.workunit,
            "bytes": shown.workunit_bytes,
            "runtime": shown.runtime,
            "output": shown.terms.output,
            "clock": shown.terms.clock,
        },
        "policy": shown.policy,
        "state": shown.state,
        "total": shown.total,
        "done": shown.done,
        "failed": shown.failed,
        "leased": view.leased if view is not None else 0,
        "lost": shown.lost,
        "tries_failed": shown.tries_failed,
        "copies": shown.copies,
        "created_at": shown.created_at,
        "finished_at": shown.finished_at,
        "rate": round(view.rate, 3) if view is not None else 0.0,
        "eta_s": None if view is None or view.eta_s is None else round(view.eta_s, 1),
    }


def task_document(record: TaskRecord, view: TaskView | None, invalid: int) -> dict[str, Any]:
    """Return a task with its payload spec, and how many of its votes were outvoted."""
    return task_item(record, view) | {"invalid": invalid, "payloads": msgspec.Raw(record.payloads)}
