"""The REST interface as an OpenAPI 3.1 document.

Rule: it is made of the table of operations and the types they name, nothing is written twice.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from disio_manager.api.answers import Problem
from disio_manager.api.operation import Answer, JsonBody, Operation
from disio_manager.api.problems import MEDIA_TYPE, TITLES

VERSION = "3.1.0"
REFERENCE = "#/components/schemas/{name}"
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
PATH_PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "id": ("Its id", {"type": "string"}),
    "index": ("Number of the payload, from 0", {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}),
    "name": ("Its name", {"type": "string"}),
    "site": ("Origin of the site, percent-encoded", {"type": "string"}),
    "sha256": ("SHA-256 of the bytes", SHA256),
}
_Object = dict[str, Any]


def openapi(operations: Sequence[Operation], version: str) -> _Object:
    """Return the document."""
    kinds = [Problem, *_kinds(operations)]
    found, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    schemas = dict(zip(kinds, found, strict=True))
    paths: dict[str, _Object] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": VERSION,
        "info": {"title": "disio manager", "version": version, "license": {"name": "see the source"}},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _kinds(operations: Sequence[Operation]) -> list[type]:
    """Return every type that an operation takes or answers, once."""
    kinds: dict[type, None] = {}
    for operation in operations:
        shapes = [answer.kind for answer in operation.answers.values()]
        shapes += [operation.body.shape] if operation.body is not None else []
        kinds.update((kind, None) for kind in shapes if kind is not None)
    return list(kinds)


def _operation(operation: Operation, schemas: dict[type, _Object]) -> _Object:
    answers = {str(status): _answer(answer, schemas) for status, answer in operation.answers.items()}
    problems = {str(status): _problem(status, schemas) for status in operation.statuses()}
    described: _Object = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _who(operation),
        "x-disio-role": None if operation.is_open else operation.least,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)],
        "responses": answers | problems,
    }
    if operation.body is not None:
        described["requestBody"] = _body(operation, schemas)
    if operation.is_open:
        described["security"] = []
    elif operation.is_local:
        described["security"] = [{"token": []}, {}]
    return described


def _who(operation: Operation) -> str:
    """Return a sentence about who may call."""
    if operation.is_open:
        return "Anybody may call it."
    more = "; tasks of others: `operator`" if operation.is_owned else ""
    return f"Needs the role `{operation.least}`{more}."


def _answer(answer: Answer, schemas: dict[type, _Object]) -> _Object:
    if not answer.media:
        return {"description": answer.told}
    schema = {} if answer.kind is None else schemas[answer.kind]
    content = {media: {"schema": schema} if media.endswith("/json") else {} for media in answer.media}
    return {"description": answer.told, "content": content}


def _problem(status: int, schemas: dict[type, _Object]) -> _Object:
    return {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schemas[Problem]}}}


def _body(operation: Operation, schemas: dict[type, _Object]) -> _Object:
    body = operation.body
    assert body is not None
    schema = {} if body.shape is None else schemas[body.shape]
    content = {media: {"schema": schema} if media.endswith("json") else {} for media in body.media}
    is_needed = isinstance(body, JsonBody) or not body.is_optional
    return {"required": is_needed, "description": body.told, "content": content}


def _path_parameters(operation: Operation) -> list[_Object]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    return [_parameter("path", name, *PATH_PARAMETERS[name], required=True) for name in names]


def _query_parameters(operation: Operation) -> list[_Object]:
    schema = msgspec.json.schema_components([operation.query])[1][operation.query.__name__]
    return [
        _parameter("query", name, str(inner.pop("description", "")), inner)
        for name, inner in ((name, _or_nothing(inner)) for name, inner in schema["properties"].items())
    ]


def _or_nothing(schema: _Object) -> _Object:
    """Return the schema of a parameter whose words may be left out: one without a value counts as not given."""
    return schema | ({"enum": [*schema["enum"], ""]} if "enum" in schema else {})


def _headers(operation: Operation) -> list[_Object]:
    return [_parameter("header", name, told, {"type": "string"}) for name, told in operation.headers.items()]


def _parameter(place: str, name: str, told: str, schema: _Object, *, required: bool = False) -> _Object:
    return {"name": name, "in": place, "required": required, "schema": schema} | ({"description": told} if told else {})
