"""One manager, one distributor and a crowd of volunteers: what every soak runs on.

Rule: a soak says what happens to them; how they are started, asked and ended is here.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from disio.rest import ManagerClient
from disio_shared.errors import ManagerUnreachable
from tests.chaos.outside import Outside
from tests.chaos.volunteer import Manner
from tests.chaos.volunteers import Crowd
from tests.integration.env import NOOP, Env, Started, task
from tests.waiting import wait_until


@dataclass
class Stage:
    """Who takes part."""

    env: Env
    manager: Started
    distributor: Started
    rest: ManagerClient
    crowd: Crowd

    @property
    def outside(self) -> Outside:
        """Return what the volunteers saw."""
        return self.crowd.outside

    async def submit(self, total: int, name: str = "soak") -> str:
        """Create a task of the numbers from 0 on; return its id."""
        # Strict: without extra votes each payload is acknowledged once.
        document = task(NOOP, {"range": [0, total]}, when_exhausted="wait") | {"name": name}
        created = await self.rest.create_task(document)
        self.outside.submitted(created["id"], document, total)
        return str(created["id"])

    async def waiting_task(self, **policy: object) -> str:
        """Create a task in a language that no volunteer runs; return its id."""
        code = {"language": "python", "source": "def run(payload):\n    return payload\n"}
        document = {"name": "waiting", "workunit": code, "payloads": {"range": [0, 10]}, "policy": policy}
        return str((await self.rest.create_task(document))["id"])

    async def done(self, task_id: str, least: int, limit_s: float) -> None:
        """Wait until so many payloads of a task are done, manager away or not."""

        async def look() -> bool:
            try:
                return bool((await self.rest.task(task_id))["done"] >= least)
            except ManagerUnreachable:
                return False

        await wait_until(look, limit_s, on_timeout=self.env.dump)

    async def ended(self, task_id: str, limit_s: float) -> dict[str, Any]:
        """Wait until a task is done; return its numbers."""

        async def look() -> dict[str, Any] | None:
            try:
                seen = await self.rest.task(task_id)
            except ManagerUnreachable:
                return None
            return seen if seen["state"] not in ("queued", "running") else None

        seen: dict[str, Any] | None = await wait_until(look, limit_s, on_timeout=self.env.dump)
        assert seen is not None
        assert seen["state"] == "done", seen
        return seen

    async def acknowledged(self, task_id: str, least: int, limit_s: float) -> None:
        """Wait until volunteers were told of so many results that they are kept."""
        await wait_until(
            lambda: self.outside.acknowledged[task_id] >= least, limit_s, on_timeout=lambda: self.told(task_id)
        )

    async def outbox(self) -> int:
        """Return how many results the distributor keeps for the manager."""
        return await self.metric("outbox_results")

    async def metric(self, name: str) -> int:
        """Return one of the distributor's numbers."""
        _, _, text = await status_of(f"{self.distributor.url}/metrics")
        found = [line for line in text.splitlines() if line.startswith(f"disio_distributor_{name} ")]
        return int(float(found[0].split()[1])) if found else 0

    def told(self, task_id: str) -> str:
        """Return what to show when a wait fails."""
        outside = self.outside
        counts = (outside.handed_out[task_id], outside.computed[task_id], outside.acknowledged[task_id])
        return f"handed out, computed, acknowledged: {counts}; online {self.crowd.online}\n{self.env.dump()}"


@contextlib.asynccontextmanager
async def staged(
    env: Env, volunteers: int, manner: Manner, manager: tuple[str, ...] = (), distributor: tuple[str, ...] = ()
) -> AsyncIterator[Stage]:
    """Start everybody; the volunteers leave and the services stop at the end."""
    manages = env.manager(*manager)
    distributes = env.distributor(manages.url, *distributor)
    try:
        async with env.rest(manages) as rest, Crowd(Outside(), manner) as crowd:
            crowd.add(volunteers, distributes.url)
            yield Stage(env, manages, distributes, rest, crowd)
    finally:
        env.stop()


async def status_of(url: str, method: str = "GET", **options: object) -> tuple[int, str, str]:
    """Ask for something once; return status, media type and text."""
    async with aiohttp.ClientSession() as http, http.request(method, url, **options) as answer:  # type: ignore[arg-type]
        return answer.status, answer.content_type, await answer.text()
