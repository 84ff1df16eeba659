"""Records and views as the JSON that REST and the feed show.

Rule: a list's items leave out ``payloads``.
"""

from typing import Any, Literal

import msgspec

from disio_manager.api.answers import Task, TaskItem, WorkunitShown
from disio_manager.core.records import TaskRecord
from disio_manager.core.views import TaskView


def task_item(record: TaskRecord, view: TaskView | None = None) -> TaskItem:
    """Return a task as lists show it; ``view`` has the live numbers of an open one."""
    return TaskItem(**_fields(view.record if view is not None else record, view))


PayloadsShown = Literal["auto", "always", "never"]
SMALL_SPEC = 64 << 10
"""Bytes of a payload spec that is shown unasked."""


def whole_task(record: TaskRecord, view: TaskView | None, invalid: int, payloads: PayloadsShown) -> Task:
    """Return a task with its payload spec, and how many of its votes were outvoted."""
    shown, size = view.record if view is not None else record, len(record.payloads)
    is_shown = payloads == "always" or (payloads == "auto" and size <= SMALL_SPEC)
    spec = {"payloads": msgspec.Raw(record.payloads)} if is_shown else {"payloads_omitted": size}
    return Task(**_fields(shown, view), invalid=invalid, untold=len(shown.due), **spec)


def _fields(shown: TaskRecord, view: TaskView | None) -> dict[str, Any]:
    return {
        "id": shown.id,
        "number": shown.number,
        "owner": shown.owner,
        "name": shown.name,
        "tags": shown.tags,
        "description": shown.description,
        "public": shown.public,
        "workunit": WorkunitShown(
            language=shown.language,
            sha256=shown.workunit,
            bytes=shown.workunit_bytes,
            runtime=shown.runtime,
            output=shown.terms.output,
            clock=shown.terms.clock,
        ),
        "policy": shown.policy,
        "state": shown.state,
        "total": shown.total,
        "done": shown.done,
        "failed": shown.failed,
        "leased": view.leased if view is not None else 0,
        "lost": shown.lost,
        "tries_failed": shown.tries_failed,
        "copies": shown.copies,
        "matched": shown.matched,
        "growing": shown.growing,
        "ended_by": shown.ended_by,
        "created_at": shown.created_at,
        "finished_at": shown.finished_at,
        "rate": round(view.rate, 3) if view is not None else 0.0,
        "eta_s": None if view is None or view.eta_s is None else round(view.eta_s, 1),
        "version": shown.version,
        "document_sha256": shown.document_sha256,
    }
