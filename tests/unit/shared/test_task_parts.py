"""Early stop, webhooks and aggregates of a task document: what is right is taken, what is wrong is named."""

import base64
import json
from typing import Any

import pytest

from disio_shared.taskdoc import parse_task
from tests.unit.shared.test_taskdoc import document, problems_of

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()
HOOK = {"url": "https://example.org/hook?task=1"}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value]
    return value


def stop(*conditions: Any, **more: Any) -> dict[str, Any]:
    return {"policy": {"stop_when": {"result": list(conditions), **more}}}


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "Counts primes.\n\tOne line more: \u00e4."},
        {"public": True},
        {"webhooks": [HOOK | {"events": ["done", "stalled"], "secret": SECRET}, HOOK]},
        {"aggregates": {}},
        {"aggregates": {"fields": ["", "a.b.0"], "top": 0}},
        stop({"equals": None}),
        stop({"path": "a.0.b", "at_least": 1, "below": 2.5}, {"exists": False, "path": "error"}, count=1_000_000),
        stop({"equals": deep(16)}),
        {"policy": {"stall_s": 10}},
    ],
)
def test_what_is_right_is_taken_and_kept(changes: dict[str, Any]) -> None:
    parsed = parse_task(json.dumps(document(**changes)).encode()).document
    for name, value in changes.items():
        assert getattr(parsed, name) is not None and value is not None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"description": "x" * 4001}, "description"),
        ({"description": "bell \a"}, "description"),
        ({"public": "yes"}, "public"),
        ({"webhooks": [HOOK] * 9}, "webhooks"),
        ({"webhooks": [{"url": "ftp://example.org/"}]}, "webhooks.0.url"),
        ({"webhooks": [HOOK, {"url": "https://user:pw@example.org/"}]}, "webhooks.1.url"),
        ({"webhooks": [{"url": "https://example.org/a b"}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "https://example.org/#x"}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "https://example.org/" + "x" * 2000}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "https://example.org:0/"}]}, "webhooks.0.url"),
        ({"webhooks": [{}]}, "webhooks.0.url"),
        ({"webhooks": [HOOK | {"events": []}]}, "webhooks.0.events"),
        ({"webhooks": [HOOK | {"events": ["done", "done"]}]}, "webhooks.0.events"),
        ({"webhooks": [HOOK | {"events": ["gone"]}]}, "webhooks.0.events.0"),
        ({"webhooks": [HOOK | {"secret": "whsec_AAAA"}]}, "webhooks.0.secret"),
        ({"webhooks": [HOOK | {"secret": SECRET.removeprefix("whsec_")}]}, "webhooks.0.secret"),
        ({"webhooks": [HOOK | {"secret": "sha256:" + "0" * 64}]}, "webhooks.0.secret"),
        ({"webhooks": [HOOK | {"sekret": ""}]}, "webhooks.0.sekret"),
        ({"aggregates": {"fields": [str(at) for at in range(33)]}}, "aggregates.fields"),
        ({"aggregates": {"fields": ["a", "a"]}}, "aggregates.fields"),
        ({"aggregates": {"fields": ["a", "a..b"]}}, "aggregates.fields.1"),
        ({"aggregates": {"fields": ["x" * 201]}}, "aggregates.fields.0"),
        ({"aggregates": {"top": 101}}, "aggregates.top"),
        ({"aggregates": {"bottom": 1}}, "aggregates.bottom"),
        (stop(), "policy.stop_when.result"),
        (stop(*[{"equals": 1}] * 17), "policy.stop_when.result"),
        (stop({}), "policy.stop_when.result.0"),
        (stop({"equals": 1}, {"path": "a."}), "policy.stop_when.result.1.path"),
        (stop({"equals": [2**53]}), "policy.stop_when.result.0.equals"),
        (stop({"differs": {"a": 10**30}}), "policy.stop_when.result.0.differs"),
        (stop({"equals": deep(17)}), "policy.stop_when.result.0.equals"),
        (stop({"equals": deep(400)}), "policy.stop_when.result.0.equals"),
        (stop({"equals": "x" * 5000}), "policy.stop_when.result.0.equals"),
        (stop({"above": "1"}), "policy.stop_when.result.0.above"),
        (stop({"above": 10**400}), "policy.stop_when.result.0.above"),
        (stop({"exists": False, "above": 1}), "policy.stop_when.result.0.exists"),
        (stop({"equal": 1}), "policy.stop_when.result.0.equal"),
        (stop({"equals": 1}, count=0), "policy.stop_when.count"),
        ({"policy": {"stop_when": {}}}, "policy.stop_when.result"),
        ({"policy": {"stall_s": 9}}, "policy.stall_s"),
    ],
)
def test_what_is_wrong_is_refused_by_its_place(changes: dict[str, Any], path: str) -> None:
    assert path in problems_of(document(**changes))
