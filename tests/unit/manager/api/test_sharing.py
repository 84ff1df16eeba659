"""Answers that all viewers share."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from disio_manager.api.sharing import MAX_KEPT, Shared, age_taken
from disio_manager.stores.sqlite_finding import SqliteFinding
from disio_shared.clock import FakeClock
from disio_shared.errors import StoreUnavailable
from tests.unit.manager.served import serve


class Maker:
    """Makes answers when it is let."""

    def __init__(self) -> None:
        self.made, self.may = 0, asyncio.Event()

    async def make(self) -> bytes:
        await self.may.wait()
        self.made += 1
        return b"%d" % self.made


async def test_fifty_who_ask_at_once_are_answered_with_one() -> None:
    clock, maker = FakeClock(), Maker()
    shared = Shared(clock.steady)
    asking = [asyncio.create_task(shared.get("a", maker.make)) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    maker.may.set()
    assert await asyncio.gather(*asking[1:]) == [b"1"] * 49
    assert await shared.get("a", maker.make) == b"1"
    clock.advance(1.0)
    assert await shared.get("a", maker.make) == b"2"
    assert await shared.get("b", maker.make) == b"3"


async def test_what_could_not_be_made_is_tried_again() -> None:
    shared, maker = Shared(FakeClock().steady), Maker()
    maker.may.set()

    async def fail() -> bytes:
        raise StoreUnavailable("database", "is away")

    with pytest.raises(StoreUnavailable):
        await shared.get("a", fail)
    assert await shared.get("a", maker.make) == b"1"


async def test_it_is_bounded() -> None:
    shared, maker = Shared(FakeClock().steady), Maker()
    maker.may.set()
    for nth in range(MAX_KEPT + 5):
        await shared.get(str(nth), maker.make)
    assert len(shared._made) == MAX_KEPT


@pytest.mark.parametrize(
    ("header", "age"),
    [
        ("", 0.0),
        ("max-age=1", 1.0),
        ("no-store, max-age=5", 5.0),
        ("MAX-AGE=10,public", 10.0),
        ("max-age=0", 0.0),
        ("s-max-age=7", 0.0),
        ("max-age=-1", 0.0),
        ("max-age=1x", 0.0),
        ("max-age=12345678", 0.0),
    ],
)
def test_how_old_an_answer_may_be_is_what_the_header_says(header: str, age: float) -> None:
    request = make_mocked_request("GET", "/", headers={"Cache-Control": header} if header else {})
    assert age_taken(request) == age


async def test_a_list_is_made_once_for_all_who_take_one_of_this_second_and_knows_what_people_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(tmp_path) as manager:
        made = 0
        page = SqliteFinding.page

        async def counted(*given: Any) -> Any:
            nonlocal made
            made += 1
            return await page(*given)

        monkeypatch.setattr(SqliteFinding, "page", counted)
        monkeypatch.setattr("disio_manager.api.tasks.GOOD_S", 60.0)  # no clock of this machine decides
        recent: dict[str, Any] = {"headers": {"Cache-Control": "max-age=60"}}
        lists = [await manager.call("GET", "/api/tasks?limit=5", **recent) for _ in range(5)]
        assert (made, [each["total"] for each in lists]) == (1, [0] * 5)
        assert (await manager.call("GET", "/api/tasks?limit=6", **recent))["total"] == 0
        assert made == 2
        task = await manager.create()
        (item,) = (await manager.call("GET", "/api/tasks?limit=5", **recent))["items"]
        await manager.call("POST", f"/api/tasks/{item['id']}/pause")
        (item,) = (await manager.call("GET", "/api/tasks?limit=5", **recent))["items"]
        assert (item["id"], item["state"], made) == (task["id"], "paused", 4)
        await manager.call("GET", "/api/tasks?limit=5")
        assert made == 5, "who says nothing gets a list of now"
