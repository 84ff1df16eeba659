"""People who signed in at a manager, for tests of what they may."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from disio_manager.people.hashing import Hasher
from tests.unit.manager.served import Served

PASSWORD = "correct horse battery"


def cheap(served: Served) -> None:
    """Have a manager hash with parameters that cost a test nothing."""
    people = served.app.gate.people
    people.hasher.close()
    people.hasher = Hasher(passes=1, memory_kib=64)


@asynccontextmanager
async def bearer(served: Served, secret: str) -> AsyncIterator[Served]:
    """Give the same manager as somebody else sees it."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with aiohttp.ClientSession(headers=headers) as http:
        yield Served(served.app, http, served.curve_key)


async def add_user(served: Served, name: str, role: str = "viewer") -> None:
    """Make a user."""
    await served.call("POST", "/api/users", 201, json={"name": name, "role": role, "password": PASSWORD})


async def sign_in(served: Served, name: str, password: str = PASSWORD, status: int = 200) -> Any:
    """Sign in; return the answer."""
    return await served.call("POST", "/api/login", status, json={"name": name, "password": password})


@asynccontextmanager
async def signed_in(served: Served, name: str, role: str = "viewer") -> AsyncIterator[Served]:
    """Make a user and give the manager as they see it."""
    await add_user(served, name, role)
    async with bearer(served, (await sign_in(served, name))["secret"]) as theirs:
        yield theirs
