"""Which cache a URL means.

Rule: drivers are imported only when their URL is given.
"""

from pathlib import Path

from disio_distributor.stores.base import DistributorCache
from disio_shared.errors import ConfigError


async def open_cache(url: str, data_dir: Path) -> DistributorCache:
    """Open a cache and make sure that it answers.

    Args:
        url: Empty (``distributor.db`` in ``data_dir``), ``sqlite:PATH`` or ``redis://...``.
        data_dir: Where the embedded cache lies.

    Raises:
        ConfigError: No cache is called that.
        StoreUnavailable: The server is not there.
    """
    if not url or url.startswith("sqlite:"):
        from disio_distributor.stores.sqlite import SqliteCache

        return await SqliteCache.open(Path(url.removeprefix("sqlite:")) if url else data_dir / "distributor.db")
    if url.startswith(("redis://", "rediss://", "unix://")):
        from disio_distributor.stores.redis import RedisCache

        return await RedisCache.open(url)
    raise ConfigError("--cache", f"{url!r} is no cache disio knows", "use sqlite:PATH or redis://host/0")
