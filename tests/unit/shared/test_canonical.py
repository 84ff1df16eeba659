"""The canonical form of a document: the same wish, the same bytes."""

import hashlib
import json
from typing import Any

import pytest

from disio_shared.canonical import canonical, document_sha256, stored_document
from disio_shared.taskdoc import parse_task
from tests.unit.shared.test_task_parts import HOOK, SECRET
from tests.unit.shared.test_taskdoc import SOURCE, document

SHA = hashlib.sha256(SOURCE.encode()).hexdigest()


def canonical_of(body: dict[str, Any], **how: Any) -> bytes:
    return canonical(stored_document(parse_task(json.dumps(body, **how).encode())))


def test_every_field_is_there_with_its_value() -> None:
    assert json.loads(canonical_of(document())) == {
        "name": "squares", "tags": [], "description": "",
        "workunit": {
            "language": "javascript", "sha256": SHA, "runtime": "sandbox", "output": "bytes", "clock": "fixed",
        },
        "payloads": {"range": [0, 10]},
        "policy": {
            "priority": 0, "weight": 1.0, "max_distributors": 0, "redundancy": 1, "verify": "fixed",
            "compare": "exact", "deadline": None, "unit_timeout_s": 60.0, "max_result_bytes": 8 << 20,
            "max_log_bytes": 65536, "max_failures": 3, "max_lost": 20, "max_task_failures": None,
            "requires": {"memory_mb": 64, "one_per_machine": False, "kinds": ["web", "cli"]},
            "when_exhausted": "repeat", "max_redundancy": 5, "stop_when": None, "stall_s": 600.0,
        },
        "public": False, "webhooks": [], "aggregates": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        document(tags=[], policy={}, public=False),
        document(policy={"weight": 1, "priority": 0}),
        document(workunit={"language": "javascript", "sha256": SHA}),
        dict(reversed(document().items())),
    ],
)
def test_the_same_wish_has_the_same_bytes(other: dict[str, Any]) -> None:
    assert canonical_of(other, indent=2) == canonical_of(document())


@pytest.mark.parametrize(
    "other",
    [
        document(name="other"),
        document(tags=["a"]),
        document(payloads={"range": [0, 10, 1]}),
        document(policy={"stop_when": {"result": [{"equals": 1}]}}),
        document(workunit={"language": "javascript", "source": SOURCE + " "}),
        document(webhooks=[HOOK]),
        document(aggregates={}),
    ],
)
def test_another_wish_has_other_bytes(other: dict[str, Any]) -> None:
    assert canonical_of(other) != canonical_of(document())


def test_the_order_of_axes_is_kept() -> None:
    one = document(payloads={"grid": {"a": [1, 2], "b": [3, 4]}})
    two = document(payloads={"grid": {"b": [3, 4], "a": [1, 2]}})
    assert canonical_of(one) != canonical_of(two)


def test_no_secret_is_in_it_and_another_secret_makes_another_document() -> None:
    told = canonical_of(document(webhooks=[HOOK | {"secret": SECRET}]))
    assert SECRET.encode() not in told and SECRET.removeprefix("whsec_").encode() not in told
    assert told != canonical_of(document(webhooks=[HOOK]))


def test_the_canonical_form_is_a_document_of_the_same_form_and_hash() -> None:
    body = document(
        tags=["a"],
        policy={"stop_when": {"result": [{"path": "x", "above": 1}, {"exists": True}]}},
        aggregates={"top": 3},
    )
    stored = stored_document(parse_task(json.dumps(body).encode()))
    again = stored_document(parse_task(canonical(stored)))
    assert canonical(again) == canonical(stored)
    assert document_sha256(again) == hashlib.sha256(canonical(stored)).hexdigest()
