"""The topology of docker-compose.yml, started natively: MongoDB's protocol, Redis, parts found by zeroconf."""

import pytest

from disio.demos import pi
from tests.integration.env import SQUARE, Env, Started, task
from tests.integration.facts import PATIENCE_S, digits_of, ended, outbox_of, reached
from tests.services.process import ServerProcess
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
LOOPBACK = ("--zeroconf-interface", "127.0.0.1")


def start(env: Env, mongodb: str, redis: str, database: str) -> tuple[Started, Started]:
    """Start a manager and a distributor that have to find each other."""
    manager = env.manager("--db", f"{mongodb.split('/?')[0].rstrip('/')}/{database}{query_of(mongodb)}", *LOOPBACK)
    join_token = str(env.folder / "manager" / "join.token")
    distributor = env.distributor("zeroconf", "--cache", redis, "--join-token-file", join_token, *LOOPBACK)
    return manager, distributor


def query_of(url: str) -> str:
    """Return the options of a MongoDB URI."""
    return f"?{url.split('?', 1)[1]}" if "?" in url else ""


async def test_the_composed_topology_computes_pi(env: Env, mongodb_uri: str, redis_server: ServerProcess) -> None:
    manager, distributor = start(env, mongodb_uri, redis_server.url, "topology")
    env.client(distributor.url)
    async with env.rest(manager) as rest:
        created = await rest.create_task(pi.task_document(1200))
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["done"]) == ("done", 300)
        assert pi.first_difference(await digits_of(rest, created["id"])) is None


async def test_databases_that_go_away_are_waited_for(
    env: Env, mongodb_server: ServerProcess, redis_server: ServerProcess
) -> None:
    manager, distributor = start(env, mongodb_server.url, redis_server.url, "outage")
    env.client(distributor.url)
    source = "export default async (n) => { await new Promise((done) => setTimeout(done, 20)); return n * n }"
    async with env.rest(manager) as rest:
        created = await rest.create_task(task(source, {"range": [0, 600]}))
        await reached(rest, created["id"], 20, env)
        mongodb_server.stop()
        before = await outbox_of(distributor.url)

        async def went_on() -> bool:
            return await outbox_of(distributor.url) > before + 40

        await wait_until(went_on, PATIENCE_S, on_timeout=env.dump)
        mongodb_server.start()
        await reached(rest, created["id"], 150, env)
        redis_server.stop()
        redis_server.start()
        final = await ended(rest, created["id"], env)
        assert (final["state"], final["done"], final["failed"]) == ("done", 600, 0)
        rows = [row async for row in rest.results(created["id"])]
        assert [row["result"] for row in rows] == [n * n for n in range(600)]


async def test_two_managers_on_one_data_directory_are_refused_and_a_killed_one_comes_back(
    env: Env, mongodb_server: ServerProcess, redis_server: ServerProcess
) -> None:
    manager, _ = start(env, mongodb_server.url, redis_server.url, "shared")
    database = ("--db", f"{mongodb_server.url.split('/?')[0].rstrip('/')}/shared{query_of(mongodb_server.url)}")
    folder = env.folder / "manager"
    data = ("--data-dir", str(folder), "--port", "0", "--zmq-port", "0")
    second = env.launch("second", "disio_manager", *data, *database, "--no-zeroconf")
    assert second.process.wait(30) == 1
    assert_one_clear_line(second.tail(), str(folder))
    manager.kill()
    again = env.manager_again(manager, *database, "--no-zeroconf")
    async with env.rest(again) as rest:
        assert (await rest.stats())["tasks"]["running"] == 0


def test_a_database_that_is_not_there_at_start_is_one_line_and_exit_1(env: Env) -> None:
    data = ("--data-dir", str(env.folder / "m"), "--port", "0", "--zmq-port", "0")
    service = env.launch("manager", "disio_manager", *data, "--db", "mongodb://127.0.0.1:9/none")
    assert service.process.wait(30) == 1
    assert_one_clear_line(service.tail(), "127.0.0.1:9")


def test_a_redis_that_is_not_there_at_start_is_one_line_and_exit_1(env: Env) -> None:
    data = ("--data-dir", str(env.folder / "d"), "--port", "0", "--manager", "http://127.0.0.1:9")
    service = env.launch("distributor", "disio_distributor", *data, "--cache", "redis://127.0.0.1:9/0")
    assert service.process.wait(30) == 1
    assert_one_clear_line(service.tail(), "127.0.0.1:9")


def assert_one_clear_line(text: str, names: str) -> None:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    assert names in lines[0]


async def test_a_distributor_started_before_its_manager_finds_it(env: Env) -> None:
    distributor = env.distributor("zeroconf", *LOOPBACK)
    env.client(distributor.url)
    manager = env.manager(*LOOPBACK)
    async with env.rest(manager) as rest:
        created = await rest.create_task(task(SQUARE, {"range": [0, 100]}))
        assert (await ended(rest, created["id"], env))["done"] == 100
