"""When runs count as different, and what is said of it."""

from disio.trial.comparing import SHOWN, Ran, cut, differences, shown, size_of
from disio.trial.trials import Outcome


def ok(value: bytes, payload: int = 0, engine: str = "cli", repeat: int = 1) -> Ran:
    return Ran(payload, engine, repeat, Outcome(kind="ok", value=value, seconds=float(repeat), logs=[str(repeat)]))


def failed(kind: str, error: str, repeat: int = 1) -> Ran:
    return Ran(0, "cli", repeat, Outcome(kind=kind, error=error))


def test_runs_that_gave_the_same_bytes_agree_whatever_else_differs() -> None:
    assert differences([ok(b"1"), ok(b"1", repeat=2), ok(b"1", engine="browser")]) == []


def test_a_difference_is_told_with_both_values_and_where_they_came_from() -> None:
    (told,) = differences([ok(b"1"), ok(b"1", repeat=2), ok(b"[2]", engine="browser")])
    assert told == "payload 0: run 1 in the browser gave [2], but run 1 in the CLI client gave 1"


def test_native_python_is_a_place_of_its_own() -> None:
    (told,) = differences([ok(b"1"), ok(b"2", engine="native", repeat=2)])
    assert told == "payload 0: run 2 in native Python gave 2, but run 1 in the CLI client gave 1"


def test_each_payload_is_compared_with_its_own_runs() -> None:
    assert differences([ok(b"1"), ok(b"2", payload=1), ok(b"1", repeat=2), ok(b"2", payload=1, repeat=2)]) == []
    assert len(differences([ok(b"1"), ok(b"2", payload=1), ok(b"2", repeat=2), ok(b"1", payload=1, repeat=2)])) == 2


def test_json_and_raw_bytes_of_the_same_text_differ() -> None:
    (told,) = differences([ok(b"12"), ok(b"\x0012", repeat=2)])
    assert 'gave {"$base64":"MTI="}, but' in told


def test_failures_agree_by_kind_and_differ_from_results() -> None:
    assert differences([failed("error", "a"), failed("error", "b", repeat=2)]) == []
    (told,) = differences([ok(b"1"), failed("timeout", "too long\nat x", repeat=2)])
    assert told.startswith("payload 0: run 2 in the CLI client gave timeout: too long, but")


def test_long_values_are_cut_and_sizes_leave_the_mark_of_raw_bytes_out() -> None:
    assert shown(Outcome(kind="ok", value=b'"' + b"a" * 5000 + b'"')) == cut('"' + "a" * 5000 + '"')
    assert cut("a" * 5000).endswith("... (5000 characters)")
    assert cut("a" * SHOWN) == "a" * SHOWN
    assert (size_of(b"12"), size_of(b"\x0012"), size_of(b"\0")) == (2, 2, 0)
