"""Native Python through a whole platform: only where its owner trusts the managers, and with the owner's packages."""

import asyncio
import contextlib
import importlib.util
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from disio.rest import ManagerClient
from disio_shared.abilities import is_native
from tests.integration.env import Env, Started
from tests.integration.facts import ended
from tests.unit.client_cli.small_distributor import SmallDistributor
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
# msgspec is a compiled package of this interpreter; no sandbox has it.
SOURCE = "import msgspec\ndef run(payload, unit): return msgspec.json.encode({'n': payload}).decode()"


async def cluster_of(manager: Started) -> str:
    """Return the id that an owner trusts."""
    async with aiohttp.ClientSession() as http, http.get(f"{manager.url}/api/link") as answer:
        return str((await answer.json())["cluster"])


async def native_task(rest: ManagerClient) -> str:
    """Create a task of native Python; return its id."""
    workunit = {"language": "python", "runtime": "native", "source": SOURCE}
    created = await rest.create_task({"name": "native", "workunit": workunit, "payloads": {"range": [0, 40]}})
    return str(created["id"])


async def test_a_trusted_cluster_computes_with_the_owners_packages_and_no_other_client_does(env: Env) -> None:
    assert importlib.util.find_spec("msgspec")
    manager = env.manager()
    distributor = env.distributor(manager.url)
    cautious = env.client(distributor.url, name="cautious")
    other = env.client(distributor.url, "--trust-native", "another-cluster", name="other")
    async with env.rest(manager) as rest:
        task_id = await native_task(rest)

        async def explained() -> list[str]:
            sentences: list[str] = (await rest.explain(task_id))["sentences"]
            return [sentence for sentence in sentences if "native Python" in sentence]

        await wait_until(explained, 30.0, on_timeout=env.dump)
        assert (await rest.task(task_id))["done"] == 0
        cluster = await cluster_of(manager)
        env.client(distributor.url, "--trust-native", cluster, name="trusting")
        final: dict[str, Any] = await ended(rest, task_id, env)
        assert (final["state"], final["done"], final["failed"]) == ("done", 40, 0)
        rows = [row async for row in rest.results(task_id)]
        assert [row["result"] for row in rows] == [f'{{"n":{n}}}' for n in range(40)]
        assert {row["client"] for row in rows} == {rows[0]["client"]}
    told = [line for line in env.started[-1].tail().splitlines() if "may run any program" in line]
    assert len(told) == 1 and cluster in told[0]
    assert "may run any program" not in cautious.tail()
    assert "another-cluster may run any program" in other.tail()


async def test_a_wrong_cluster_is_refused_by_name(env: Env) -> None:
    client = env.launch("client", "disio_client", "--distributor", "http://127.0.0.1:9", "--trust-native", "no id!")
    assert client.process.wait(30) == 2
    assert "--trust-native: 'no id!' is no id of a cluster" in client.tail()


async def test_a_client_announces_what_it_trusts_and_takes_that_alone(env: Env) -> None:
    async with hands_out_native("home") as distributor:
        stranger = env.launch("stranger", "disio_client", *options(distributor, env, "stranger"))
        await distributor.until(lambda: bool(distributor.released), "given back")
        assert not any(map(is_native, distributor.hellos[0].languages))
        assert await asyncio.to_thread(stranger.ends) and not distributor.values
    async with hands_out_native("home") as distributor:
        trust = ("--trust-native", "home", "--trust-native", "home")
        friend = env.launch("friend", "disio_client", *options(distributor, env, "friend"), *trust)
        await distributor.until(lambda: distributor.is_complete, "complete")
        assert distributor.hellos[0].languages.count("python-native:home") == 1
        assert distributor.values == {index: b"%d" % (2 * index) for index in range(20)}
        assert await asyncio.to_thread(friend.ends)


@contextlib.asynccontextmanager
async def hands_out_native(cluster: str) -> AsyncIterator[SmallDistributor]:
    """Serve twenty native units of a cluster, whoever asks for work."""
    code = b"def run(payload, unit): return payload * 2"
    payloads = [b"%d" % number for number in range(20)]
    distributor = SmallDistributor(code, payloads, language=f"python-native:{cluster}")
    await distributor.start()
    try:
        yield distributor
    finally:
        await distributor.stop()


def options(distributor: SmallDistributor, env: Env, name: str) -> list[str]:
    """Return a client's options."""
    return ["--distributor", distributor.url, "--cores", "1", "--data-dir", str(env.folder / name)]
