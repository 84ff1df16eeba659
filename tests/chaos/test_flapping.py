"""Connections that break once a second, for minutes: work goes on, and nothing piles up."""

import time
from collections.abc import Callable

import pytest

from tests.chaos import volunteers
from tests.chaos.door import door
from tests.chaos.footprint import Footprint
from tests.chaos.outside import Outside
from tests.chaos.promises import kept, told_apart
from tests.chaos.proxy import Proxy
from tests.chaos.sizes import is_long, limit, size
from tests.chaos.stage import Stage
from tests.chaos.volunteer import Manner
from tests.chaos.volunteers import Crowd
from tests.integration.env import Env
from tests.waiting import patient, wait_until

pytestmark = [pytest.mark.integration, limit(240)]

EACH_S = 1.0
WAIT_S = 300.0
MOST_GROWTH = 0.05
PER_ADDRESS = 15
"""Volunteers behind one address, so that each may connect once a second without being held for a flood."""


async def flap(
    break_it: Callable[[], None], seconds: float, watched: list[Footprint], is_enough: Callable[[], bool]
) -> None:
    """Break connections once a second for so long, and until it was enough; look at the processes each time."""
    began, number = time.monotonic(), 0
    while number * EACH_S < seconds or not is_enough():
        assert time.monotonic() < began + patient(2 * seconds), "too few connections came back"
        break_it()
        for footprint in watched:
            footprint.look()
        number += 1
        await wait_until(_reached(began + number * EACH_S), seconds)


def _reached(moment: float) -> Callable[[], bool]:
    return lambda: time.monotonic() >= moment


def cut(crowd: Crowd) -> None:
    """Break every volunteer's connection."""
    for volunteer in crowd.volunteers:
        volunteer.cut()


def assert_flat(watched: list[Footprint], warm_s: float) -> None:
    """Nothing grew since the end of the warm-up; asserted in the long version alone, since short ones say little."""
    window_s = 30.0 if is_long() else 5.0
    for footprint in watched:
        print(footprint.told(warm_s, window_s))
    if is_long():
        grown = {each.name: each.growth(warm_s, window_s) for each in watched}
        assert all(max(each) <= MOST_GROWTH for each in grown.values()), grown


def watch(stage: Stage) -> list[Footprint]:
    """Return who is looked at."""
    return [Footprint(each.name, each.process.pid) for each in (stage.manager, stage.distributor)]


async def finish(stage: Stage, task_id: str, total: int) -> None:
    """The task is right, with nothing broken any more."""
    seen = await stage.ended(task_id, WAIT_S)
    assert (seen["done"], seen["failed"]) == (total, 0)
    await kept(stage.rest, stage.outside, task_id, total)


async def test_a_manager_link_that_flaps_costs_nothing_that_stays(env: Env) -> None:
    seconds, warm_s, crowded = size("flap_s", 20, 600), size("flap_warm_s", 5, 60), 20
    manner = Manner(unit_s=0.5, gather_s=0.5, compute=told_apart())
    manager = env.manager()
    try:
        async with (
            Proxy(int(manager.ready["zmq_port"])) as proxy,
            door(manager.url, proxy.port) as url,
            env.rest(manager) as rest,
            Crowd(Outside(), manner) as crowd,
        ):
            stage = Stage(env, manager, env.distributor(url), rest, crowd)
            crowd.add(crowded, stage.distributor.url)
            total = round(crowded / manner.unit_s * seconds)
            task_id = await stage.submit(total)
            watched = watch(stage)
            await flap(proxy.reset, seconds, watched, lambda: proxy.connections > seconds / 4)
            done = (await rest.task(task_id))["done"]
            print(f"{proxy.connections} connections in {seconds} s or more, {done} of {total} payloads done meanwhile")
            assert_flat(watched, warm_s)
            await finish(stage, task_id, total)
    finally:
        env.stop()


async def test_clients_that_reconnect_once_a_second_cost_nothing_that_stays(
    env: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volunteers, "PER_ADDRESS", PER_ADDRESS)
    seconds, warm_s, crowded = size("flap_s", 20, 600), size("flap_warm_s", 5, 60), size("flap_clients", 200, 200)
    # Few results: what is looked for is what connections leave behind, and a database has a cache that grows with it.
    manner = Manner(unit_s=4.0, gather_s=0.5, compute=told_apart(), backoff_s=(0.2, 0.5))
    manager = env.manager()
    try:
        async with env.rest(manager) as rest, Crowd(Outside(), manner) as crowd:
            stage = Stage(env, manager, env.distributor(manager.url), rest, crowd)
            crowd.add(crowded, stage.distributor.url)
            await wait_until(lambda: crowd.online == crowded, WAIT_S)
            total = round(crowded / manner.unit_s * seconds / 2)
            task_id = await stage.submit(total)
            watched = watch(stage)
            before = crowd.connects
            await flap(lambda: cut(crowd), seconds, watched, lambda: crowd.connects - before > crowded * seconds / 4)
            done = (await rest.task(task_id))["done"]
            print(
                f"{crowd.connects - before} reconnects of {crowded} clients in {seconds} s or more, "
                f"{done} of {total} payloads done meanwhile"
            )
            assert_flat(watched, warm_s)
            await finish(stage, task_id, total)
    finally:
        env.stop()
