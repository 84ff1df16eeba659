"""What payloads went through before they were closed, for the managers: tries in vain, and what units wrote.

Rule: it goes into the outbox with the results or failures it belongs to; where nothing went wrong and nothing was
written there is nothing, and it costs nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from disio_distributor.core.records import Attempt
from disio_shared.messages import Failed, FailureColumns, PastTries, ResultColumns, Results
from disio_shared.ranges import RangeSet, Run

DONE = "done"
MAX_ROWS = 100
"""Of one payload; of more the newest. A payload fails and is lost less often by far."""
MAX_LOG_CHARS = 4_200
"""Of one try: what a client sends, with its note of what it left out."""
_COLUMNS = ("indexes", "clients", "distributors", "outcomes", "errors", "logs", "ended_at")


def logs_of(said: Results | Failed, indexes: Iterable[int]) -> dict[int, str]:
    """Return what units of some payloads wrote, by index; the end of what is longer than a client may send."""
    if not said.logged:
        return {}
    wanted = set(indexes)
    rows = zip(said.logged, said.logs, strict=True)
    return {index: log[-MAX_LOG_CHARS:] for index, log in rows if log and index in wanted}


def past_of(
    attempts: Mapping[int, list[Attempt]],
    content: ResultColumns | FailureColumns,
    logs: Mapping[int, str],
    wall: float,
) -> PastTries | None:
    """Return what led to results or failures, None when there is nothing to tell.

    Args:
        attempts: Tries in vain of the task's open payloads, by index.
        content: What closes the payloads; results are all of one client.
        logs: What the units of the results wrote, by index.
        wall: Now, seconds since 1970.
    """
    if not attempts and not logs:
        return None
    rows = [row for index in content.indexes for row in attempts.get(index, ())[-MAX_ROWS:]]
    if isinstance(content, ResultColumns):
        client, task = content.clients[0], content.task
        rows += [
            Attempt(task=task, index=index, client=client, error="", outcome=DONE, log=log, ended_at=wall)
            for index, log in logs.items()
        ]
        rows.sort(key=lambda row: row.index)
    if not rows:
        return None
    return PastTries(
        task=content.task,
        indexes=[row.index for row in rows],
        clients=[row.client for row in rows],
        distributors=[row.distributor for row in rows],
        outcomes=[row.outcome for row in rows],
        errors=["" if row.error == row.outcome else row.error for row in rows],
        logs=[row.log for row in rows],
        ended_at=[row.ended_at for row in rows],
    )


def picked_past(past: PastTries | None, runs: Sequence[Run]) -> PastTries | None:
    """Return the part of it whose indexes lie in ``runs``."""
    if past is None:
        return None
    wanted = RangeSet(runs)
    places = [at for at, index in enumerate(past.indexes) if index in wanted]
    parts = {name: [getattr(past, name)[at] for at in places] for name in _COLUMNS}
    return msgspec.structs.replace(past, **parts) if places else None


def bytes_of(past: PastTries | None) -> int:
    """Return what it takes, about."""
    return 0 if past is None else sum(map(len, past.errors)) + sum(map(len, past.logs)) + 64 * len(past.indexes)
