"""The calls of an executor, with a feeder that answers when it is told to."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, wait
from typing import Any

import pytest

from disio.sdk.feeding import Give
from disio.sdk.loop import Loop, NotHere
from disio.sdk.pool import BATCH_BYTES, LEAST_SHARE, Aborted, CallItem, Pool
from disio.sdk.units import WorkUnit
from tests.waiting import wait_until_sync

ENDS_S = 20.0
RUN = "def run(payload, unit): return payload"


class Gate:
    """A feeder that holds calls until it is opened."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[Any]]] = []
        self.now = self.most = 0
        self.opened = asyncio.Event()
        self.is_closed = False

    async def run(self, unit: WorkUnit, payloads: list[Any], give: Give) -> None:
        """Answer each payload with itself; ``fail`` ends the batch."""
        self.batches.append((unit.name, payloads))
        self.now += len(payloads)
        self.most = max(self.most, self.now)
        try:
            await self.opened.wait()
            for at, payload in enumerate(payloads):
                if payload == "fail":
                    raise ConnectionError("gone")
                give(at, payload, None)
                give(at, "again", None)  # what was answered stays as it is
                self.now -= 1
        except BaseException:
            self.now = 0
            raise

    async def close(self) -> None:
        """Note that it was closed."""
        self.is_closed = True


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.stop()


def unit(name: str) -> WorkUnit:
    return WorkUnit.from_source(f"{RUN} # {name}", "python", name)


def pool_of(loop: Loop, gate: Gate, window: int | None, slots: int = 0) -> Pool:
    async def count() -> int:
        if slots < 0:
            raise ConnectionError("the manager is away")
        return slots

    return Pool(loop, gate, count, window)


def add(pool: Pool, name: str, payload: Any, size: int = 1) -> Future[Any]:
    future: Future[Any] = Future()
    pool.add(CallItem(future, unit(name), payload, size))
    return future


@pytest.mark.parametrize(("window", "slots", "most"), [(3, 0, 3), (None, 10, 40), (None, 1, 16), (None, -1, 16)])
def test_no_more_calls_are_computed_at_a_time_than_there_is_room_for(
    loop: Loop, window: int | None, slots: int, most: int
) -> None:
    gate = Gate()
    pool = pool_of(loop, gate, window, slots)
    futures = [add(pool, "one", n) for n in range(200)]
    # While calls are computed, others begin only when there is room for some.
    wait_until_sync(lambda: gate.now > most - max(1, most // LEAST_SHARE))
    assert sum(each.running() for each in futures) <= most
    loop.call(gate.opened.set)
    assert [each.result(ENDS_S) for each in futures] == list(range(200))
    assert most - most // LEAST_SHARE <= gate.most <= most
    pool.wait()


def test_functions_take_turns_and_large_calls_go_alone(loop: Loop) -> None:
    gate = Gate()
    pool = pool_of(loop, gate, 100)
    futures = [add(pool, "first", n) for n in range(30)] + [add(pool, "second", n) for n in range(30)]
    futures += [add(pool, "large", n, BATCH_BYTES) for n in range(3)]
    loop.call(gate.opened.set)
    assert not wait(futures, ENDS_S).not_done
    names = [name for name, _ in gate.batches]
    assert names.count("large") == 3 and {"first", "second"} <= set(names)


def test_a_feeder_that_breaks_ends_its_calls_and_no_others(loop: Loop) -> None:
    gate = Gate()
    loop.call(gate.opened.set)
    pool = pool_of(loop, gate, 10)
    futures = {payload: add(pool, "one", payload) for payload in ("a", "fail", "b")}
    assert futures["a"].result(ENDS_S) == "a"
    assert isinstance(futures["fail"].exception(ENDS_S), ConnectionError)
    # It goes with the one before it, unless this machine was slow to submit it.
    wait([futures["b"]], ENDS_S)
    (broken,) = [payloads for _, payloads in gate.batches if "fail" in payloads]
    assert isinstance(futures["b"].exception(), ConnectionError) if "b" in broken else futures["b"].result() == "b"
    assert add(pool, "one", "later").result(ENDS_S) == "later"
    pool.wait()


def test_nothing_is_left_after_the_end_of_a_pool_that_was_used(loop: Loop) -> None:
    gate, idle = Gate(), Gate()
    loop.call(gate.opened.set)
    pool, unused = pool_of(loop, gate, 10), pool_of(loop, idle, 10)
    assert add(pool, "one", 1).result(ENDS_S) == 1
    assert gate.is_closed is False
    for each in (pool, unused):
        each.close()
        each.wait()
    assert (gate.is_closed, idle.is_closed) == (True, False)


def test_what_waits_is_cancelled_and_what_runs_is_aborted(loop: Loop) -> None:
    pool = pool_of(loop, Gate(), 2)
    futures = [add(pool, "one", n) for n in range(5)]
    wait_until_sync(lambda: futures[1].running())
    pool.cancel()
    assert [each.cancelled() for each in futures] == [False, False, True, True, True]
    pool.abort()
    for each in futures[:2]:
        assert isinstance(each.exception(ENDS_S), Aborted)
    pool.wait()


def test_a_loop_that_ends_ends_its_calls(loop: Loop) -> None:
    pool = pool_of(loop, Gate(), 1)
    futures = [add(pool, "one", n) for n in range(3)]
    wait_until_sync(lambda: futures[0].running())
    loop.stop()
    assert all(each.exception(ENDS_S) is not None for each in futures)
    with pytest.raises(NotHere):
        add(pool, "one", 1)
    pool.wait()
