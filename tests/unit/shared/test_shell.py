"""The shell saves before it sends, refuses what the core refuses, and reloads after a failed commit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from disio_shared.clock import SystemClock
from disio_shared.decisions import Decision
from disio_shared.errors import StoreUnavailable, TaskNotFound
from disio_shared.shell import Shell
from tests.waiting import wait_until

STALE = -99
"""An event that tells a core that its memory does not fit the store."""


class Counter:
    """A core that counts; refuses negative events; wants a tick when told to."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.deadline: float | None = None

    def handle(self, event: int, now: float) -> Decision[int, str]:
        if event == STALE:
            raise StoreUnavailable("memory", "is old")
        if event < 0:
            raise TaskNotFound(str(event))
        self.value += event
        return Decision([self.value], [f"told {self.value}"])

    def next_deadline(self) -> float | None:
        return self.deadline


class Disk:
    """A store that can be away."""

    def __init__(self) -> None:
        self.saved, self.is_away, self.log = 0, False, list[str]()

    async def commit(self, changes: Sequence[int]) -> None:
        if self.is_away:
            raise StoreUnavailable("disk", "away")
        self.saved = changes[-1]
        self.log.append(f"saved {self.saved}")

    async def load(self) -> Counter:
        if self.is_away:
            raise StoreUnavailable("disk", "away")
        return Counter(self.saved)


class Rig:
    """A running shell and what was seen of it."""

    def __init__(self) -> None:
        self.disk, self.trouble = Disk(), list[str]()
        self.stale: StoreUnavailable | None = None
        self.shell: Shell[int, int, str] = Shell(
            self._load,
            self.disk,
            self.disk.log.append,
            lambda: 1000,
            SystemClock(),
            self._on_trouble,
            self._why_stale,
            self._on_saved,
        )

    def _on_saved(self) -> None:
        self.disk.log.append("durable")

    def _why_stale(self) -> StoreUnavailable | None:
        return self.stale

    async def _load(self) -> Counter:
        loaded = await self.disk.load()
        self.stale = None
        return loaded

    def _on_trouble(self, trouble: StoreUnavailable | None) -> None:
        self.trouble.append("back" if trouble is None else str(trouble))


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    await made.shell.start()
    running = asyncio.create_task(made.shell.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_command_is_performed_after_its_change_is_saved(rig: Rig) -> None:
    await rig.shell.submit(5)
    assert rig.disk.log == ["saved 5", "durable", "told 5"]


async def test_events_that_wait_together_share_one_commit(rig: Rig) -> None:
    await asyncio.gather(*(rig.shell.submit(1) for _ in range(10)))
    assert rig.disk.saved == 10
    assert len([line for line in rig.disk.log if line.startswith("saved")]) < 10


async def test_a_refused_event_reaches_its_sender_and_nobody_else(rig: Rig) -> None:
    good, bad = await asyncio.gather(rig.shell.submit(1), rig.shell.submit(-1), return_exceptions=True)
    assert good is None
    assert isinstance(bad, TaskNotFound)
    assert rig.disk.saved == 1


async def test_nothing_is_sent_and_memory_is_reloaded_when_the_commit_fails(rig: Rig) -> None:
    await rig.shell.submit(1)
    rig.disk.is_away = True
    with pytest.raises(StoreUnavailable):
        await rig.shell.submit(7)
    assert "told 8" not in rig.disk.log
    rig.disk.is_away = False
    await wait_until(lambda: "back" in rig.trouble)
    await rig.shell.submit(1)
    assert rig.disk.saved == 2


async def test_a_due_deadline_becomes_a_tick(rig: Rig) -> None:
    assert isinstance(rig.shell.core, Counter)
    rig.shell.core.deadline = 0.0
    await rig.shell.submit(1)
    await wait_until(lambda: rig.disk.saved >= 1001)


async def test_stale_memory_decides_nothing_and_is_loaded_anew(rig: Rig) -> None:
    await rig.shell.submit(1)
    rig.disk.saved = 10  # somebody else wrote
    rig.stale = StoreUnavailable("memory", "is stale")
    with pytest.raises(StoreUnavailable, match="stale"):
        await rig.shell.submit(1)
    assert rig.disk.saved == 10
    await wait_until(lambda: "back" in rig.trouble)
    await rig.shell.submit(1)
    assert rig.disk.saved == 11


async def test_a_core_whose_memory_is_old_is_loaded_anew_and_all_of_its_group_come_again(rig: Rig) -> None:
    await rig.shell.submit(1)
    rig.disk.saved = 10  # somebody else wrote
    answers = await asyncio.gather(rig.shell.submit(1), rig.shell.submit(STALE), return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    await wait_until(lambda: "back" in rig.trouble)
    await rig.shell.submit(1)
    assert rig.disk.saved == 11


async def test_an_event_is_made_while_nothing_else_is_written(rig: Rig) -> None:
    async def make() -> int:
        rig.disk.log.append("made")
        for _ in range(3):
            await asyncio.sleep(0)
        return 100

    await asyncio.gather(rig.shell.submit(1), rig.shell.submit(2), rig.shell.submit_alone(make), rig.shell.submit(3))
    at = rig.disk.log.index("made")
    assert rig.disk.log[at + 1 : at + 4] == ["saved 103", "durable", "told 103"], rig.disk.log
    assert rig.disk.saved == 106


async def test_an_event_that_cannot_be_made_costs_only_who_wanted_it(rig: Rig) -> None:
    async def make() -> int:
        raise StoreUnavailable("disk", "away")

    with pytest.raises(StoreUnavailable):
        await rig.shell.submit_alone(make)
    await rig.shell.submit(1)
    assert rig.disk.saved == 1 and rig.trouble == []


async def test_a_stop_in_the_turn_of_an_event_is_a_stop() -> None:
    for turns in range(8):
        rig = Rig()
        await rig.shell.start()
        core = rig.shell.core
        assert isinstance(core, Counter)
        core.deadline = SystemClock().steady() + 60
        running = asyncio.create_task(rig.shell.run())
        for _ in range(3):
            await asyncio.sleep(0)
        assert rig.shell.post(1)
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=5)
        if not ended:
            running.cancel()
        assert ended, f"a stop {turns} turns after an event was lost"
