"""One manager, two distributors and volunteers at both, to be killed, stopped and started again.

Rule: processes are started and ended in threads, so that volunteers, proxies and probes in this process go on.
"""

import asyncio
import contextlib
import json
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

import zmq

from disio.rest import ManagerClient
from disio_shared import messages
from tests.chaos.outside import Outside
from tests.chaos.promises import told_apart
from tests.chaos.sizes import size
from tests.chaos.volunteer import Manner
from tests.chaos.volunteers import Crowd
from tests.integration.env import NOOP, Env, Started, task
from tests.unit.manager.served import Peer
from tests.waiting import wait_until

Door = Callable[[str, int], Awaitable[str]]

KNOCKS_S = (0.2, 0.5)
"""Volunteers try so often to come back: the services are measured, not the volunteers' patience."""
HURRIED_S = 0.005
LEASE_WAIT_S = 40.0
PROGRESS_S = 120.0


@dataclass(frozen=True, slots=True)
class Stores:
    """Options that name the stores; none = SQLite in the data directories."""

    manager: tuple[str, ...] = ()
    distributors: tuple[tuple[str, ...], ...] = ((), ())


@dataclass(frozen=True, slots=True)
class Restart:
    """Seconds from a process's start to its ready line, and to the first lease it gave."""

    ready_s: float
    lease_s: float
    load: float = field(default_factory=lambda: os.getloadavg()[0] / (os.cpu_count() or 1))
    """Processes that wanted to run, for each core of the machine, over the last minute."""


class Trio:
    """The services and their crowd.

    Args:
        rest: Calls the manager, under whatever process.
        groups: Names of the volunteers at each distributor.
    """

    def __init__(
        self, env: Env, stores: Stores, manager: Started, distributors: list[Started], rest: ManagerClient, crowd: Crowd
    ) -> None:
        self.env, self.manager, self.distributors, self.rest, self.crowd = env, manager, distributors, rest, crowd
        self.outside = crowd.outside
        self.groups: list[set[str]] = [set() for _ in distributors]
        self._stores = stores
        self._probe = Probe(env)

    def staff(self, volunteers: int, urls: list[str] | None = None) -> None:
        """Let so many volunteers in at each distributor, or at the proxies in front of them."""
        for group, url in zip(self.groups, urls or [each.url for each in self.distributors], strict=True):
            group.update(each.name for each in self.crowd.add(volunteers, url))

    def hurry(self) -> None:
        """Let a unit take little time from now on: what was to happen while work is left has happened."""
        for volunteer in self.crowd.volunteers:
            volunteer.manner = replace(volunteer.manner, unit_s=HURRIED_S)

    async def submit(self, total: int, **policy: Any) -> str:
        """Create a task of the numbers from 0 on; return its id."""
        # Strict: without extra votes each payload is acknowledged once.
        document = task(NOOP, {"range": [0, total]}, when_exhausted="wait", **policy)
        created = await self.rest.create_task(document)
        self.outside.submitted(created["id"], document, created["total"])
        return str(created["id"])

    async def went_on(self, task_id: str) -> float:
        """Wait until each distributor hands out and the manager takes results in; return after how many seconds.

        The task must be `watched`.
        """
        began, facts = time.monotonic(), self.outside.facts
        before = len(facts)
        done = self.done(task_id)

        def all_go_on() -> bool:
            new = facts[before:]
            served = {fact["volunteer"] for fact in new if fact["event"] == "assigned"}
            has_grown = any(fact["event"] == "sampled" and fact["done"] > done for fact in new)
            return has_grown and all(served & group for group in self.groups)

        await wait_until(all_go_on, PROGRESS_S, on_timeout=self.told)
        return time.monotonic() - began

    def done(self, task_id: str) -> int:
        """Return how much of a watched task was done when the manager was last asked."""
        seen = (fact for fact in reversed(self.outside.facts) if fact["event"] == "sampled")
        return next((int(fact["done"]) for fact in seen if fact["task"] == task_id), 0)

    async def committed(self, task_id: str, least: int) -> None:
        """Wait until the manager has so many results of a watched task."""
        await wait_until(lambda: self.done(task_id) >= least, PROGRESS_S, on_timeout=self.told)

    async def progress(self, task_id: str, least: int) -> None:
        """Wait until so many results were acknowledged."""
        await wait_until(lambda: self.outside.acknowledged[task_id] >= least, PROGRESS_S, on_timeout=self.told)

    async def ended(self, task_id: str) -> None:
        """Wait until the task was seen to be over."""

        def state() -> str:
            seen = (fact for fact in reversed(self.outside.facts) if fact["event"] == "sampled")
            return next((str(fact["state"]) for fact in seen if fact["task"] == task_id), "")

        await wait_until(lambda: state() not in ("", "queued", "running"), PROGRESS_S, on_timeout=self.told)

    def told(self) -> str:
        """Return what to show when a wait fails."""
        outside = self.outside
        seen = [fact for fact in outside.facts if fact["event"] == "sampled"][-1:]
        crowd = "\n".join(volunteer.told() for volunteer in self.crowd.volunteers)
        logs = "\n".join(f"--- {each.name}\n{each.tail()[-1500:]}" for each in (self.manager, *self.distributors))
        return f"seed {seed()}; acknowledged {dict(outside.acknowledged)}; last seen {seen}\n{crowd}\n{logs}"

    async def restart_manager(self, away_s: float) -> Restart:
        """kill -9 the manager, start it again after a while, and lease a payload from it."""
        await asyncio.to_thread(self.manager.kill)
        await asyncio.sleep(away_s)
        began = time.monotonic()
        probing = asyncio.create_task(self._probe.lease(self.manager))
        self.manager = await asyncio.to_thread(self.env.manager_again, self.manager, *self._stores.manager)
        ready_s = time.monotonic() - began
        return Restart(ready_s, await probing - began)

    async def restart_distributor(self, which: int, away_s: float) -> Restart:
        """kill -9 a distributor, start it again after a while, and wait for its first Assign."""
        killed = self.distributors[which]
        await asyncio.to_thread(killed.kill)
        await asyncio.sleep(away_s)
        began = time.monotonic()
        options = self._stores.distributors[which]
        again = await asyncio.to_thread(self.env.distributor_again, killed, self.manager.url, *options)
        self.distributors[which] = again
        ready_s = time.monotonic() - began
        return Restart(ready_s, await self._first_assign(which, began) - began)

    async def _first_assign(self, which: int, since: float) -> float:
        """Return when a distributor first handed something out."""

        def first() -> float:
            facts = self.outside.assigns_since(since)
            return next((float(fact["at"]) for fact in facts if fact["volunteer"] in self.groups[which]), 0.0)

        return await wait_until(first, LEASE_WAIT_S, on_timeout=lambda: f"distributor {which}: {self.told()}")


