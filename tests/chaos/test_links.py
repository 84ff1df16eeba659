"""Links that break in every way TCP can: reset, swallowed, one way only, late and byte by byte.

``make chaos`` keeps them broken for longer than any side waits.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.chaos.door import door
from tests.chaos.evidence import proved, watched
from tests.chaos.proxy import BLACKHOLE, Faults, Proxy
from tests.chaos.sizes import is_long, size
from tests.chaos.trio import Stores, Trio, manner, seed, trio
from tests.integration.env import Env
from tests.waiting import wait_until

ROUNDS = size("rounds", 1, 3)
BROKEN_S = (5.0, 30.0) if is_long() else (2.0, 3.0)
VOLUNTEERS = 4
UNIT_S = 0.1
BACK_S = 60.0
MEND_S = 24.0
"""Work for so long is there for each fault, beside the time it lasts: on a busy machine it takes a while to go on."""
FAULTS = {
    "black hole": Faults(blocked=BLACKHOLE),
    "half-open, nothing goes up": Faults(blocked=frozenset({"up"})),
    "half-open, nothing comes down": Faults(blocked=frozenset({"down"})),
    "slow, one byte at a time": Faults(latency_s=0.1, jitter_s=0.2, slice_bytes=1, bytes_per_s=20_000),
    "nobody is let in": Faults(refuses=True),
}

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180 + 400 * ROUNDS)]


async def test_a_broken_manager_link_loses_nothing(env: Env) -> None:
    async with behind_proxies(env, at_manager=True) as (running, proxy):
        await through_all_faults(env, running, proxy)


async def test_a_broken_client_link_loses_nothing(env: Env) -> None:
    async with behind_proxies(env, at_manager=False) as (running, proxy):
        await through_all_faults(env, running, proxy)


@asynccontextmanager
async def behind_proxies(env: Env, at_manager: bool) -> AsyncIterator[tuple[Trio, Proxy]]:
    """Start one manager and one distributor, with a proxy before one of them."""
    async with AsyncExitStack() as stack:
        proxies: list[Proxy] = []

        async def proxied(manager_url: str, zmq_port: int) -> str:
            proxies.append(await stack.enter_async_context(Proxy(zmq_port, seed())))
            return await stack.enter_async_context(door(manager_url, proxies[0].port))

        running = await stack.enter_async_context(
            trio(env, Stores(distributors=((),)), manner(UNIT_S), proxied if at_manager else None)
        )
        if not at_manager:
            port = int(running.distributors[0].url.rsplit(":", 1)[1])
            proxies.append(await stack.enter_async_context(Proxy(port, seed())))
        running.staff(VOLUNTEERS, None if at_manager else [proxies[0].url])
        yield running, proxies[0]


async def through_all_faults(env: Env, running: Trio, proxy: Proxy) -> None:
    """Break the link in each way, again and again, and mend it."""
    chance = random.Random(seed())
    total = int(VOLUNTEERS / UNIT_S * (BROKEN_S[1] + MEND_S) * len(FAULTS) * ROUNDS)
    task_id = await running.submit(total)
    print(f"seed {seed()}: {ROUNDS} rounds, {total} payloads")
    async with watched(running.rest, running.outside, task_id):
        await running.went_on(task_id)
        for name in [*FAULTS] * ROUNDS:
            seconds = chance.uniform(*BROKEN_S)
            proxy.set(FAULTS[name])
            if FAULTS[name].refuses:
                proxy.reset()
            await asyncio.sleep(seconds)
            proxy.set(Faults())
            mended_s = await running.went_on(task_id)
            print(f"{name} for {seconds:.1f} s; everything went on {mended_s:.1f} s later")
            print(f"reset; everything went on {await after_a_reset(running, proxy, task_id):.1f} s later")
        running.hurry()
        await running.ended(task_id)
    await proved(running.rest, running.outside, [task_id], env.folder / "evidence")


async def after_a_reset(running: Trio, proxy: Proxy, task_id: str) -> float:
    """Cut what is connected; return how many seconds later all was connected and working again."""
    before, began = proxy.connections, time.monotonic()
    cut = proxy.open
    proxy.reset()
    await wait_until(lambda: proxy.connections >= before + cut, BACK_S, on_timeout=running.told)
    await running.went_on(task_id)
    return time.monotonic() - began
