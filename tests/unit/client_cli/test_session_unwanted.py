"""A session whose units, or whose results, the distributor does not want: for good, or just now."""

import pytest

from disio_client import events as ev
from disio_client import outbox
from disio_shared.messages import Cancel, Release, Results
from tests.unit.client_cli.session_rig import Rig


@pytest.fixture
def rig() -> Rig:
    rig = Rig(slots=2)
    rig.go_online()
    return rig


def test_cancelled_units_are_dropped_wherever_they_are_and_the_rest_lives_on(rig: Rig) -> None:
    token = rig.assign(8)
    rig.code_arrives()
    queued, first, second = rig.tokens[token][-1], rig.open[0][0], rig.open[1][0]
    rig.cancel_units(token, [queued, first])
    assert rig.stopped == [0]
    assert rig.open[1] == [second]
    rig.run_all()
    assert {index for _, index in rig.stored} == set(rig.tokens[token]) - {queued, first}


def test_a_cancelled_unit_ends_its_engine_when_its_turn_has_come_and_not_before(rig: Rig) -> None:
    rig.assign(60)
    rig.code_arrives()
    for slot in (0, 1):
        rig.finish_units(slot, 1)
    slot, units = next((slot, list(units)) for slot, units in rig.open.items() if len(units) > 2)
    token = rig.runs[slot].token
    rig.cancel_units(token, [units[1]])
    assert not rig.stopped
    rig.finish_units(slot, 1)
    assert rig.stopped == [slot]
    rig.run_all()
    assert not rig.unaccounted()


def test_results_of_cancelled_units_that_were_not_acknowledged_are_not_sent_again(rig: Rig) -> None:
    token = rig.assign(4)
    rig.code_arrives()
    for _ in range(4):
        for slot in list(rig.runs):
            rig.finish_units(slot, 1)
    assert rig.under_way
    rig.cancel_units(token, rig.tokens[token][:3])
    rig.disconnect()
    rig.go_online()
    assert [message.indexes for message in rig.under_way.values() if isinstance(message, Results)] == [
        rig.tokens[token][3:]
    ]


@pytest.mark.parametrize("code", ["full", "unavailable"])
def test_results_are_kept_while_the_distributor_has_no_room(rig: Rig, code: str) -> None:
    rig.assign(2)
    rig.code_arrives()
    for slot in (0, 1):
        rig.finish_units(slot, 1)
    waits = []
    for _ in range(7):
        (number,) = rig.under_way
        rig.refuse(number, code)
        began = rig.now
        while not rig.under_way:
            deadline = rig.session.next_deadline()
            assert deadline is not None
            rig.tick(deadline - rig.now)
        waits.append(rig.now - began)
    assert waits == [2, 4, 8, 16, 32, 60, 60]
    assert any(said.topic == "room" and "its disk is full" in said.text for said in rig.said)
    rig.run_all()
    assert not rig.unaccounted()


def test_no_work_is_asked_for_until_results_are_taken_again(rig: Rig) -> None:
    rig.assign(1)
    rig.code_arrives()
    rig.ready_asked = 0
    rig.finish_units(0, 1)
    (number,) = rig.under_way
    rig.refuse(number)
    rig.disconnect()
    rig.go_online()
    rig.tick(1.0)
    assert rig.ready_asked == 0
    rig.tick(1.0)
    (number,) = rig.under_way
    rig.acknowledge(number)
    assert rig.ready_asked == 1


def test_refused_results_that_nobody_wants_any_more_hold_nothing_up(rig: Rig) -> None:
    token = rig.assign(1)
    rig.code_arrives()
    rig.finish_units(0, 1)
    (number,) = rig.under_way
    rig.refuse(number)
    rig.disconnect()
    rig.go_online()
    assert rig.ready_asked == 0
    rig.receive(Cancel(task="task", tokens=[token]))
    rig.tick(2.0)
    assert rig.ready_asked == 1


def test_units_are_given_back_while_the_distributor_has_no_room_for_results(rig: Rig) -> None:
    rig.assign(3)
    rig.code_arrives()
    rig.finish_units(0, 1)
    rig.tick(1.01)
    (number,) = rig.under_way
    rig.refuse(number)
    rig.feed(ev.LeaveAsked(0.0))
    assert {type(message) for message in rig.under_way.values()} == {Release}


def test_a_message_that_makes_no_sense_is_not_sent_again(rig: Rig) -> None:
    rig.assign(1)
    rig.code_arrives()
    rig.finish_units(0, 1)
    (number,) = rig.under_way
    rig.refuse(number, "malformed", "columns of different lengths")
    rig.tick(120)
    assert not rig.under_way


def test_no_unit_is_started_when_there_is_no_place_for_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_UNSENT_UNITS", 10)
    rig = Rig(slots=2)
    rig.go_online()
    rig.assign(200)
    rig.code_arrives()
    rig.disconnect()
    for _ in range(200):
        for slot in list(rig.runs):
            rig.finish_units(slot, 1)
    assert not rig.runs
    assert 10 <= rig.session.outbox.backlog_units() < 20 + 2 * 50
    rig.go_online()
    rig.run_all()
    assert not rig.unaccounted()
