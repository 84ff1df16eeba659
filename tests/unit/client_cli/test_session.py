"""The client's side of the client link, one situation at a time."""

import pytest

from disio_client import events as ev
from disio_client.session import ACK_S, GREETING_S, HELLO, HOLD_S
from disio_shared.messages import (
    Assign,
    Cancel,
    Checkpoint,
    Error,
    Failed,
    Idle,
    Pause,
    Redirect,
    Refused,
    Release,
    Results,
    Resume,
)
from tests.unit.client_cli.session_rig import Rig


@pytest.fixture
def rig() -> Rig:
    rig = Rig(slots=2)
    rig.go_online()
    return rig


def test_a_new_client_keeps_the_identity_it_was_given(rig: Rig) -> None:
    assert rig.changes == [ev.IdentityGiven("c1", "s")]


def test_one_ready_stands_until_it_is_answered(rig: Rig) -> None:
    assert rig.ready_asked == 1
    rig.tick(60)
    assert rig.ready_asked == 1


def test_more_work_is_asked_for_when_less_than_half_a_batch_is_unstarted(rig: Rig) -> None:
    rig.assign(8)
    rig.code_arrives()
    assert rig.ready_asked == 0
    rig.finish_units(0, 1)
    while rig.session.work.unstarted() * 2 >= 8:
        assert rig.ready_asked == 0
        rig.finish_units(0, 1)
    assert rig.ready_asked == 1


def test_nothing_runs_before_its_code_is_here(rig: Rig) -> None:
    rig.assign(4)
    assert not rig.runs
    assert rig.fetching == ["w"]
    rig.code_arrives()
    assert len(rig.runs) == 2


def test_units_are_run_once_each_whatever_the_chunks(rig: Rig) -> None:
    rig.assign(100)
    rig.run_all()
    assert len(rig.stored) == 100
    assert not rig.unaccounted()


def test_chunks_grow_with_the_speed_and_shrink_towards_the_end(rig: Rig) -> None:
    rig.assign(200)
    rig.code_arrives()
    sizes = []
    while rig.runs:
        slot = min(rig.runs)
        sizes.append(len(rig.runs[slot].indexes))
        rig.now += 0.001 * sizes[-1]
        rig.finish_units(slot, 1000)
        for number in sorted(rig.under_way):
            rig.acknowledge(number)
    assert sizes[0] == 1
    assert max(sizes) > 20
    assert sizes[-1] == 1


def test_results_wait_a_second_for_company(rig: Rig) -> None:
    rig.assign(50, timeout_s=60)
    rig.code_arrives()
    rig.finish_units(0, 1)
    assert not rig.under_way
    rig.tick(1.01)
    assert [type(message) for message in rig.under_way.values()] == [Results]


def test_a_finished_batch_is_reported_at_once(rig: Rig) -> None:
    rig.assign(1)
    rig.code_arrives()
    rig.finish_units(0, 1)
    assert [type(message) for message in rig.under_way.values()] == [Results]


def test_what_was_not_acknowledged_is_sent_again_and_its_token_is_held(rig: Rig) -> None:
    token = rig.assign(1)
    rig.code_arrives()
    rig.finish_units(0, 1)
    sent = list(rig.under_way.values())
    rig.disconnect()
    rig.connect()
    assert rig.hello is not None
    assert rig.hello.holding == [token]
    rig.welcome()
    assert list(rig.under_way.values()) == sent


def test_work_goes_on_while_the_distributor_is_away(rig: Rig) -> None:
    rig.assign(40)
    rig.code_arrives()
    rig.disconnect()
    for _ in range(40):
        for slot in list(rig.runs):
            rig.finish_units(slot, 100)
    rig.tick(30)
    rig.go_online()
    rig.run_all()
    assert not rig.unaccounted()


def test_a_result_over_the_limit_is_a_failure_of_that_unit_alone() -> None:
    rig = Rig(slots=1)
    rig.connect()
    rig.welcome(max_result_bytes=10)
    rig.assign(3)
    rig.code_arrives()
    rig.finish_units(0, 1)
    run = rig.runs[0]
    first, *others = run.indexes
    rig.feed(ev.UnitsDone(0, run.run, [first], [b"x" * 11], [0.1]))
    rig.open[0].remove(first)
    rig.finish_units(0, len(others))
    rig.run_all()
    failures = [unit for unit, how in rig.stored.items() if how == "failed"]
    assert [index for _, index in failures] == [first]
    assert len(rig.stored) == 3


