"""The checker finds what it is for: each planted contradiction is named, and a right run has none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker import check

Evidence = dict[str, Any]
Spoil = Callable[[Evidence], object]


def is_square(number: int, result: int) -> bool:
    return result == number * number


def evidence() -> Evidence:
    """Return the evidence of a right run: ten payloads, two of which failed."""
    document = {"payloads": {"range": [100, 110]}}
    good = [at for at in range(10) if at not in (3, 7)]
    stored = {"event": "stored", "at": 3.0, "task": "t", "volunteer": "v1", "accepted": 4, "dead": False}
    repeated = {"event": "stored", "at": 4.0, "task": "t", "volunteer": "v2", "accepted": 0, "dead": True}
    sampled = {"event": "sampled", "task": "t", "failed": 2, "leased": 0}
    return {
        "facts": [
            {"event": "submitted", "at": 1.0, "task": "t", "document": document, "total": 10},
            {"event": "assigned", "at": 2.0, "task": "t", "volunteer": "v1", "indexes": list(range(10))},
            {**stored, "indexes": good[:4], "values": [str((100 + at) ** 2) for at in good[:4]]},
            # A late answer for what failed meanwhile, and for what is done: thanked and dropped.
            {**repeated, "indexes": [3, 0], "values": ["10609", "-10000"]},
            {**sampled, "at": 5.0, "done": 4, "leased": 4, "state": "running"},
            {**sampled, "at": 6.0, "done": 8, "state": "failed"},
        ],
        "task": {"state": "failed", "total": 10, "done": 8, "failed": 2},
        "results": [{"i": at, "payload": 100 + at, "result": (100 + at) ** 2} for at in good],
        "failures": [{"i": at, "payload": 100 + at, "errors": ["why"]} for at in (3, 7)],
    }


def judged(folder: Path, told: Evidence) -> str:
    """Write evidence down and return what the checker finds in it."""
    (folder / "t.task.json").write_text(json.dumps(told["task"]))
    for name, rows in (
        ("facts", told["facts"]),
        ("t.results", told["results"]),
        ("t.failures", told["failures"]),
    ):
        (folder / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "\n".join(check(folder, is_square))


def cancel_at(told: Evidence, at: float) -> None:
    told["task"]["state"] = "cancelled"
    told["facts"][-1]["state"] = "cancelled"
    told["facts"].append({"event": "cancelled", "at": at, "task": "t"})


def stop_at(told: Evidence, value: int, matched: int, count: int = 1) -> None:
    """Let the task have stopped at a result; its last two payloads were not computed."""
    stop = {"result": [{"path": "", "equals": value}], "count": count}
    told["facts"][0]["document"]["policy"] = {"stop_when": stop}
    told["facts"][-1]["state"] = "done"
    told["facts"][-1]["done"] = 6
    del told["results"][-2:]
    told["task"].update(state="done", ended_by="stop_when", matched=matched, done=6)


def go_on(told: Evidence) -> None:
    """Let the task end of itself though it had found enough."""
    stop = {"result": [{"at_least": 11_664}]}
    told["facts"][0]["document"]["policy"] = {"stop_when": stop}
    told["task"].update(state="done", matched=2)


SPOILED: list[tuple[str, Spoil, str]] = [
    ("lost", lambda it: it["results"].pop(0), "neither result nor failure: 0"),
    ("lost acknowledged", lambda it: it["results"].pop(1), "acknowledged results are not in the export: 1"),
    ("who had it", lambda it: it["results"].pop(1), "index 1 was acknowledged to v1 at 3.000"),
    ("doubled", lambda it: it["results"].insert(1, it["results"][0]), "exported twice: 0"),
    ("failed twice", lambda it: it["failures"].append(it["failures"][0]), "reported failed twice: 3"),
    ("both", lambda it: it["failures"].append({"i": 4, "errors": ["x"]}), "have a result and a failure: 4"),
    ("order", lambda it: it["results"].reverse(), "not in index order: 9 comes before 8"),
    ("stopped without reason", lambda it: it["task"].update(ended_by="stop_when"), "ended by stop_when, and 0 results"),
    ("matched", lambda it: stop_at(it, 10404, 2), "says matched = 2, and 1 are there"),
    ("went on", lambda it: go_on(it), "done of itself, though 2 results are what it stops at"),
    ("stopped early", lambda it: stop_at(it, 10404, 1, count=2), "ended by stop_when, and 1 results of 2"),
    ("foreign", lambda it: it["results"].append({"i": 10, "payload": 110, "result": 12100}), "not the task's: 10"),
    ("no reason", lambda it: it["failures"][0].update(errors=[]), "failed without a reason: 3"),
    ("wrong value", lambda it: it["results"][5].update(result=1), "index 6 has the result 1, which is wrong for 106"),
    ("wrong payload", lambda it: it["results"][5].update(payload=5, result=25), "with payload 5, not 106"),
    (
        "other value",
        lambda it: it["facts"][2]["values"].__setitem__(1, "9"),
        "v1 was acknowledged 9, exported is 10201",
    ),
    ("counter", lambda it: it["task"].update(done=9), "it says done = 9, and 8 are there"),
    ("total", lambda it: it["facts"][0].update(total=9), "document has 10 payloads, the manager counted 9"),
    ("back", lambda it: it["facts"][5].update(done=3), "done went back from 4 to 3 between 5.000 and 6.000"),
    ("too many", lambda it: it["facts"][4].update(leased=5), "done 4, failed 2 and leased 5 are more than 10"),
    ("reopened", lambda it: it["facts"][4].update(state="done"), "it was done at 5.000 and failed at 6.000"),
    ("after cancel", lambda it: cancel_at(it, 0.5), "1 hand-outs came after the cancel; the first gave 10 payloads"),
    (
        "counted, then failed",
        lambda it: it["facts"][3].update(accepted=2, values=["10609", "10000"]),
        "acknowledged results are not in the export: 3",
    ),
]  # fmt: skip


def test_a_right_run_has_no_contradiction(tmp_path: Path) -> None:
    assert judged(tmp_path, evidence()) == ""


@pytest.mark.parametrize(("spoil", "named"), [row[1:] for row in SPOILED], ids=[row[0] for row in SPOILED])
def test_a_planted_contradiction_is_named(tmp_path: Path, spoil: Spoil, named: str) -> None:
    told = evidence()
    spoil(told)
    assert named in judged(tmp_path, told)


def test_what_was_on_its_way_when_the_cancel_was_acknowledged_is_allowed(tmp_path: Path) -> None:
    told = evidence()
    cancel_at(told, 1.2)
    assert judged(tmp_path, told) == ""


def test_a_search_that_stopped_owes_nothing_but_what_it_found(tmp_path: Path) -> None:
    told = evidence()
    stop_at(told, 10404, 1)
    told["facts"][2]["indexes"].append(9)
    told["facts"][2]["values"].append("11881")
    assert judged(tmp_path, told) == ""


def test_a_task_that_has_not_ended_owes_nothing_yet(tmp_path: Path) -> None:
    told = evidence()
    told["task"]["state"] = "running"
    told["facts"].pop()
    del told["results"][1:]
    assert judged(tmp_path, told) == ""
