"""The test servers themselves: each answers, and each keeps what it stored over a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from motor.motor_asyncio import AsyncIOMotorClient
from redis.asyncio import Redis

from tests.services.process import ServerProcess

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext


async def test_mongodb_executes_single_commands_atomically(mongodb_uri: str) -> None:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongodb_uri, serverSelectionTimeoutMS=5000)
    counters = client["atomic"]["counters"]
    increments = [counters.update_one({"_id": "n"}, {"$inc": {"n": 1}}, upsert=True) for _ in range(50)]
    await asyncio.gather(*increments)
    document = await counters.find_one({"_id": "n"})
    assert document == {"_id": "n", "n": 50}
    await client.drop_database("atomic")
    client.close()


async def test_mongodb_keeps_documents_over_a_kill(mongodb_server: ServerProcess) -> None:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongodb_server.url, serverSelectionTimeoutMS=5000)
    await client["kept"]["things"].insert_one({"_id": 1})
    mongodb_server.kill()
    mongodb_server.start()
    assert await client["kept"]["things"].find_one({"_id": 1}) == {"_id": 1}
    client.close()


async def test_redis_answers(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    assert await client.ping()
    await client.aclose()


async def test_redis_keeps_values_over_a_kill(redis_server: ServerProcess) -> None:
    client = Redis.from_url(redis_server.url)
    await client.set("kept", "yes")
    redis_server.kill()
    redis_server.start()
    await client.connection_pool.disconnect()
    assert await client.get("kept") == b"yes"
    await client.aclose()


async def test_chromium_runs_script(browser_context: BrowserContext) -> None:
    page = await browser_context.new_page()
    assert await page.evaluate("6 * 7") == 42