def test_cancel_stops_what_runs_and_says_nothing_about_it(rig: Rig) -> None:
    token = rig.assign(10)
    rig.code_arrives()
    rig.cancelled.add(token)
    rig.receive(Cancel(task="task"))
    assert sorted(rig.stopped) == [0, 1]
    assert not rig.runs
    rig.tick(5)
    assert not rig.under_way


def test_late_answers_of_a_stopped_run_are_ignored(rig: Rig) -> None:
    token = rig.assign(10)
    rig.code_arrives()
    run = rig.runs[0]
    rig.receive(Cancel(task="task", tokens=[token]))
    rig.cancelled.add(token)
    rig.feed(ev.UnitsDone(0, run.run, run.indexes, [b"1"], [0.1]))
    rig.feed(ev.RunFinished(0, run.run))
    rig.tick(5)
    assert not rig.under_way


def test_a_dead_token_is_dropped(rig: Rig) -> None:
    rig.assign(30)
    rig.code_arrives()
    rig.finish_units(0, 1)
    rig.tick(1.01)
    (number,) = rig.under_way
    rig.acknowledge(number, dead=True)
    assert not rig.session.work.batches
    assert len(rig.stopped) == 2


def test_pause_starts_no_new_units_and_resume_goes_on(rig: Rig) -> None:
    rig.receive(Pause(reason="updating"))
    rig.assign(10)
    rig.code_arrives()
    assert not rig.runs
    rig.receive(Resume())
    assert len(rig.runs) == 2


def test_idle_is_told_to_the_volunteer(rig: Rig) -> None:
    rig.receive(Idle(reason="no task needs clients now"))
    assert "no task needs clients now" in rig.said[-1].text


def test_tokens_are_kept_alive_by_progress(rig: Rig) -> None:
    token = rig.assign(10, timeout_s=600)
    rig.code_arrives()
    run = rig.runs[0]
    rig.tick(30)
    assert {beat.token for beat in rig.progress} == {token}
    assert len(rig.progress) >= 3
    rig.feed(ev.UnitProgressed(0, run.run, run.indexes[0], 0.25))
    rig.tick(3)
    assert rig.progress[-1].indexes == run.indexes
    assert rig.progress[-1].fractions == [0.25]


def test_only_the_newest_state_is_sent_and_not_more_than_one_a_second(rig: Rig) -> None:
    token = rig.assign(1, timeout_s=600)
    rig.code_arrives()
    run = rig.runs[0]
    for number in range(50):
        rig.feed(ev.StateSaved(0, run.run, run.indexes[0], b"%d" % number))
    assert [type(message) for message in rig.under_way.values()] == [Checkpoint]
    rig.acknowledge(min(rig.under_way))
    assert not rig.under_way
    rig.tick(1.01)
    rig.acknowledge(min(rig.under_way))
    assert rig.saved[token, run.indexes[0]] == b"49"


def test_a_missing_code_gives_the_work_back_and_waits(rig: Rig) -> None:
    token = rig.assign(3)
    rig.feed(ev.CodeMissing("w", "404", is_final=True))
    assert [m.tokens for m in rig.under_way.values() if isinstance(m, Release)] == [[token]]
    assert rig.ready_asked == 0
    rig.tick(HOLD_S + 0.1)
    assert rig.ready_asked == 1


def test_code_is_fetched_again_after_a_passing_trouble(rig: Rig) -> None:
    rig.assign(3)
    rig.fetching.clear()
    rig.feed(ev.CodeMissing("w", "timeout", is_final=False))
    assert not rig.fetching
    rig.tick(2)
    assert rig.fetching == ["w"]


@pytest.mark.parametrize(
    "assign",
    [
        {"indexes": [1, 1], "payloads": [b"1", b"1"]},
        {"indexes": [1, 2], "payloads": [b"1"]},
        {"indexes": [], "payloads": []},
        {"indexes": [1], "payloads": [b"1"], "language": "fortran"},
    ],
)
def test_a_batch_that_makes_no_sense_is_given_back(rig: Rig, assign: dict[str, object]) -> None:
    fields = {"language": "javascript", "token": "x", "task": "t", "task_name": "t", "workunit": "w"} | assign
    rig.ready_asked = 0
    rig.receive(Assign(unit_timeout_s=1.0, **fields))  # type: ignore[arg-type]
    assert [type(message) for message in rig.under_way.values()] == [Release]
    assert not rig.fetching


def test_a_refusal_for_good_ends_the_client() -> None:
    rig = Rig()
    rig.connect()
    rig.feed(ev.Acknowledged(HELLO, Refused(code="version", reason="upgrade")))
    assert rig.gave_up == ev.GiveUp("version", "upgrade")


