"""Processes that stop for seconds and go on (SIGSTOP, SIGCONT): alive to the machine, dead to everybody else.

``make chaos`` stops them longer and more often.
"""

import asyncio
import os
import random
import signal

import pytest

from tests.chaos.evidence import proved, watched
from tests.chaos.sizes import is_long, size
from tests.chaos.trio import Stores, manner, seed, trio
from tests.integration.env import Env, Started

ROUNDS = size("rounds", 1, 6)
STOPPED_S = (5.0, 20.0) if is_long() else (5.0, 6.0)
VOLUNTEERS = 4
"""At each of two distributors."""
UNIT_S = 0.1
MARGIN = 100
"""Results that must come after each stop."""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 + 120 * ROUNDS)]


async def test_processes_that_stop_for_seconds_and_go_on_lose_nothing(env: Env) -> None:
    chance = random.Random(seed())
    # Each round has two stops at the longest time, and nobody is to run out of work in it, on a busy machine either.
    total = int(2 * VOLUNTEERS / UNIT_S * (2 * STOPPED_S[1] + 40) * ROUNDS)
    print(f"seed {seed()}: {ROUNDS} rounds, {total} payloads")
    async with trio(env, Stores(), manner(UNIT_S)) as running:
        task_id = await running.submit(total)
        running.staff(VOLUNTEERS)
        await running.progress(task_id, MARGIN)
        async with watched(running.rest, running.outside, task_id):
            for _ in range(ROUNDS):
                await stopped(running.manager, chance)
                await running.went_on(task_id)
                await stopped(chance.choice(running.distributors), chance)
                await running.went_on(task_id)
            running.hurry()
            await running.ended(task_id)
        await proved(running.rest, running.outside, [task_id], env.folder / "evidence")


async def test_everybody_stopped_at_once_goes_on_where_it_was(env: Env) -> None:
    chance = random.Random(seed())
    async with trio(env, Stores(), manner(UNIT_S)) as running:
        task_id = await running.submit(1_000)
        running.staff(VOLUNTEERS)
        await running.progress(task_id, MARGIN)
        async with watched(running.rest, running.outside, task_id), asyncio.TaskGroup() as group:
            for each in (running.manager, *running.distributors):
                group.create_task(stopped(each, chance))
        async with watched(running.rest, running.outside, task_id):
            await running.ended(task_id)
        await proved(running.rest, running.outside, [task_id], env.folder / "evidence")


async def stopped(service: Started, chance: random.Random) -> None:
    """Stop a process for a while."""
    seconds = chance.uniform(*STOPPED_S)
    print(f"{service.name} stands still for {seconds:.1f} s")
    os.kill(service.process.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(service.process.pid, signal.SIGCONT)
