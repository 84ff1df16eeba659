"""The table of operations: what it says is what is served."""

import re
from typing import Any

import jsonschema
import msgspec
import pytest

from disio_manager.api.openapi import openapi
from disio_manager.api.operation import JsonBody
from disio_manager.api.operations import OPERATIONS
from disio_manager.api.problems import TITLES
from disio_shared.messages import Sites
from tests.unit.manager.served import Served, document

DOCUMENT = openapi(OPERATIONS, "1")


def references(part: Any) -> list[str]:
    """Return every reference in a part of the document."""
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [each for value in part.values() for each in references(value)]
    return [each for value in part for each in references(value)] if isinstance(part, list) else []


def test_names_and_places_are_there_once() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_operation_says_what_can_come_of_it(operation: Any) -> None:
    assert set(operation.statuses()) <= TITLES.keys() and not set(operation.statuses()) & operation.answers.keys()
    assert operation.answers and all(200 <= status < 400 for status in operation.answers)
    assert operation.summary and not operation.summary.endswith(".")
    assert not isinstance(operation.body, JsonBody) or operation.method in ("POST", "PUT", "PATCH")
    for field in msgspec.structs.fields(operation.query):
        assert field.default is not msgspec.NODEFAULT, "a parameter can always be left out"


def test_the_document_is_of_openapi_3_1_and_all_that_it_refers_to_is_in_it() -> None:
    assert DOCUMENT["openapi"] == "3.1.0" and DOCUMENT["info"]["version"] == "1"
    for reference in references(DOCUMENT):
        name = reference.removeprefix("#/components/schemas/")
        assert name in DOCUMENT["components"]["schemas"], reference
    for path, calls in DOCUMENT["paths"].items():
        for call in calls.values():
            inside = {each["name"] for each in call["parameters"] if each["in"] == "path"}
            assert inside == set(re.findall(r"{(\w+)}", path))
            assert all(each["description"] for each in call["responses"].values())


def test_parameters_carry_their_limits() -> None:
    found = {each["name"]: each for each in DOCUMENT["paths"]["/api/tasks"]["get"]["parameters"]}
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
    states = re.compile(found["state"]["schema"]["pattern"])
    assert states.search("") and states.search("queued,expired") and not states.search("queued,")
    assert set(found["sort"]["schema"]["enum"]) == {"newest", "ended", "progress", ""}
    assert not found["state"]["required"]
    assert {each["name"] for each in DOCUMENT["paths"]["/api/tasks/{id}/results"]["get"]["parameters"]} == {
        "id", "from", "limit", "format", "matched", "order", "cursor", "failures", "wait_s",
    }  # fmt: skip


async def test_what_is_served_is_what_is_described(manager: Served) -> None:
    told = await manager.call("GET", "/api/openapi.json", headers={"Authorization": ""})
    assert told["paths"] == DOCUMENT["paths"]
    assert manager.app.url  # and nothing else answers:
    for path in ("/api", "/api/", "/openapi.json", "/api/tasks/x/none"):
        await manager.call("GET", path, 404)
    for operation in OPERATIONS:
        place = operation.path.replace("{index}", "0").replace("{sha256}", "0" * 64)
        place = place.replace("{id}", "none").replace("{name}", "none")
        place = place.replace("{site}", "none")
        async with manager.http.request(operation.method, f"{manager.url}{place}?x_unknown=1") as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["errors"][0]["path"]) == (400, "x_unknown"), operation.name


async def test_the_page_for_people_names_every_call_and_runs_nothing(manager: Served) -> None:
    async with manager.http.get(f"{manager.url}/api/docs", headers={"Authorization": ""}) as answer:
        page = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    assert "<script" not in page and not re.search(r"\son\w+=", page)
    for operation in OPERATIONS:
        assert f"<code>{operation.method} {operation.path}</code>" in page


def misfits(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return where a value is not as a schema of the document says."""
    validator = jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


async def test_answers_are_as_the_document_says(manager: Served) -> None:
    task = await manager.create(payloads={"list": [1, {"$base64": "AA=="}]}, tags=["a"], public=True)
    peer = manager.peer()
    await peer.join()
    await peer.leased(2)
    await peer.say(Sites(active={"a.example": 1}))
    await peer.deliver(task["id"], [0])
    bulk = {"filter": {"all": True}, "verb": "resume"}
    job = (await manager.call("POST", "/api/bulk", 202, json=bulk))["id"]
    for operation in OPERATIONS:
        answer = operation.answers.get(200)
        if operation.method != "GET" or answer is None or answer.kind in (None, dict):
            continue
        if operation.name == "get_public_status":
            continue  # this manager shows none: see test_status_page
        name = job if operation.name == "get_bulk" else task["id"]
        place = operation.path.replace("{id}", name).replace("{index}", "0").replace("{site}", "a.example")
        told = await manager.call("GET", place)
        content = DOCUMENT["paths"][operation.path]["get"]["responses"]["200"]["content"]
        assert misfits(told, content["application/json"]["schema"]) == [], operation.name
    made = DOCUMENT["paths"]["/api/tasks"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert misfits(task, made) == [] and misfits({**task, "total": "1"}, made)
    problem = await manager.call("POST", "/api/tasks", 422, json=document(name=""))
    refused = DOCUMENT["paths"]["/api/tasks"]["post"]["responses"]["422"]["content"]["application/problem+json"]
    assert misfits(problem, refused["schema"]) == []