class Probe:
    """A distributor by hand that leases one payload of a task nobody else can run, and gives it back."""

    def __init__(self, env: Env) -> None:
        self._env, self._keys = env, zmq.curve_keypair()

    async def lease(self, manager: Started) -> float:
        """Return when a manager that is about to start gave a lease."""
        peer = Peer(int(manager.ready["zmq_port"]), self._curve_key(manager), "probe", self._keys)
        try:
            await peer.join()
            ask = messages.Ask(request=1, payloads=1, languages=["javascript"], kinds=["web"])
            await peer.say(ask)
            grant = await peer.hear(messages.Grant)
            at = time.monotonic()
            assert grant.blocks, f"no lease: {grant.waiting}"
            blocks = [messages.BlockRef(block=each.block, lease=each.lease) for each in grant.blocks]
            await peer.say(messages.Return(blocks=blocks))
            return at
        finally:
            peer.socket.close(linger=500)

    def _curve_key(self, manager: Started) -> bytes:
        """Return the manager's public key, which outlives it."""
        path = self._env.folder / manager.name / "curve.json"
        return str(json.loads(path.read_text())["public"]).encode()


@contextlib.asynccontextmanager
async def trio(env: Env, stores: Stores, manner: Manner, door: Door | None = None) -> AsyncIterator[Trio]:
    """Start manager and distributors; volunteers leave and services stop at the end.

    Args:
        env: Where.
        stores: On what; also says how many distributors there are.
        manner: How volunteers work.
        door: Returns the manager's URL for distributors, given its REST URL and the port of its link.
    """
    manager = await asyncio.to_thread(env.manager, *stores.manager)
    url = await door(manager.url, int(manager.ready["zmq_port"])) if door else manager.url
    distributors = [
        await asyncio.to_thread(env.distributor, url, *options, name=f"distributor{at}")
        for at, options in enumerate(stores.distributors)
    ]
    async with env.rest(manager) as rest, Crowd(Outside(), manner, seed()) as crowd:
        try:
            yield Trio(env, stores, manager, distributors, rest, crowd)
        finally:
            crowd.outside.write(env.folder / "facts.ndjson")


def seed() -> int:
    """Return this run's seed: DISIO_SOAK_SEED, or a fresh one."""
    return size("seed", 0, 0) or _FRESH


_FRESH = random.SystemRandom().randrange(1, 1 << 31)


def manner(unit_s: float) -> Manner:
    """Return how volunteers work in tests that break services: quick to come back, each result told apart."""
    return Manner(unit_s=unit_s, gather_s=0.3, compute=told_apart(), backoff_s=KNOCKS_S)


def spread(name: str, seconds: list[float]) -> str:
    """Return the least, middle and largest of some times, in words."""
    return f"{name} min {min(seconds):.2f} median {median(seconds):.2f} max {max(seconds):.2f} s"
