"""Which tasks words mean."""

from pathlib import Path

import pytest

from disio.rest import ManagerClient
from disio.selecting import Choice, NoTask, choices_of, one_selected, selected
from disio_shared.errors import ConfigError
from tests.unit.manager.served import serve


def test_every_form_is_understood() -> None:
    assert choices_of(["last", "all"]) == [Choice("last", "last"), Choice("all", "all")]
    assert choices_of(["3,7", "4-6"]) == [
        Choice("numbers", "3", 3, 3),
        Choice("numbers", "7", 7, 7),
        Choice("numbers", "4-6", 4, 6),
    ]
    assert choices_of(["abc234def567"]) == [Choice("id", "abc234def567")]


@pytest.mark.parametrize("word", ["", "3-", "-3", "1.5", "a b", "3,,4", "LAST", "a/b", "\x1b[2J", "ü", "1" * 16 + "-2"])
def test_what_means_nothing_is_told_by_itself(word: str) -> None:
    with pytest.raises(ConfigError, match=r"names no task \(write last, all, a number"):
        choices_of(["1", word])


def test_a_range_the_wrong_way_round_is_told_the_right_way() -> None:
    with pytest.raises(ConfigError, match=r"8-3 is no range of numbers \(write 3-8\)"):
        choices_of(["8-3"])


async def test_tasks_are_found_by_number_and_id_each_once_in_the_order_of_the_words(tmp_path: Path) -> None:
    async with serve(tmp_path) as served, ManagerClient(served.url, (tmp_path / "admin.token").read_text()) as manager:
        with pytest.raises(NoTask, match="there is no task yet"):
            await selected(manager, choices_of(["last"]))
        assert await selected(manager, choices_of(["all"])) == []
        made = [await served.create(name=f"t{at}") for at in range(1, 6)]
        assert [task["number"] for task in made] == [1, 2, 3, 4, 5]
        await served.call("POST", f"/api/tasks/{made[1]['id']}/cancel")

        async def numbers(*words: str) -> list[int]:
            return [row["number"] for row in await selected(manager, choices_of(words))]

        assert await numbers("last") == [5]
        assert await numbers("all") == [1, 3, 4, 5]
        assert await numbers("4,2", "1-2", made[2]["id"], "last") == [4, 2, 1, 3, 5]
        assert await numbers("4-99") == [4, 5]
        for word, told in (("6", "no task 6 "), ("6-9", "no task 6-9"), ("nosuchid", "no task nosuchid")):
            with pytest.raises(Exception, match=told) as missing:
                await numbers("1", word)
            assert getattr(missing.value, "status", getattr(missing.value, "http_status", 0)) == 404
        assert [row["number"] for row in await selected(manager, choices_of(["all"]), lambda row: True)] == [
            1,
            2,
            3,
            4,
            5,
        ]
        with pytest.raises(ConfigError, match=r"3-4 means 2 tasks \(name one\)"):
            await one_selected(manager, "3-4")


async def test_a_list_of_many_pages_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disio.selecting.PAGE", 2)
    async with serve(tmp_path) as served, ManagerClient(served.url, (tmp_path / "admin.token").read_text()) as manager:
        for at in range(5):
            await served.create(name=f"t{at}")
        rows = await selected(manager, choices_of(["1", "all"]))
        assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
