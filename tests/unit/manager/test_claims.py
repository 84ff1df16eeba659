"""Claims beside the core: each ends in one answer, the same one is not under way twice."""

import asyncio

from disio_manager.claims import MAX_AT_ONCE, Claims
from disio_manager.core.commands import Claim
from disio_manager.core.events import StretchClaimed
from disio_manager.core.records import StretchRecord
from disio_shared.clock import FakeClock
from disio_shared.errors import StoreUnavailable
from tests.waiting import wait_until


def claim(task: str = "t", start: int = 0) -> Claim:
    return Claim(StretchRecord(task=task, start=start, stop=start + 10, owner="a", frontier=start))


class Rig:
    """A store that answers when it is told to."""

    is_shared = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.may_answer = asyncio.Event()
        self.is_away = False
        self.told: list[StretchClaimed] = []
        self.claims = Claims(self, FakeClock(), self.tell)  # type: ignore[arg-type]

    async def claim(self, stretch: StretchRecord) -> list[StretchRecord]:
        self.asked.append((stretch.task, stretch.start))
        await self.may_answer.wait()
        if self.is_away:
            raise StoreUnavailable("database", "is away")
        return [stretch]

    async def tell(self, event: StretchClaimed) -> None:
        self.told.append(event)


async def test_a_claim_is_answered_with_the_stretches_of_the_task() -> None:
    rig = Rig()
    rig.may_answer.set()
    rig.claims.start(claim())
    await wait_until(lambda: rig.told)
    assert rig.told[0].task == "t" and [one.start for one in rig.told[0].stretches] == [0]


async def test_the_same_claim_is_not_started_twice_at_a_time() -> None:
    rig = Rig()
    rig.claims.start(claim())
    rig.claims.start(claim())
    rig.claims.start(claim(start=10))
    rig.may_answer.set()
    await wait_until(lambda: len(rig.told) == 2)
    assert rig.asked == [("t", 0), ("t", 10)]


async def test_a_store_that_is_away_answers_with_nothing_and_the_core_may_claim_again_on_hearing_it() -> None:
    rig = Rig()
    rig.is_away = True
    rig.may_answer.set()

    async def tell(event: StretchClaimed) -> None:
        rig.told.append(event)
        if len(rig.told) == 1:
            rig.is_away = False
            claims.start(claim())

    claims = Claims(rig, FakeClock(), tell)  # type: ignore[arg-type]
    claims.start(claim())
    await wait_until(lambda: len(rig.told) == 2)
    assert [len(event.stretches) for event in rig.told] == [0, 1]


async def test_only_so_many_are_under_way_and_the_rest_wait_for_their_turn() -> None:
    rig = Rig()
    for number in range(MAX_AT_ONCE + 5):
        rig.claims.start(claim(f"t{number}"))
    await wait_until(lambda: len(rig.asked) == MAX_AT_ONCE)
    rig.may_answer.set()
    await wait_until(lambda: len(rig.told) == MAX_AT_ONCE + 5)


async def test_a_stop_ends_what_is_under_way() -> None:
    rig = Rig()
    rig.claims.start(claim())
    await wait_until(lambda: rig.asked)
    await rig.claims.stop()
    rig.may_answer.set()
    assert rig.told == []
