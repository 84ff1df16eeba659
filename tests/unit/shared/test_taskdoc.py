"""The task document: what is right is taken, what is wrong is named."""

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_shared.errors import InvalidDocument
from disio_shared.taskdoc import MAX_LOG_BYTES, MAX_RESULT_BYTES, MAX_WORKUNIT_BYTES, parse_task

WASM = base64.b64encode(b"\0asm\1\0\0\0").decode()
PYTHON = "def run(payload, unit): return payload"
NOT_WASM = base64.b64encode(b"MZ..").decode()
SOURCE = "export default (n) => n * n"


def document(**changes: Any) -> dict[str, Any]:
    return {
        "name": "squares",
        "workunit": {"language": "javascript", "source": SOURCE},
        "payloads": {"range": [0, 10]},
        **changes,
    }


def problems_of(body: Any) -> dict[str, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidDocument) as caught:
        parse_task(data)
    return dict(caught.value.problems)


def test_a_small_document_gets_every_default() -> None:
    task = parse_task(json.dumps(document()).encode())
    assert (task.total, task.workunit) == (10, hashlib.sha256(SOURCE.encode()).hexdigest())
    policy = task.document.policy
    assert (policy.redundancy, policy.max_failures, policy.unit_timeout_s, policy.requires.kinds) == (
        1,
        3,
        60,
        ["web", "cli"],
    )


