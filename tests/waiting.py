"""Waiting in tests: for a fact, with a deadline, telling what was seen when it did not come.

The only place of the test tree that sleeps.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

from tests.services.need import in_ci

Fact = TypeVar("Fact")
Dump = Callable[[], object]

POLL_S = 0.02
CI_PATIENCE = 4.0
"""A machine of CI may get a fraction of its processors' time. What does come, comes as soon as it can."""


def patient(limit: float) -> float:
    """Return for how long to wait, in CI longer, for what is sure to come: ``limit`` is in seconds or milliseconds."""
    return limit * CI_PATIENCE if in_ci() else limit


class NeverHappened(AssertionError):
    """The awaited fact did not become true in time."""

    def __init__(self, fact: object, timeout: float, seen: object) -> None:
        name = getattr(fact, "__qualname__", repr(fact))
        super().__init__(f"{name} did not become true within {timeout:g} s; last seen: {seen!r}")


@overload
async def wait_until(
    fn: Callable[[], Awaitable[Fact]], timeout: float = 10.0, on_timeout: Dump | None = None
) -> Fact: ...


@overload
async def wait_until(fn: Callable[[], Fact], timeout: float = 10.0, on_timeout: Dump | None = None) -> Fact: ...


async def wait_until(
    fn: Callable[[], Fact | Awaitable[Fact]], timeout: float = 10.0, on_timeout: Dump | None = None
) -> Fact:
    """Poll ``fn`` (sync or async) until it returns something true, and return that.

    ``timeout`` is in seconds, in CI of a `patient` kind; ``on_timeout`` is called once when they are over and its value
    goes into the message.

    Raises:
        NeverHappened: ``fn`` stayed false.
    """
    timeout = patient(timeout)
    deadline = time.monotonic() + timeout
    while True:
        answer = fn()
        value = await asyncio.wait_for(answer, timeout) if inspect.isawaitable(answer) else answer
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverHappened(fn, timeout, on_timeout() if on_timeout else value)
        await asyncio.sleep(POLL_S)


def wait_until_sync(fn: Callable[[], Fact], timeout: float = 10.0, on_timeout: Dump | None = None) -> Fact:
    """Like `wait_until`, for tests and fixtures without an event loop."""
    timeout = patient(timeout)
    deadline = time.monotonic() + timeout
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverHappened(fn, timeout, on_timeout() if on_timeout else value)
        time.sleep(POLL_S)
