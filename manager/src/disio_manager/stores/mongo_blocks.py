"""Documents of blocks in MongoDB.

Rule: a manager writes and drops only its own. One that is over goes when its stretch names its results, not before: a
start that found neither would take its payloads for lost, and have them computed again.
"""

from collections.abc import Mapping

from disio_manager.stores.mongo_documents import Database, Document, drop_all, found_among, put_where
from disio_shared.errors import OwnershipLost

Blocks = Mapping[str, Document | None]
"""What becomes of blocks, by id; None of those that are dropped."""


async def put(db: Database, manager: str, blocks: Blocks) -> None:
    """Write those that stay.

    Raises:
        OwnershipLost: One of them belongs to another manager.
    """
    documents = [document for document in blocks.values() if document]
    if not await put_where(db, "blocks", documents, {"owner": manager}):
        raise OwnershipLost("blocks of this manager")


async def drop(db: Database, manager: str, blocks: Blocks) -> None:
    """Drop those that are over.

    Raises:
        OwnershipLost: One of them belongs to another manager.
    """
    names = [name for name, document in blocks.items() if document is None]
    gone = await drop_all(db, "blocks", names, {"owner": manager})
    if gone < len(names) and await found_among(db, "blocks", names):
        raise OwnershipLost("blocks of this manager")
