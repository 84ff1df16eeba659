"""One fresh manager per test that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.manager.served import Served, serve


@pytest_asyncio.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Served]:
    """A manager on SQLite that serves on loopback."""
    async with serve(tmp_path / "data") as served:
        yield served
