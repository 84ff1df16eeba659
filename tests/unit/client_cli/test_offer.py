"""A client that cannot have a language's files says that it does not run it, and tries again later."""

import msgspec
import pytest

from disio_client import events as ev
from disio_client.offer import Offer
from disio_client.workload import Workload
from disio_shared.messages import Assign, Hello, Release, Results
from tests.unit.client_cli.session_rig import Rig

LANGUAGES = ["javascript", "wasm", "python"]
MISSING = "the files of python: pyodide.asm.wasm: host answered 404"


@pytest.fixture
def rig() -> Rig:
    rig = Rig(languages=LANGUAGES)
    rig.go_online()
    return rig


def missing(workunit: str, is_final: bool = True) -> ev.CodeMissing:
    return ev.CodeMissing(workunit, MISSING, is_final, "python")


def languages(rig: Rig) -> list[str]:
    assert rig.hello is not None
    return rig.hello.languages


def test_its_work_in_the_language_goes_back_and_other_work_stays(rig: Rig) -> None:
    script = rig.assign(1, workunit="j")
    rig.code_arrives()
    python = rig.assign(3, workunit="p", language="python")
    rig.feed(missing("p"))
    assert set(rig.session.work.batches) == {script}
    rig.go_online()
    assert languages(rig) == ["javascript", "wasm"]
    assert [m.tokens for m in rig.under_way.values() if isinstance(m, Release)] == [[python]]


def test_so_does_that_of_other_work_units_in_it() -> None:
    work = Workload(1)
    for name, language in (("p1", "python"), ("j", "javascript"), ("p2", "python")):
        columns = {"indexes": [1, 2], "payloads": [b"1", b"2"]}
        about = {"task": "t", "task_name": "t", "workunit": name, "language": language, "unit_timeout_s": 1.0}
        work.add(msgspec.convert({"token": name, **about, **columns}, Assign), 0.0)
    assert work.take_batches_of("p1", "python") == {"p1": [1, 2], "p2": [1, 2]}
    assert set(work.batches) == {"j"}
    assert work.take_batches_of("j", "") == {"j": [1, 2]}


def test_it_is_said_in_one_line_what_is_missing_and_for_how_long(rig: Rig) -> None:
    rig.assign(3, workunit="p", language="python")
    rig.feed(missing("p"))
    assert [say.text for say in rig.said if say.topic == "code"] == [
        f"work given back: no Python here for 60 s: {MISSING}"
    ]


def test_the_distributor_hears_of_it_at_once_and_again_when_there_is_a_chance(rig: Rig) -> None:
    rig.assign(3, workunit="p", language="python")
    rig.feed(missing("p"))
    assert len(rig.reconnects) == 1
    rig.go_online()
    rig.tick(60.1)
    assert len(rig.reconnects) == 2
    rig.go_online()
    assert languages(rig) == LANGUAGES


def test_it_waits_twice_as_long_each_time_that_it_was_in_vain(rig: Rig) -> None:
    for wait_s in (60, 120, 240):
        rig.assign(1, workunit="p", language="python")
        rig.fetching.clear()
        rig.feed(missing("p"))
        rig.go_online()
        rig.tick(wait_s - 1)
        assert languages(rig) == ["javascript", "wasm"]
        rig.tick(1.1)
        rig.go_online()
        assert languages(rig) == LANGUAGES


def test_work_in_a_language_that_was_withdrawn_is_not_taken(rig: Rig) -> None:
    rig.assign(1, workunit="p", language="python")
    rig.feed(missing("p"))
    rig.go_online()
    rig.tick(15)
    token = rig.assign(1, workunit="p", language="python")
    assert token not in rig.session.work.batches


def test_files_that_may_still_come_are_waited_for(rig: Rig) -> None:
    token = rig.assign(1, workunit="p", language="python")
    rig.feed(missing("p", is_final=False))
    assert (token in rig.session.work.batches, rig.reconnects) == (True, [])


def test_what_is_running_meanwhile_comes_to_its_end(rig: Rig) -> None:
    script = rig.assign(1, workunit="j")
    rig.code_arrives()
    (slot,) = rig.runs
    rig.assign(1, workunit="p", language="python")
    rig.feed(missing("p"))
    rig.finish_units(slot, 1)
    rig.go_online()
    assert [m.token for m in rig.under_way.values() if isinstance(m, Results)] == [script]


def test_it_is_offered_again_with_the_next_greeting_of_a_client_that_is_away(rig: Rig) -> None:
    rig.assign(1, workunit="p", language="python")
    rig.feed(missing("p"))
    rig.tick(61)
    assert len(rig.reconnects) == 1
    rig.go_online()
    assert languages(rig) == LANGUAGES


def test_no_wait_is_longer_than_an_hour() -> None:
    offer = Offer(Hello(version=1, kind="cli", languages=LANGUAGES, cores=1))
    waits = [offer.withdraw("python", 0.0) for _ in range(10)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
