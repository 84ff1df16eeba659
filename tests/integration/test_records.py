"""What units write and how tries end, from a real client through a real distributor to the manager."""

from typing import Any

import pytest

from tests.integration.env import Env, task
from tests.integration.facts import ended

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
TELLING = """export default (n, unit) => {
    if (n !== 1) unit.log("payload", n);
    if (n === 2) throw new Error("not two");
    return n;
}"""


async def test_logs_and_tries_reach_the_payload_they_are_of(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url, cores=1)
    async with env.rest(manager) as rest:
        created = await rest.create_task(task(TELLING, {"range": [0, 4]}, max_failures=2))
        assert (await ended(rest, created["id"], env))["state"] == "failed"

        async def tries(index: int) -> list[dict[str, Any]]:
            told: dict[str, Any] = await rest.payload(created["id"], index)
            return list(told["tries"])

        (only,) = await tries(0)
        assert (only["outcome"], only["log"]) == ("done", "payload 0")
        (only,) = await tries(1)
        assert (only["outcome"], only["log"]) == ("done", "")
        failed = await tries(2)
        assert [(each["outcome"], each["log"]) for each in failed] == [("failed", "payload 2")] * 2
        assert all("not two" in each["error"] and each["ended_at"] > created["created_at"] - 5 for each in failed)
        (known,) = await rest.distributors()
        assert {each["distributor"] for each in failed} == {known["id"]}
