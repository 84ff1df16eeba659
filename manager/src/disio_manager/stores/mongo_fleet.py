"""Rows of distributors in MongoDB.

Rule: whoever a distributor is online at writes its row; a manager that saw it leave writes over nobody else's.
"""

from collections.abc import Sequence

from disio_manager.core import changes
from disio_manager.core.changes import Change
from disio_manager.core.records import DistributorRecord
from disio_manager.stores.mongo_documents import Database, distributor_document, drop_all, put_all, put_where


async def write_distributors(db: Database, group: Sequence[Change], manager: str) -> None:
    """Write the distributors of a group of changes of a manager."""
    last: dict[str, DistributorRecord | None] = {}
    for change in group:
        if isinstance(change, changes.PutDistributor):
            last[change.record.id] = change.record
        elif isinstance(change, changes.DropDistributor):
            last[change.distributor] = None
    there = [record for record in last.values() if record is not None]
    away = [distributor_document(record) for record in there if record.state == "offline"]
    seen = [distributor_document(record) for record in there if record.state != "offline"]
    await put_all(db, "distributors", seen)
    await put_where(db, "distributors", away, {"manager": {"$in": ["", manager]}})
    await drop_all(db, "distributors", [name for name, record in last.items() if record is None])