def test_the_documented_example_is_accepted() -> None:
    policy = {
        "priority": 0, "weight": 1, "max_distributors": 0, "redundancy": 1, "verify": "fixed", "compare": "exact",
        "deadline": None, "unit_timeout_s": 60, "max_failures": 3, "max_task_failures": None,
        "requires": {"memory_mb": 64, "one_per_machine": False, "kinds": ["web", "cli"]},
        "when_exhausted": "repeat", "max_redundancy": 5,
    }  # fmt: skip
    task = parse_task(
        json.dumps(
            document(tags=["math"], payloads={"grid": {"n": {"range": [0, 1000]}, "c": [99]}}, policy=policy)
        ).encode()
    )
    assert task.total == 1000


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 5}, "name"),
        ({"tags": "math"}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["t"] * 33}, "tags"),
        ({"colour": "red"}, "colour"),
        ({"workunit": {"language": "cobol", "source": "x"}}, "workunit.language"),
        ({"workunit": {"language": "javascript"}}, "workunit"),
        ({"workunit": {"language": "javascript", "source": "x", "sha256": "0" * 64}}, "workunit"),
        ({"workunit": {"language": "javascript", "source": "  \n"}}, "workunit.source"),
        ({"workunit": {"language": "javascript", "sha256": "XYZ"}}, "workunit.sha256"),
        ({"workunit": {"language": "wasm", "source_base64": "!!!"}}, "workunit.source_base64"),
        (
            {"workunit": {"language": "wasm", "source_base64": base64.b64encode(b"MZ..").decode()}},
            "workunit.source_base64",
        ),
        ({"workunit": {"language": "python", "source": "def run(:"}}, "workunit.source"),
        ({"workunit": {"language": "python", "source": "x = 1"}}, "workunit.source"),
        ({"workunit": {"language": "python", "source": "(" * 100_000}}, "workunit.source"),
        ({"payloads": {"list": []}}, "payloads.list"),
        ({"payloads": {"grid": {"n": []}}}, "payloads.grid.n"),
        ({"payloads": 7}, "payloads"),
        ({"policy": {"weight": 0}}, "policy.weight"),
        ({"policy": {"redundancy": 2}}, "policy.redundancy"),
        ({"policy": {"redundancy": "2"}}, "policy.redundancy"),
        ({"policy": {"max_failures": 0}}, "policy.max_failures"),
        ({"policy": {"unit_timeout_s": 1e9}}, "policy.unit_timeout_s"),
        ({"policy": {"requires": {"kinds": []}}}, "policy.requires.kinds"),
        ({"policy": {"requires": {"kinds": ["phone"]}}}, "policy.requires.kinds.0"),
        ({"policy": {"requires": {"gpu": True}}}, "policy.requires.gpu"),
        ({"policy": {"when_exhausted": "explode"}}, "policy.when_exhausted"),
        ({"policy": {"max_result_bytes": 0}}, "policy.max_result_bytes"),
        ({"policy": {"max_result_bytes": MAX_RESULT_BYTES + 1}}, "policy.max_result_bytes"),
        ({"policy": {"max_log_bytes": -1}}, "policy.max_log_bytes"),
        ({"policy": {"max_log_bytes": MAX_LOG_BYTES + 1}}, "policy.max_log_bytes"),
        ({"workunit": {"language": "javascript", "source": "x", "runtime": "native"}}, "workunit.runtime"),
        ({"workunit": {"language": "wasm", "source_base64": WASM, "runtime": "native"}}, "workunit.runtime"),
        ({"workunit": {"language": "python", "source": PYTHON, "runtime": "jail"}}, "workunit.runtime"),
        ({"workunit": {"language": "python", "source": PYTHON, "output": "text"}}, "workunit.output"),
        ({"workunit": {"language": "javascript", "source": "x", "clock": "real"}}, "workunit.clock"),
        ({"workunit": {"language": "wasm", "source_base64": WASM, "output": "xml"}}, "workunit.output"),
        ({"payloads": {"list": [1, {"$base64": "?"}]}}, "payloads.list.1.$base64"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(changes: dict[str, Any], path: str) -> None:
    assert path in problems_of(document(**changes))


@pytest.mark.parametrize(
    ("workunit", "policy"),
    [
        ({"language": "wasm", "source_base64": WASM, "output": "json", "clock": "real"}, {"max_result_bytes": 1}),
        ({"language": "python", "source": PYTHON, "runtime": "native"}, {"max_result_bytes": MAX_RESULT_BYTES}),
        ({"language": "python", "source": PYTHON, "runtime": "sandbox"}, {"max_log_bytes": 0}),
        ({"language": "javascript", "source": SOURCE, "output": "bytes"}, {"max_log_bytes": MAX_LOG_BYTES}),
    ],
)
def test_what_a_language_may_ask_for_is_taken(workunit: dict[str, Any], policy: dict[str, Any]) -> None:
    task = parse_task(json.dumps(document(workunit=workunit, policy=policy)).encode())
    assert {name: getattr(task.document.workunit, name) for name in workunit} == workunit
    assert {name: getattr(task.document.policy, name) for name in policy} == policy


def test_every_wrong_field_is_told_at_once() -> None:
    found = problems_of(document(name="", policy={"max_failures": 0, "priority": 5000}, payloads={"list": []}))
    assert set(found) == {"name", "policy.max_failures", "policy.priority", "payloads.list"}


@pytest.mark.parametrize(
    "data", [b"", b"[", b"[]", b"\xff", b"null", b'{"name":NaN}', b"[" * 100_000, b'{"name":"\\ud800"}']
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    assert problems_of(data)


def test_a_missing_field_is_named() -> None:
    assert set(problems_of({"workunit": {"language": "javascript", "source": SOURCE}})) == {"payloads"}


def test_code_over_the_limit_is_refused() -> None:
    found = problems_of(document(workunit={"language": "javascript", "source": "/" * (MAX_WORKUNIT_BYTES + 1)}))
    assert "over the limit" in found["workunit.source"]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3), lambda s: st.lists(s) | st.dictionaries(st.text(max_size=9), s)
    )
)
def test_nothing_but_invalid_document_ever_comes_out(body: Any) -> None:
    for place in ("name", "tags", "workunit", "payloads", "policy"):
        try:
            parse_task(json.dumps(document(**{place: body})).encode())
        except InvalidDocument as refusal:
            assert refusal.problems
