"""Which store a database URL means.

Rule: drivers are imported only when their URL is given.
"""

from pathlib import Path

from disio_manager.stores.base import ManagerStore
from disio_shared.errors import ConfigError


async def open_store(url: str, data_dir: Path, manager: str) -> ManagerStore:
    """Open a store for one manager and make sure that it answers.

    Args:
        url: Empty (``manager.db`` in ``data_dir``), ``sqlite:PATH`` or ``mongodb://...``.
        data_dir: Where the embedded store lies.
        manager: Its id; empty for a reader, which writes nothing, owns nothing and wants a database that is there.

    Raises:
        ConfigError: No store is called that.
        StoreUnavailable: The database is not there.
    """
    if not url or url.startswith("sqlite:"):
        from disio_manager.stores.sqlite import SqliteStore

        return await SqliteStore.open(Path(url.removeprefix("sqlite:")) if url else data_dir / "manager.db", manager)
    if url.startswith(("mongodb://", "mongodb+srv://")):
        from disio_manager.stores.mongo import MongoStore

        return await MongoStore.open(url, manager)
    raise ConfigError("--db", f"{url!r} is no database disio knows", "use sqlite:PATH or mongodb://host/name")
