"""A Python task through the whole platform: the CLI client has its files from the distributor, once, and keeps them."""

import pytest

from tests.integration.env import SQUARE, Env
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

UNIT = "import math\ndef run(payload, unit):\n    return math.factorial(payload)\n"


async def test_the_cli_client_computes_a_python_task_with_files_from_its_distributor(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url, cores=1)
    kits = env.folder / "client" / "kits"
    assert not kits.exists()
    async with env.rest(manager) as rest:
        workunit = {"language": "python", "source": UNIT}
        document = {"name": "python", "workunit": workunit, "payloads": {"range": [20, 30]}, "policy": {}}
        task = await rest.create_task(document)

        async def is_over() -> bool:
            return bool((await rest.task(task["id"]))["state"] in ("done", "failed"))

        await wait_until(is_over, 150.0, on_timeout=env.dump)
        rows = [row["result"] async for row in rest.results(task["id"])]
    assert rows[5] == 15511210043330985984000000
    assert len(rows) == 10
    assert len(list(kits.iterdir())) == 4


async def test_python_that_cannot_be_had_is_told_to_the_volunteer_and_the_submitter_and_stops_no_other_work(
    env: Env,
) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url, "--kits", "http://127.0.0.1:9/kits")
    client = env.client(distributor.url, cores=1)
    async with env.rest(manager) as rest:
        workunit = {"language": "python", "source": UNIT}
        document = {"name": "python", "workunit": workunit, "payloads": {"range": [20, 30]}, "policy": {}}
        task = await rest.create_task(document)

        async def explained() -> str:
            return " ".join((await rest.explain(task["id"]))["sentences"])

        async def is_explained() -> bool:
            return "No connected client runs Python" in await explained()

        await wait_until(is_explained, 120.0, on_timeout=env.dump)
        (line,) = [line for line in client.tail().splitlines() if "work given back" in line]
        assert "no Python here for 60 s: the files of python: " in line and "127.0.0.1:9" in line
        script = {"language": "javascript", "source": SQUARE}
        other = await rest.create_task({**document, "name": "script", "workunit": script})

        async def is_done() -> bool:
            return bool((await rest.task(other["id"]))["state"] == "done")

        await wait_until(is_done, 60.0, on_timeout=env.dump)
