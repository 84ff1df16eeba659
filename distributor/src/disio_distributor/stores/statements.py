"""What each change means in SQL.

Rule: every statement may run twice with the same effect as once.
"""

from typing import Any

import msgspec

from disio_distributor.core import changes
from disio_distributor.core.changes import Change
from disio_distributor.stores.bodies import head_bytes, packed

PUT_OUTBOX = "INSERT OR REPLACE INTO outbox VALUES (?, ?, ?)"
Statement = tuple[str, tuple[Any, ...]]
_encode = msgspec.msgpack.Encoder().encode


def statements_of(change: Change) -> list[Statement]:
    """Return the statements that make a change durable, in order."""
    if isinstance(change, changes.AddOutbox):
        return [(PUT_OUTBOX, (change.entry.id, head_bytes(change.head), packed(change.entry)))]
    if isinstance(change, changes.DropOutbox):
        return [("DELETE FROM outbox WHERE id = ?", (each,)) for each in change.ids]
    if isinstance(change, changes.PutBlock):
        return _put_block(change)
    if isinstance(change, changes.DropBlock):
        tables = ("blocks", "block_payloads")
        return [(f"DELETE FROM {table} WHERE block = ?", (change.block,)) for table in tables]
    if isinstance(change, changes.PutTask | changes.DropTask):
        return _task(change)
    if isinstance(change, changes.PutWorkunit | changes.DropWorkunit):
        return _workunit(change)
    if isinstance(change, changes.PutOrders | changes.PutClusterKey):
        return [_cluster(change)]
    return _payloads(change)


def _cluster(change: changes.PutOrders | changes.PutClusterKey) -> Statement:
    if isinstance(change, changes.PutOrders):
        return "INSERT OR REPLACE INTO orders VALUES (?, ?)", (change.cluster, _encode(change.orders))
    # Replaced in its place: the order of the rows is the order in which they were told.
    sql = "INSERT INTO cluster_keys VALUES (?, ?) ON CONFLICT (cluster) DO UPDATE SET key = excluded.key"
    return sql, (change.cluster, change.key)


def _put_block(change: changes.PutBlock) -> list[Statement]:
    block = change.block
    body = _encode(msgspec.structs.replace(block, payloads=[]))
    statements: list[Statement] = [("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", (block.block, block.task, body))]
    if block.payloads:
        row = (block.block, _encode(block.payloads))
        statements.append(("INSERT OR REPLACE INTO block_payloads VALUES (?, ?)", row))
    return statements


def _task(change: changes.PutTask | changes.DropTask) -> list[Statement]:
    if isinstance(change, changes.PutTask):
        body = _encode(change.task)
        return [("INSERT OR REPLACE INTO tasks VALUES (?, ?)", (change.task.manifest.task, body))]
    of_blocks = "DELETE FROM block_payloads WHERE block IN (SELECT block FROM blocks WHERE task = ?)"
    tables = ("blocks", "attempts", "checkpoints", "tasks")
    return [(of_blocks, (change.task,)), *((f"DELETE FROM {each} WHERE task = ?", (change.task,)) for each in tables)]


def _workunit(change: changes.PutWorkunit | changes.DropWorkunit) -> list[Statement]:
    if isinstance(change, changes.PutWorkunit):
        row = (change.sha256, change.language, change.code)
        return [("INSERT OR REPLACE INTO workunits VALUES (?, ?, ?)", row)]
    return [("DELETE FROM workunits WHERE sha256 = ?", (change.sha256,))]


def _payloads(change: changes.AddAttempt | changes.PutCheckpoint | changes.DropPayloads) -> list[Statement]:
    if isinstance(change, changes.AddAttempt):
        attempt = change.attempt
        row = (attempt.task, attempt.index, attempt.number, _encode(attempt))
        return [("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", row)]
    if isinstance(change, changes.PutCheckpoint):
        state = (change.task, change.index, change.state)
        return [("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", state)]
    return [
        (f"DELETE FROM {table} WHERE task = ? AND idx = ?", (change.task, index))
        for table in ("attempts", "checkpoints")
        for index in change.indexes
    ]
