"""What a person reads: failures, progress, the end."""

import json
from pathlib import Path
from typing import Any

import pytest

from disio.submitting.failures import FAILURES_FILE, FailureLog, failure_text
from disio.submitting.progress import note_of
from disio.submitting.reporting import Report
from disio.times import time_text


def failed(name: str, *errors: str, index: int = 0) -> dict[str, Any]:
    return {"i": index, "name": name, "payload": {"$base64": ""}, "errors": list(errors)}


def test_a_failing_input_is_named_with_each_error_text_once() -> None:
    lines = list(failure_text(failed("d/a.txt", "line 1\nline 2\n", "line 1\nline 2", "other")))
    assert lines == ["d/a.txt: line 1", "    line 2", "d/a.txt: other"]
    assert list(failure_text({"i": 7, "errors": []})) == ["payload 7: no error text"]
    assert list(failure_text(failed("a", ""))) == ["a: no error text"]


def test_what_others_wrote_gives_no_orders_to_the_terminal() -> None:
    lines = list(failure_text(failed("a\nb\x1b[2J", "one\ttwo\x07\nthree\x1b]0;x\x07")))
    assert lines == ["a\\nb\\x1b[2J: one two\\x07", "    three\\x1b]0;x\\x07"]


def test_the_file_has_every_failure_with_all_its_tries(tmp_path: Path) -> None:
    with FailureLog(tmp_path) as log:
        log.add("t1", [failed("a", "x", "x", index=3)])
        log.add("t2", [failed("b", "y")])
        assert not log.path.exists()
    assert log.names == {"a", "b"}
    lines = [json.loads(line) for line in (tmp_path / FAILURES_FILE).read_text().splitlines()]
    assert lines == [
        {"task": "t1", "i": 3, "name": "a", "errors": ["x", "x"]},
        {"task": "t2", "i": 0, "name": "b", "errors": ["y"]},
    ]
    assert [path.name for path in tmp_path.iterdir()] == [FAILURES_FILE]


def test_a_run_without_failures_takes_the_old_file_away_and_a_broken_one_leaves_it(tmp_path: Path) -> None:
    (tmp_path / FAILURES_FILE).write_text("old")
    with pytest.raises(RuntimeError), FailureLog(tmp_path) as log:
        log.add("t", [failed("a", "x")])
        raise RuntimeError
    assert (tmp_path / FAILURES_FILE).read_text() == "old"
    with FailureLog(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_exit_status_says_how_it_ended() -> None:
    assert Report(state="done", total=3, written=3).status() == 0
    assert Report(state="done", total=3, written=2, failed=1).status() == 6
    assert Report(state="failed", total=3, written=2, failed=1).status() == 6
    assert Report(state="cancelled", total=3, written=2, failed=1).status() == 1
    assert Report(state="expired").status() == 1


def test_the_end_is_told_in_a_sentence() -> None:
    assert Report(total=5, written=2, already=2, failed=1).sentence() == "2 written, 2 were there already, 1 failed"
    assert Report(state="cancelled", total=5, written=2).sentence() == (
        "somebody cancelled the task: 2 written of 5; run it again for the rest"
    )
    assert "deadline is over" in Report(state="expired", total=5).sentence()


def test_progress_in_a_few_words() -> None:
    seen = {"rate": 18.44, "eta_s": 87.2, "failed": 2}
    assert note_of(seen, 38) == "18.4/s  ETA 1m27s  2 failed  38 clients"
    assert note_of({"rate": 0.0, "eta_s": None, "failed": 0}, 1) == "1 client"
    assert [time_text(seconds) for seconds in (0.4, 59, 60, 3_599, 11_100)] == ["0s", "59s", "1m00s", "59m59s", "3h05m"]
