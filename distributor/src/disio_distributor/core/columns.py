"""Columns of results, failures and votes: measured, joined, picked from, and made into entries of the outbox.

Rule: what is joined or picked keeps each index together with its own value, time and client.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from disio_distributor.core.past import bytes_of
from disio_distributor.core.records import OutboxEntry, OutboxHead
from disio_shared.messages import FailureColumns, PastTries, ResultColumns, VoteColumns
from disio_shared.ranges import RangeSet, Run, runs_of

Columns = ResultColumns | FailureColumns | VoteColumns
ByClient = TypeVar("ByClient", ResultColumns, VoteColumns)

_ROW_BYTES = 24
"""What an index, its time and its lengths take beside the value."""


def entry_of(number: int, cluster: str, columns: Columns, past: PastTries | None = None) -> OutboxEntry:
    """Return the entry that holds ``columns``, and what led to them."""
    return OutboxEntry(
        id=number,
        cluster=cluster,
        results=columns if isinstance(columns, ResultColumns) else None,
        failures=columns if isinstance(columns, FailureColumns) else None,
        votes=columns if isinstance(columns, VoteColumns) else None,
        tries=past,
    )


def columns_of(entry: OutboxEntry) -> Columns | None:
    """Return what an entry holds; None when it is not exactly one of results, failures and votes."""
    kept: list[Columns] = [each for each in (entry.results, entry.failures, entry.votes) if each is not None]
    return kept[0] if len(kept) == 1 else None


def head_of(entry: OutboxEntry, manager: str, runs: Sequence[Run] | None = None) -> OutboxHead:
    """Return an entry's head; ``runs`` are its indexes, worked out when they are not given."""
    columns = columns_of(entry)
    assert columns is not None, "an entry holds results, failures or votes"
    return OutboxHead(
        id=entry.id,
        cluster=entry.cluster,
        manager=manager,
        task=columns.task,
        kind="results" if entry.results else "failures" if entry.failures else "votes",
        runs=runs_of(columns.indexes) if runs is None else list(runs),
        client="" if isinstance(columns, FailureColumns) or not columns.clients else columns.clients[0],
        bytes=len(columns.indexes) * _ROW_BYTES + _content_bytes(columns) + bytes_of(entry.tries),
    )


def picked(columns: Columns, runs: Sequence[Run]) -> Columns:
    """Return the part of columns whose indexes lie in ``runs``."""
    wanted = RangeSet(runs)
    places = [at for at, index in enumerate(columns.indexes) if index in wanted]
    names = ("indexes", "errors") if isinstance(columns, FailureColumns) else ("indexes", "values", "seconds", "by")
    parts = {name: [getattr(columns, name)[at] for at in places] for name in names}
    return msgspec.structs.replace(columns, **parts)


def joined_results(parts: list[ResultColumns]) -> list[ResultColumns]:
    """Join the columns of equal tasks: one long part costs a manager less than many short ones."""
    return [group[0] if len(group) == 1 else _joined(ResultColumns, group) for group in _by_task(parts)]


def joined_votes(parts: list[VoteColumns]) -> list[VoteColumns]:
    """Join the votes of equal tasks."""
    return [group[0] if len(group) == 1 else _joined(VoteColumns, group) for group in _by_task(parts)]


def _by_task(parts: list[ByClient]) -> list[list[ByClient]]:
    by_task: dict[str, list[ByClient]] = {}
    for part in parts:
        by_task.setdefault(part.task, []).append(part)
    return list(by_task.values())


def _joined(kind: type[ByClient], group: list[ByClient]) -> ByClient:
    numbers: dict[str, int] = {}
    joined = kind(task=group[0].task, indexes=[], values=[], seconds=[], clients=[], by=[])
    for part in group:
        joined.indexes.extend(part.indexes)
        joined.values.extend(part.values)
        joined.seconds.extend(part.seconds)
        here = [numbers.setdefault(client, len(numbers)) for client in part.clients]
        joined.by.extend([here[0]] * len(part.by) if len(here) == 1 else [here[at] for at in part.by])
    joined.clients.extend(numbers)
    return joined


def _content_bytes(columns: Columns) -> int:
    if isinstance(columns, FailureColumns):
        return sum(len(text) for texts in columns.errors for text in texts)
    return sum(map(len, columns.values))
