"""What a person is told to look at."""

from typing import Any

import msgspec
import pytest

from disio_manager.attention import Disk, Seen, attention
from disio_manager.cluster import ManagerRow
from disio_manager.core.records import DistributorRecord
from disio_manager.core.views import TaskView
from tests.contract.manager_store_rows import task

NOW = 1_700_000_000.0
FINE = DistributorRecord(id="d1", name="near", url="http://d1", state="online", software="disio/1", last_seen=NOW)


def view(**changes: Any) -> TaskView:
    record = msgspec.structs.replace(task(name="squares"), **changes)
    return TaskView(record=record, leased=0, ready=0, blocks=0, distributors=0, rate=0.0, eta_s=None)


def kinds(**changes: Any) -> list[str]:
    return [item.kind for item in attention(Seen(now=NOW, version="disio/1", **changes))]


def test_nothing_is_said_while_all_is_well() -> None:
    away = ManagerRow(id="m", url="u", alive=True, beat_age_s=1.0, since=NOW, this=False)
    roomy = Disk("/data", 500 << 30, 1000 << 30)
    assert kinds(distributors=[FINE], tasks=[view(done=900, tries_failed=5)], managers=[away], disk=roomy) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"state": "offline", "last_seen": NOW - 60}, "distributor-offline"),
        ({"trouble": "another version"}, "distributor-refused"),
        ({"space": 0.85}, "distributor-full"),
        ({"space": 0.99}, "distributor-full"),
        ({"durability": "Redis keeps nothing."}, "distributor-relaxed"),
        ({"software": "disio/2"}, "versions"),
    ],
)
def test_a_distributor_in_trouble_is_told_of(changes: dict[str, Any], kind: str) -> None:
    assert kinds(distributors=[FINE, msgspec.structs.replace(FINE, id="d2", **changes)]) == [kind]


def test_one_that_has_been_away_for_long_is_no_news() -> None:
    assert kinds(distributors=[msgspec.structs.replace(FINE, state="offline", last_seen=NOW - 8 * 86_400)]) == []


def test_what_is_told_of_one_that_is_away_changes_now_and_then_alone() -> None:
    def told(seconds: float) -> str:
        row = msgspec.structs.replace(FINE, state="offline", last_seen=NOW - seconds)
        (item,) = attention(Seen(now=NOW, version="disio/1", distributors=[row]))
        return item.sentence.removeprefix("The distributor near has been away for ")

    assert {told(tenths / 10) for tenths in range(100)} == {"some seconds."}
    assert [told(seconds) for seconds in (10, 19.9, 119, 120, 9_000)] == [
        "10 s.",
        "10 s.",
        "110 s.",
        "2 min.",
        "2.5 h.",
    ]


def test_the_worst_comes_first_and_everything_says_what_to_do() -> None:
    gone = ManagerRow(id="m", url="http://m", alive=False, beat_age_s=300.0, since=NOW, this=False)
    failing = view(id="t2", done=10, tries_failed=10)
    seen = Seen(
        now=NOW,
        version="disio/1",
        trouble="the disk is full",
        disk=Disk("/data", 1 << 20, 100 << 30),
        managers=[gone],
        tasks=[failing, view(id="t1")],
        stalled={"t1": 900.0},
    )
    items = attention(seen)
    assert [(item.kind, item.level) for item in items] == [
        ("manager-not-ready", "bad"),
        ("task-stalled", "bad"),
        ("manager-gone", "warning"),
        ("disk-low", "warning"),
        ("task-failing", "warning"),
    ]
    assert "15 min" in items[1].sentence and items[1].link == "/tasks/t1"
    assert "50%" in items[4].sentence
    assert all(item.sentence.endswith(".") and item.remedy.endswith(".") for item in items)


def test_a_few_failed_tries_mean_nothing() -> None:
    assert kinds(tasks=[view(done=5, tries_failed=9)]) == []
    assert kinds(tasks=[view(done=100, tries_failed=10)]) == []
