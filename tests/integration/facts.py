"""Facts that whole-platform tests wait for.

Rule: each wait has a limit and, at the limit, shows the services' logs.
"""

from typing import Any

import aiohttp

from disio.rest import ManagerClient
from disio_shared.errors import ManagerUnreachable
from disio_shared.taskdoc import OPEN_STATES
from tests.integration.env import Env
from tests.waiting import wait_until

PATIENCE_S = 100.0


async def ended(rest: ManagerClient, task_id: str, env: Env) -> dict[str, Any]:
    """Wait for a task's end, manager away or not; return its JSON."""

    async def look() -> dict[str, Any] | None:
        try:
            seen = await rest.task(task_id)
        except ManagerUnreachable:
            return None
        return None if seen["state"] in OPEN_STATES else seen

    found: dict[str, Any] | None = await wait_until(look, PATIENCE_S, on_timeout=env.dump)
    assert found is not None
    return found


async def reached(rest: ManagerClient, task_id: str, done: int, env: Env) -> None:
    """Wait until so many payloads are done, manager away or not."""

    async def look() -> bool:
        try:
            return bool((await rest.task(task_id))["done"] >= done)
        except ManagerUnreachable:
            return False

    await wait_until(look, PATIENCE_S, on_timeout=env.dump)


async def digits_of(rest: ManagerClient, task_id: str) -> list[str]:
    """Return the pi task's results in order."""
    rows = [row async for row in rest.results(task_id)]
    assert [row["i"] for row in rows] == list(range(len(rows)))
    return [row["result"] for row in rows]


async def outbox_of(distributor_url: str) -> int:
    """Return how many results a distributor keeps for a manager, from its metrics."""
    async with aiohttp.ClientSession() as http, http.get(f"{distributor_url}/metrics") as answer:
        text = await answer.text()
    lines = [line for line in text.splitlines() if line.startswith("disio_distributor_outbox_results ")]
    return int(float(lines[0].split()[1]))
