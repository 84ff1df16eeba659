"""The hand-outs of one payload that are over.

Rule: what was kept of them comes first; the one that made the result is told even when it left nothing to keep, and
what is not kept any more is counted.
"""

from typing import Any

from disio_manager.api.answers import TriesShown, TryShown
from disio_manager.core.changes import MAX_TRIES
from disio_manager.core.records import TaskRecord
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.tries import TryRow

DONE = "done"


async def past_tries(store: ManagerStore, record: TaskRecord, index: int, story: dict[str, Any]) -> dict[str, Any]:
    """Return what of a payload's story its kept tries change.

    Args:
        store: Of this manager.
        record: The task.
        index: Of the payload.
        story: What is known of it without them.
    """
    past = await store.tries.of(record.id, index)
    tries = [_shown(row) for row in past.rows]
    if story["state"] == DONE and not any(row.outcome == DONE and row.client == story["client"] for row in past.rows):
        tries += await _maker(store, record.id, index)
    tries += story.get("tries", [])
    changed: dict[str, Any] = {"tries": tries} if tries else {}
    sentences = list(story["sentences"])
    if past.left_out:
        changed["tries_left_out"] = past.left_out
        sentences.append(
            f"{len(past.rows)} of {len(past.rows) + past.left_out} past tries are kept: a payload keeps {MAX_TRIES}."
        )
    if past.task.left_out:
        changed["task_tries"] = TriesShown(kept=past.task.kept, left_out=past.task.left_out)
        every = past.task.kept + past.task.left_out
        sentences.append(
            f"Of this task {past.task.kept:,} of {every:,} past tries and logs are kept; "
            "of this payload there may have been more than are shown."
        )
    return changed | {"sentences": sentences}


async def _maker(store: ManagerStore, task: str, index: int) -> list[TryShown]:
    """Return the hand-out that made the result, which has a row of its own only if it wrote a log."""
    page = await store.origins.page(task, index, 1)
    return [
        TryShown(
            client=row.client,
            distributor=row.distributor,
            outcome=DONE,
            error="",
            age_s=None,
            ended_at=row.first_at,
            log="",
        )
        for row in page.rows
    ]


def _shown(row: TryRow) -> TryShown:
    return TryShown(
        client=row.client,
        distributor=row.distributor,
        outcome=row.outcome,
        error=row.error,
        age_s=None,
        ended_at=row.ended_at or None,
        log=row.log,
    )
