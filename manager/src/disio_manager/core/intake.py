"""What becomes of delivered results, failures and votes.

Rule: a report counts exactly when its index is still open, whoever held it; columns are only taken apart when some
of their indexes are not. Of indexes that another manager looks after the store decides, and that manager is told.
"""

from collections.abc import Sequence
from math import isfinite

import msgspec

from disio_manager.core.book import Book, Out, ref
from disio_manager.core.changes import AddFailures, AddForeign, AddResults, AddTries, AddVotes
from disio_manager.core.commands import Announce, Send
from disio_manager.core.fleet import Distributor
from disio_manager.core.stopping import matching
from disio_manager.core.tasks import Closing, TaskEntry
from disio_shared import messages
from disio_shared.errors import MalformedMessage
from disio_shared.ranges import RangeSet, Run, runs_of

MAX_ERROR_CHARS = 4_000
MAX_ERROR_TEXTS = 100


def on_deliver(book: Book, known: Distributor, deliver: messages.Deliver, now: float, at: float, out: Out) -> None:
    """Take what is open of a batch; the whole batch is answered with Committed.

    Raises:
        MalformedMessage: Columns do not fit together; nothing of the batch is taken.
    """
    for part in deliver.results:
        _check_results(part)
    for gone in deliver.failures:
        _check_failures(gone)
    for vote in deliver.votes:
        _check_results(vote)
    note_tallies(book, known, deliver)
    tried = [part for part in deliver.tries if part.task in book.tasks or book.settings.is_shared]
    if book.settings.is_shared:
        _pass_on(book, known, deliver, at, out)
    for part in deliver.results:
        _take_results(book, known, part, now, at, out)
    for gone in deliver.failures:
        _take_failures(book, known, gone, now, at, out)
    for vote in deliver.votes:
        _take_votes(book, known, vote, at, out)
    out.changes += [_past(known, part) for part in tried]
    out.commands.append(Send(known.session, messages.Committed(batch=deliver.batch)))


def note_tallies(book: Book, known: Distributor, told: messages.Status | messages.Deliver) -> None:
    """Add what a distributor counted, since it last told of that, to its tasks."""
    for task, grown in book.fleet.grown(known, told):
        entry = book.tasks.get(task)
        if entry is not None:
            record = entry.record
            record.lost, record.tries_failed = record.lost + grown.lost, record.tries_failed + grown.failed
            record.copies += grown.copies
            book.counting.add(task, "lost", grown.lost)
            book.counting.add(task, "tries_failed", grown.failed)
            book.counting.add(task, "copies", grown.copies)


def runs_in(indexes: list[int]) -> list[Run]:
    """Return the runs of a column; a column that counts up by one, the usual case, costs next to nothing."""
    if indexes and indexes[-1] - indexes[0] + 1 == len(indexes) and indexes == list(range(indexes[0], indexes[-1] + 1)):
        return [(indexes[0], indexes[-1] + 1)]
    return runs_of(indexes)


def _check_results(part: messages.ResultColumns | messages.VoteColumns) -> None:
    lengths = {len(part.indexes), len(part.values), len(part.seconds), len(part.by)}
    if len(lengths) != 1:
        raise MalformedMessage(f"result columns of task {part.task} have unequal lengths")
    if part.by and not 0 <= min(part.by) <= max(part.by) < len(part.clients):
        raise MalformedMessage(f"result columns of task {part.task} name a client that is not in `clients`")


def _check_failures(part: messages.FailureColumns) -> None:
    if len(part.indexes) != len(part.errors):
        raise MalformedMessage(f"failure columns of task {part.task} have unequal lengths")


def _take_results(
    book: Book, known: Distributor, part: messages.ResultColumns, now: float, at: float, out: Out
) -> None:
    entry = book.tasks.get(part.task)
    if entry is None or not part.indexes:
        return
    limit = book.settings.max_result_bytes
    if max(map(len, part.values)) > limit:
        _fail_large(book, known, part, limit, now, at, out)
        if part.task not in book.tasks:
            return
        part = _select(part, [k for k, value in enumerate(part.values) if len(value) <= limit])
    if not isfinite(sum(part.seconds)):
        part = msgspec.structs.replace(part, seconds=[s if isfinite(s) else 0.0 for s in part.seconds])
    runs, foreign = entry.stretches.sort(runs_in(part.indexes), entry.record.total)
    if foreign:
        elsewhere = _select(part, _wanted(part.indexes, foreign))
        out.changes.append(AddForeign(_results(elsewhere, known, at)))
    closing = entry.close(runs)
    accepted = entry.count(closing.accepted, done=1)
    if accepted:
        book.counting.add(entry.id, "ok", accepted)
        if accepted != len(part.indexes):
            part = _select(part, _wanted(part.indexes, closing.accepted))
        found = [part.indexes[k] for k in matching(entry.record.policy.stop_when, part.values)]
        entry.count_matched(found)
        out.changes.append(_results(part, known, at, found))
    _finish(book, known, entry, closing, accepted, now, at, out)


