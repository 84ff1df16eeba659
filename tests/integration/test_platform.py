"""Manager, distributor and CLI client as real processes: a task is computed, whatever is killed on the way."""

import psutil
import pytest

from disio.demos import pi
from tests.integration.env import SQUARE, Env, task
from tests.integration.facts import PATIENCE_S, digits_of, ended, outbox_of, reached
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def test_a_task_is_computed_and_its_results_come_in_index_order(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url)
    async with env.rest(manager) as rest:
        created = await rest.create_task(task(SQUARE, {"range": [0, 3000]}))
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["done"], final["failed"]) == ("done", 3000, 0)
        rows = [row async for row in rest.results(created["id"])]
        assert [(row["i"], row["payload"], row["result"]) for row in rows] == [(n, n, n * n) for n in range(3000)]


async def test_failing_payloads_are_reported_and_the_others_are_computed(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url)
    source = "export default (n) => { if (n % 10 === 3) throw new Error('bad ' + n); return n }"
    async with env.rest(manager) as rest:
        created = await rest.create_task(task(source, {"range": [0, 50]}, max_failures=2))
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["done"], final["failed"]) == ("failed", 45, 5)
        failures = await rest.failures(created["id"])
        assert [row["i"] for row in failures] == [3, 13, 23, 33, 43]
        assert all(len(row["errors"]) == 2 and "bad " in row["errors"][0] for row in failures)


async def test_a_manager_killed_in_the_middle_costs_nothing_and_stops_nobody(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url)
    async with env.rest(manager) as rest:
        created = await rest.create_task(pi.task_document(8000))
        await reached(rest, created["id"], 200, env)
        manager.kill()
        before = await outbox_of(distributor.url)

        async def clients_worked_on() -> bool:
            return await outbox_of(distributor.url) >= before + 300

        await wait_until(clients_worked_on, PATIENCE_S, on_timeout=env.dump)
        manager = env.manager_again(manager)
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["done"]) == ("done", 2000)
        assert pi.first_difference(await digits_of(rest, created["id"])) is None


async def test_a_distributor_killed_in_the_middle_costs_nothing(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    client = env.client(distributor.url)
    async with env.rest(manager) as rest:
        created = await rest.create_task(pi.task_document(8000))
        await reached(rest, created["id"], 200, env)
        distributor.kill()
        distributor = env.distributor_again(distributor, manager.url)
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["done"]) == ("done", 2000)
        assert pi.first_difference(await digits_of(rest, created["id"])) is None
        assert client.process.poll() is None


async def test_a_client_killed_in_the_middle_costs_only_its_units_time(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    doomed = env.client(distributor.url, cores=1, name="doomed")
    async with env.rest(manager) as rest:
        created = await rest.create_task(pi.task_document(4000))
        await reached(rest, created["id"], 50, env)
        engines = doomed.children()
        doomed.kill()
        env.client(distributor.url, cores=1, name="heir")
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["done"], final["failed"]) == ("done", 1000, 0)
        assert pi.first_difference(await digits_of(rest, created["id"])) is None
        await gone(engines, env)


async def test_pause_holds_and_resume_goes_on(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    async with env.rest(manager) as rest:
        created = await rest.create_task(task(SQUARE, {"range": [0, 200]}))
        assert (await rest.verb(created["id"], "pause"))["state"] == "paused"
        env.client(distributor.url)
        other = await rest.create_task(task(SQUARE, {"range": [0, 200]}))
        assert (await ended(rest, other["id"], env))["state"] == "done"
        assert (await rest.task(created["id"]))["done"] == 0
        await rest.verb(created["id"], "resume")
        assert (await ended(rest, created["id"], env))["done"] == 200


async def test_a_cancelled_task_frees_its_clients_for_the_next(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    env.client(distributor.url, cores=1)
    endless = "export default () => { for (;;); }"
    async with env.rest(manager) as rest:
        created = await rest.create_task(task(endless, {"range": [0, 10]}, unit_timeout_s=3600))

        async def is_leased() -> bool:
            return bool((await rest.task(created["id"]))["leased"])

        await wait_until(is_leased, PATIENCE_S, on_timeout=env.dump)
        assert (await rest.verb(created["id"], "cancel"))["state"] == "cancelled"
        other = await rest.create_task(task(SQUARE, {"range": [0, 100]}))
        assert (await ended(rest, other["id"], env))["done"] == 100


async def gone(pids: list[int], env: Env) -> None:
    """Wait until processes have ended."""
    await wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids), 20.0, on_timeout=env.dump)
