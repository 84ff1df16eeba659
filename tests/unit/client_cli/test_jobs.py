"""Runs in a slot: what is asked of each engine, and who is blamed when one ends."""

import pytest

from disio_client.events import StartRun
from disio_client.jobs import Death, Job
from disio_shared.messages import Terms

CRASH = Death("crash", "its engine ended")
TIMEOUT = Death("timeout", "no answer")


def job_of(count: int) -> Job:
    """Return a run of so many units, with indexes from 10 on."""
    indexes = list(range(10, 10 + count))
    run = StartRun(
        slot=0,
        run=1,
        token="t",
        task="k",
        workunit="w",
        language="javascript",
        indexes=indexes,
        payloads=[b"%d" % index for index in indexes],
        unit_timeout_s=1.0,
        memory_mb=0,
        terms=Terms(),
        states={10: b"0"},
    )
    return Job(run, b"code")


def begun(job: Job, started: int | None = None) -> Job:
    """Begin a pass over a job, its code loaded, and this unit running."""
    job.begin_pass()
    job.is_loaded = True
    if started is not None:
        job.started(started)
    return job


def test_an_engine_is_asked_for_what_is_open_with_the_newest_states() -> None:
    job = begun(job_of(3))
    first = job.message()
    assert (first.indexes, first.payloads, first.states, first.single) == (
        [10, 11, 12],
        [b"10", b"11", b"12"],
        {10: b"0"},
        False,
    )
    job.saved(11, b"1")
    job.answered([10])
    again = begun(job).message()
    assert (again.indexes, again.payloads, again.states, again.single) == (
        [11, 12],
        [b"11", b"12"],
        {11: b"1"},
        True,
    )


def test_a_lone_unit_runs_alone_from_the_start() -> None:
    assert begun(job_of(1)).message().single


def test_among_others_nobody_is_blamed_and_alone_who_runs_is() -> None:
    job = begun(job_of(3))
    assert job.take_blamed(TIMEOUT) == ([], "no answer")
    begun(job, started=10).answered([10])
    job.started(11)
    assert job.take_blamed(TIMEOUT) == ([11], "no answer")
    assert list(job.open) == [12]


def test_a_unit_that_spoils_its_realm_is_blamed_and_not_the_one_started_after_it() -> None:
    job = job_of(3)
    begun(job).take_blamed(TIMEOUT)
    begun(job, started=10).started(11)
    assert job.take_blamed(TIMEOUT) == ([10], "no answer")
    assert list(job.open) == [11, 12]


def test_a_first_crash_may_come_from_outside_even_for_a_lone_unit() -> None:
    job = begun(job_of(1), started=10)
    assert job.take_blamed(CRASH)[0] == []
    begun(job, started=10)
    assert job.take_blamed(CRASH) == ([10], "its engine ended")


def test_a_unit_that_was_answered_is_not_blamed_for_what_comes_after() -> None:
    job = begun(job_of(3))
    job.take_blamed(CRASH)
    begun(job, started=10).answered([10])
    assert job.take_blamed(CRASH)[0] == []
    begun(job)
    assert job.take_blamed(CRASH)[0] == [11], "twice in a row and nobody known: the first one that is open"


@pytest.mark.parametrize("kind", ["timeout", "memory"])
def test_code_that_does_not_load_fails_every_unit(kind: str) -> None:
    job = job_of(2)
    job.begin_pass()
    assert job.take_blamed(Death(kind, "so it is")) == ([10, 11], "the work unit does not load: so it is")
    assert not job.open
