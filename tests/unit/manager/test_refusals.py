"""Refused distributors in the fleet: bounded, one row an id, gone once they are let in."""

from typing import Any

from disio_manager.core.records import DistributorRecord
from disio_manager.refusals import MAX_REFUSED, Refusals
from disio_shared import messages


def record(name: str, **more: Any) -> DistributorRecord:
    return DistributorRecord(id=name, name=name, url=f"http://{name}", **more)


VERSION = messages.Refused(code="version", reason="upgrade that side")


def test_a_refused_one_is_shown_with_its_trouble_until_it_is_let_in() -> None:
    changes: list[int] = []
    refusals = Refusals(lambda: changes.append(1))
    refusals.note(record("d1"), VERSION, 5.0)
    (row,) = refusals.shown_in([])
    assert (row.id, row.state, row.trouble, row.last_seen) == ("d1", "refused", "version: upgrade that side", 5.0)
    refusals.forget("d1")
    refusals.forget("d1")
    assert refusals.shown_in([]) == [] and len(changes) == 2


def test_an_id_has_one_row_and_who_is_online_stays_online() -> None:
    refusals = Refusals()
    for name in ("off", "on", "new"):
        refusals.note(record(name), VERSION, 5.0)
    fleet = [record("on", state="online", clients=3), record("off", state="offline", blocks=2), record("x")]
    shown = {row.id: row for row in refusals.shown_in(fleet)}
    assert len(shown) == 4
    assert (shown["on"].state, shown["on"].clients, bool(shown["on"].trouble)) == ("online", 3, True)
    assert (shown["off"].state, shown["off"].blocks) == ("refused", 2)
    assert shown["x"].trouble == "" and fleet[0].trouble == ""


def test_only_the_latest_are_remembered() -> None:
    refusals = Refusals()
    for number in range(MAX_REFUSED + 10):
        refusals.note(record(f"d{number}"), VERSION, float(number))
    names = [row.id for row in refusals.shown_in([])]
    assert len(names) == MAX_REFUSED
    assert names[0] == f"d{MAX_REFUSED + 9}" and "d9" not in names and "d10" in names