def test_a_refusal_for_now_is_waited_for() -> None:
    rig = Rig()
    rig.connect()
    rig.feed(ev.Acknowledged(HELLO, Refused(code="full", reason="full", retry_after_s=7.0)))
    assert rig.reconnects == [ev.Reconnect(after_s=7.0)]
    assert rig.gave_up is None


def test_an_identity_the_distributor_does_not_know_is_forgotten() -> None:
    rig = Rig()
    rig.is_open = True
    rig.feed(ev.Connected("old", "secret"))
    rig.feed(ev.Acknowledged(HELLO, Refused(code="token", reason="unknown")))
    assert rig.changes == [ev.IdentityForgotten()]
    assert len(rig.reconnects) == 1


def test_a_greeting_without_an_answer_is_given_up() -> None:
    rig = Rig()
    rig.connect()
    rig.tick(GREETING_S + 0.1)
    assert len(rig.reconnects) == 1


def test_a_connection_that_acknowledges_nothing_is_given_up(rig: Rig) -> None:
    rig.assign(1)
    rig.code_arrives()
    rig.finish_units(0, 1)
    rig.tick(ACK_S + 0.1)
    assert len(rig.reconnects) == 1
    rig.go_online()
    assert [type(message) for message in rig.under_way.values()] == [Results]


def test_a_message_that_closes_every_connection_is_dropped_at_last(rig: Rig) -> None:
    rig.assign(1)
    rig.code_arrives()
    rig.finish_units(0, 1)
    for _ in range(3):
        assert rig.under_way
        rig.receive(Error(code="malformed", reason="no"))
        rig.disconnect()
        rig.go_online()
    assert not rig.under_way
    assert any("dropped" in news.text for news in rig.said)


def test_a_leave_releases_what_waits_and_lets_running_units_end(rig: Rig) -> None:
    token = rig.assign(20)
    rig.code_arrives()
    running = [run.indexes[0] for run in rig.runs.values()]
    rig.feed(ev.LeaveAsked(3.0))
    (release,) = rig.under_way.values()
    assert isinstance(release, Release)
    assert sorted(release.indexes[0] + running) == rig.tokens[token]
    for slot in list(rig.runs):
        rig.finish_units(slot, 10)
    assert len(rig.under_way) == 2, "it waits for what was not acknowledged"
    for number in sorted(rig.under_way):
        rig.acknowledge(number)
    assert rig.has_left
    assert not rig.unaccounted()


def test_a_leave_releases_running_units_that_take_too_long(rig: Rig) -> None:
    rig.assign(20)
    rig.code_arrives()
    rig.feed(ev.LeaveAsked(3.0))
    rig.tick(3.1)
    assert len(rig.stopped) == 2
    for number in sorted(rig.under_way):
        rig.acknowledge(number)
    assert rig.has_left
    assert not rig.unaccounted()


def test_a_leave_ends_even_if_the_distributor_never_answers(rig: Rig) -> None:
    rig.assign(20)
    rig.code_arrives()
    rig.feed(ev.LeaveAsked(3.0))
    rig.tick(10.1)
    assert rig.has_left


def test_a_client_that_was_never_let_in_leaves_at_once() -> None:
    rig = Rig()
    rig.feed(ev.LeaveAsked(3.0))
    assert rig.has_left


def test_a_redirect_gives_everything_back_before_it_goes(rig: Rig) -> None:
    rig.assign(20)
    rig.code_arrives()
    rig.receive(Redirect(url="http://other:1", reason="full"))
    rig.tick(3.1)
    for number in sorted(rig.under_way):
        rig.acknowledge(number)
    assert rig.reconnects == [ev.Reconnect(url="http://other:1")]
    assert not rig.unaccounted()
    for slot in rig.stopped:
        rig.feed(ev.SlotUp(slot))
    rig.go_online()
    assert rig.ready_asked == 1


def test_a_redirect_to_nonsense_is_ignored(rig: Rig) -> None:
    rig.receive(Redirect(url="file:///etc/passwd", reason="?"))
    rig.tick(20)
    assert not rig.reconnects


def test_error_texts_are_cut_to_their_limit(rig: Rig) -> None:
    rig.assign(1)
    rig.code_arrives()
    run = rig.runs[0]
    rig.feed(ev.UnitsFailed(0, run.run, run.indexes, ["x" * 10_000], ["error"]))
    (message,) = rig.under_way.values()
    assert isinstance(message, Failed)
    assert len(message.errors[0]) == 4000
