"""What ``disio check`` does: see that nobody works on what is stored, read it all, tell what is wrong.

Rule: problems go out one by one as they are found, so a bad store of any size costs no memory.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import click

from disio import shapes
from disio.printing import emit
from disio_distributor.stores import checking as cache
from disio_manager.presence import BEAT_S
from disio_manager.stores.base import ManagerEntry, ManagerRegistry
from disio_manager.stores.checking import problems
from disio_manager.stores.opening import open_store
from disio_shared.datadir import DataDir, default_path
from disio_shared.errors import StoreUnavailable

CLEAN, HAS_PROBLEMS = 0, 1
STORE_FILE, CACHE_FILE = "manager.db", "distributor.db"
WATCH_S = 3 * BEAT_S
"""A manager that lives renews its entry within it."""
POLL_S = 0.5


async def check_store(db: str, data_dir: Path | None, as_json: bool) -> int:
    """Check a store, or all that a data directory has; tell what was found, return the exit status.

    Raises:
        ConfigError: No store is called that.
        StoreUnavailable: It is not there, or a service works on it.
    """
    place = data_dir or default_path()
    if not db:
        refuse_running(place)
    found = 0
    async for problem in _stored(db, place) if db else _kept_in(place):
        found += 1
        if as_json:
            emit(shapes.Checked, shapes.Checked(problem=problem))
        else:
            click.echo(problem)
    name = _without_password(db) or str(place)
    if as_json:
        readable = name.encode(errors="backslashreplace").decode()  # paths need not be text
        emit(shapes.Checked, shapes.Checked(checked=readable, problems=found))
    else:
        click.echo(f"{name}: {_counted(found)}")
    return HAS_PROBLEMS if found else CLEAN


async def _kept_in(place: Path) -> AsyncIterator[str]:
    """Yield the problems of what a data directory has: a manager's store, a distributor's cache, or both."""
    has_cache = (place / CACHE_FILE).is_file()
    if not has_cache or (place / STORE_FILE).is_file():
        async for problem in _stored("", place):
            yield problem
    if has_cache:
        for problem in cache.problems(place / CACHE_FILE):
            yield f"distributor: {problem}"


async def _stored(db: str, place: Path) -> AsyncIterator[str]:
    """Yield the problems of a manager's store."""
    store = await open_store(db, place, "")
    try:
        if store.is_shared:
            await refuse_alive(store, db)
        async for problem in problems(store):
            yield problem
    finally:
        await store.close()


def refuse_running(place: Path) -> None:
    """Refuse a data directory whose manager or distributor runs.

    Raises:
        StoreUnavailable: It does.
    """
    for service in ("manager", "distributor"):
        facts = DataDir(place).read_service(service) if place.is_dir() else None
        if facts is not None:
            problem = f"the {service} {facts.get('url')} (pid {facts['pid']}) works on it"
            raise StoreUnavailable(str(place), problem, "stop it first")


async def refuse_alive(registry: ManagerRegistry, db: str, watch_s: float = WATCH_S) -> None:
    """Watch the registry for so long; refuse a database that a live manager serves.

    Raises:
        StoreUnavailable: One renewed its entry meanwhile.
    """
    before = {entry.id: entry for entry in await registry.managers()}
    loop = asyncio.get_running_loop()
    end = loop.time() + watch_s
    while before and loop.time() < end:
        await asyncio.sleep(min(POLL_S, watch_s))
        alive = _changed(before, await registry.managers())
        if alive is not None:
            raise StoreUnavailable(_without_password(db), f"the manager {alive.url} serves it", "stop it first")


def _changed(before: dict[str, ManagerEntry], now: list[ManagerEntry]) -> ManagerEntry | None:
    return next((entry for entry in now if before.get(entry.id) != entry), None)


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def _counted(found: int) -> str:
    if not found:
        return "no problems found"
    return "1 problem found" if found == 1 else f"{found} problems found"
