"""Tries that came to nothing: failed, or lost with their client.

Rule: failed and lost are counted apart, each against its own limit; at either one the payload is quarantined, and
its counts are forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence

from disio_distributor.core import changes
from disio_distributor.core.assignments import Batch
from disio_distributor.core.blocks import FAILED, TaskWork
from disio_distributor.core.records import Attempt
from disio_distributor.core.state import NO_LOGS, State
from disio_shared.messages import FailureColumns, TryColumns
from disio_shared.ranges import RangeSet, Run, runs_of

LOST = "lost"
MAX_CARRIED, MAX_CARRIED_CHARS = 1_000, 500
"""Tries that go back with blocks, and of each text."""
LOST_TEXT = "lost: {} clients vanished while they ran it"


def failed(
    state: State,
    work: TaskWork,
    client: str,
    indexes: list[int],
    errors: Sequence[str],
    logs: Mapping[int, str] = NO_LOGS,
) -> None:
    """Note that a client's tries of open payloads failed; they may go to others now."""
    over: list[int] = []
    for index, error in zip(indexes, errors, strict=True):
        attempt = Attempt(
            task=work.manifest.task,
            index=index,
            client=client,
            error=error,
            log=logs.get(index, ""),
            ended_at=state.wall,
        )
        if _note(state, work, attempt) >= work.manifest.max_failures:
            over.append(index)
    state.tallies_of.count(work.manifest.task, failed=len(indexes))
    work.reopen(runs_of(indexes))
    quarantine(state, work, over)
    state.work_appeared = True


def lost(state: State, batch: Batch) -> None:
    """A lease ran out: what its client may really have been running was lost with it, all of it may go to others."""
    work = state.tasks[batch.task]
    blamed = [] if batch.is_repeat else _blamed(state, batch)
    counts = [_note(state, work, _vanished(batch, index, state.wall)) for index in blamed]
    state.release(batch, batch.open.runs())
    if blamed:
        state.tallies_of.count(batch.task, lost=len(blamed))
        over = [index for index, count in zip(blamed, counts, strict=True) if count >= work.manifest.max_lost]
        quarantine(state, work, over)


def quarantine(state: State, work: TaskWork, indexes: list[int]) -> None:
    """Give payloads up, with the texts of all that went wrong."""
    if indexes:
        errors = [_texts(work.attempts[index]) for index in indexes]
        columns = FailureColumns(task=work.manifest.task, indexes=indexes, errors=errors)
        state.cancel(work.manifest.task, runs_of(indexes))  # another client may have a copy
        state.close(work, runs_of(indexes), columns)


def carried(work: TaskWork, runs: Iterable[Run]) -> list[TryColumns]:
    """Return what whoever gets these payloads next is to know, of a payload all or nothing: counts stay right."""
    rows: list[Attempt] = []
    for start, stop in runs if work.attempts else ():
        for index in sorted(at for at in work.attempts if start <= at < stop):
            if len(rows) + len(work.attempts[index]) <= MAX_CARRIED:
                rows += work.attempts[index]
    if not rows:
        return []
    columns = TryColumns(
        task=work.manifest.task,
        indexes=[each.index for each in rows],
        clients=[each.client for each in rows],
        errors=[each.error[:MAX_CARRIED_CHARS] for each in rows],
        lost=[each.outcome == LOST for each in rows],
        distributors=[each.distributor for each in rows],
        ended_at=[each.ended_at for each in rows],
    )
    return [columns]


def count_on(state: State, work: TaskWork, tries: TryColumns) -> None:
    """Take in tries of payloads that were made elsewhere; what is known of a payload here is not older."""
    fresh = {index for index in tries.indexes if work.is_open(index) and index not in work.attempts}
    rows = zip(tries.indexes, tries.clients, tries.errors, tries.lost, strict=False)
    for at, (index, client, error, is_lost) in enumerate(rows):
        if index in fresh:
            attempt = Attempt(
                task=work.manifest.task,
                index=index,
                client=client,
                error=error,
                outcome=LOST if is_lost else FAILED,
                distributor=tries.distributors[at] if at < len(tries.distributors) else "",
                ended_at=tries.ended_at[at] if at < len(tries.ended_at) else 0.0,
            )
            _note(state, work, attempt)


def _note(state: State, work: TaskWork, attempt: Attempt) -> int:
    attempt.number = len(work.attempts.get(attempt.index, ()))
    state.save(changes.AddAttempt(attempt))
    return work.note(attempt)


def _vanished(batch: Batch, index: int, wall: float) -> Attempt:
    return Attempt(task=batch.task, index=index, client=batch.client, error=LOST, outcome=LOST, ended_at=wall)


def _blamed(state: State, batch: Batch) -> list[int]:
    """Return the payloads that were running: as many as the client has slots, of the oldest batch it had begun.

    A client that vanished before it named any batch had begun the oldest one, if it got it.
    """
    held = [each for each in state.assignments.of_session(batch.session) if not each.is_repeat and not each.is_spared]
    oldest = next((each for each in held if each.started), held[0] if held else None)
    if oldest is not batch:
        return []
    for each in held:
        each.is_spared = True
    first: list[Run] = RangeSet(batch.open.runs()).take(batch.slots)
    return [index for start, stop in first for index in range(start, stop)]


def _texts(attempts: list[Attempt]) -> list[str]:
    vanished = sum(each.outcome == LOST for each in attempts)
    texts = [each.error for each in attempts if each.outcome == FAILED]
    return [*texts, LOST_TEXT.format(vanished)] if vanished else texts