def _take_failures(
    book: Book, known: Distributor, part: messages.FailureColumns, now: float, at: float, out: Out
) -> None:
    entry = book.tasks.get(part.task)
    if entry is None or not part.indexes:
        return
    runs, foreign = entry.stretches.sort(runs_in(part.indexes), entry.record.total)
    if foreign:
        out.changes.append(AddForeign(_failures(part, foreign, at)))
    closing = entry.close(runs)
    accepted = entry.count(closing.accepted, failed=1)
    if accepted:
        book.counting.add(entry.id, "failed", accepted)
        entry.failed.add_all(closing.accepted)
        out.changes.append(_failures(part, closing.accepted, at))
    _finish(book, known, entry, closing, accepted, now, at, out)


def _pass_on(book: Book, known: Distributor, deliver: messages.Deliver, at: float, out: Out) -> None:
    """Leave what is of tasks that are not open here to the store: another manager may just have made such a task."""
    limit = book.settings.max_result_bytes
    for part in deliver.results:
        if part.task not in book.tasks and part.indexes and max(map(len, part.values)) <= limit:
            out.changes.append(AddForeign(_results(part, known, at)))
    for gone in deliver.failures:
        if gone.task not in book.tasks and gone.indexes:
            out.changes.append(AddForeign(_failures(gone, runs_in(gone.indexes), at)))


def _take_votes(book: Book, known: Distributor, part: messages.VoteColumns, at: float, out: Out) -> None:
    entry = book.tasks.get(part.task)
    if entry is None or not part.indexes:
        return
    limit, total = book.settings.max_result_bytes, entry.record.total
    fine = [k for k, value in enumerate(part.values) if len(value) <= limit and 0 <= part.indexes[k] < total]
    if fine:
        book.counting.add(entry.id, "votes", len(fine))
        out.changes.append(
            AddVotes(
                part.task,
                [part.indexes[k] for k in fine],
                [part.values[k] for k in fine],
                [part.seconds[k] if isfinite(part.seconds[k]) else 0.0 for k in fine],
                part.clients,
                [part.by[k] for k in fine],
                known.record.id,
                at,
            )
        )


def _past(known: Distributor, part: messages.PastTries) -> AddTries:
    own = known.record.id
    return AddTries(
        part.task,
        part.indexes,
        part.clients,
        [distributor or own for distributor in part.distributors],
        part.outcomes,
        [text[:MAX_ERROR_CHARS] for text in part.errors],
        part.logs,
        part.ended_at,
    )


def _fail_large(
    book: Book, known: Distributor, part: messages.ResultColumns, limit: int, now: float, at: float, out: Out
) -> None:
    """Record results that no database would keep as failed payloads: refused by name, and never sent again."""
    large = [k for k, value in enumerate(part.values) if len(value) > limit]
    texts = [[f"the result is {len(part.values[k])} bytes, over the limit of {limit} bytes"] for k in large]
    failures = messages.FailureColumns(task=part.task, indexes=[part.indexes[k] for k in large], errors=texts)
    _take_failures(book, known, failures, now, at, out)


def _finish(
    book: Book, known: Distributor, entry: TaskEntry, closing: Closing, accepted: int, now: float, at: float, out: Out
) -> None:
    """Do what follows from closed indexes: leases, blocks that are over, counters, the end of the task."""
    for block in closing.touched:
        if block.holder == known.record.id:
            book.extend(block, now)
    end_blocks(book, known, closing, out)
    if closing.over and entry.record.policy.max_distributors:
        book.is_woken = True  # a place may have become free
    if not accepted:
        return
    entry.meter.count(accepted, now)
    if not book.settle(entry, at, out):
        out.changes += entry.progress()
        out.commands.append(Announce("task", entry.id))


def end_blocks(book: Book, known: Distributor | None, closing: Closing, out: Out) -> None:
    """Forget blocks that are over; tell holders whose block somebody else has finished."""
    elsewhere: dict[str, list[messages.BlockRef]] = {}
    for block in closing.over:
        book.drop_row(block, out)
        if known is not None and block.holder == known.record.id:
            book.spent.add((block.task, block.holder))
        elif block.holder:
            elsewhere.setdefault(block.holder, []).append(ref(block))
    for holder, blocks in elsewhere.items():
        book.send(holder, messages.Revoke(blocks=blocks), out)


def _wanted(indexes: list[int], accepted: list[Run]) -> list[int]:
    """Return the positions of accepted indexes in a column, of a repeated one the first."""
    left = RangeSet(accepted)
    return [k for k, index in enumerate(indexes) if left.remove(index, index + 1)]


def _select(part: messages.ResultColumns, kept: list[int]) -> messages.ResultColumns:
    return msgspec.structs.replace(
        part,
        indexes=[part.indexes[k] for k in kept],
        values=[part.values[k] for k in kept],
        seconds=[part.seconds[k] for k in kept],
        by=[part.by[k] for k in kept],
    )


def _results(part: messages.ResultColumns, known: Distributor, at: float, found: Sequence[int] = ()) -> AddResults:
    columns = (part.indexes, part.values, part.seconds, part.clients, part.by)
    return AddResults(part.task, *columns, known.record.id, at, list(found))


def _failures(part: messages.FailureColumns, runs: list[Run], at: float) -> AddFailures:
    kept = _wanted(part.indexes, runs)
    errors = [[text[:MAX_ERROR_CHARS] for text in part.errors[k][-MAX_ERROR_TEXTS:]] for k in kept]
    return AddFailures(part.task, [part.indexes[k] for k in kept], errors, at)
