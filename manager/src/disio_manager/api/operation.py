"""One call of the REST interface: its path, what it takes, what it answers.

Rule: parameters and JSON bodies are decoded before a handler is called, by what the call says of itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from aiohttp import web

from disio_manager.api.bodies import read_json
from disio_manager.api.etags import tagged
from disio_manager.api.problems import Handler
from disio_manager.api.queries import NoQuery, Query, read_query
from disio_manager.people.roles import Role

JSON, NDJSON, CSV, BYTES = "application/json", "application/x-ndjson", "text/csv", "application/octet-stream"
TEXT, HTML, EVENTS = "text/plain", "text/html", "text/event-stream"
CODE = ("text/javascript", "application/wasm", "text/x-python", BYTES)
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Answer(NamedTuple):
    """What comes back when all went well."""

    told: str
    kind: type | None = None
    """Of the JSON; None when it is something else, or nothing."""
    media: tuple[str, ...] = (JSON,)
    """Empty: no body."""


UNCHANGED = Answer("It is the one that If-None-Match names", media=())
"""Of a call whose answers have an ETag."""
IF_NONE_MATCH = {"If-None-Match": "An ETag"}


class JsonBody(NamedTuple):
    """A body that is decoded before the handler is called, and given to it last."""

    kind: Any
    shape: type
    told: str
    """What the documents show of it."""
    media: tuple[str, ...] = (JSON,)


class OwnBody(NamedTuple):
    """A body that the handler reads itself: it is large, or no JSON."""

    told: str
    shape: type | None = None
    media: tuple[str, ...] = (JSON,)
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    name: str
    method: Method
    path: str
    handler: Callable[..., Awaitable[web.StreamResponse]]
    """Called with the request, then the query if it takes any, then the body if that is a ``JsonBody``."""
    tag: str
    summary: str
    answers: dict[int, Answer]
    problems: tuple[int, ...] = ()
    """Statuses of problems, besides those that follow from the rest: see ``statuses``."""
    query: type[Query] = NoQuery
    body: JsonBody | OwnBody | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Of the request: name to what it is for."""
    role: Role | None = None
    """The least that may call it; None: whoever may look, if it only reads, and else nobody but an admin."""
    is_owned: bool = False
    """It changes a task: researchers may do so to their own, operators to all."""
    is_audited: bool = True
    """That it was called is noted, unless it only reads."""
    is_open: bool = False
    """Anybody may call it."""
    is_local: bool = False
    """Anybody on the manager's own machine may."""

    @property
    def least(self) -> Role:
        """The least that may call it."""
        return self.role or ("viewer" if self.method == "GET" else "admin")

    def statuses(self) -> list[int]:
        """Return the statuses of the problems it can answer with."""
        found = {400, 421, 503, *self.problems}
        found |= set() if self.is_open else {401, 403}
        found |= {404} if "{" in self.path else set()
        found |= {413, 415, 422} if self.body is not None else set()
        return sorted(found)


def route(operation: Operation) -> web.RouteDef:
    """Return the route of an operation; what answers GET answers HEAD too."""
    handler = _decoding(operation)
    if operation.method == "GET":
        return web.get(operation.path, handler)
    return web.route(operation.method, operation.path, handler)


def _decoding(operation: Operation) -> Handler:
    query, body, handler = operation.query, operation.body, operation.handler

    async def decoded(request: web.Request) -> web.StreamResponse:
        asked = read_query(request, query)
        given: list[Any] = [] if query is NoQuery else [asked]
        if isinstance(body, JsonBody):
            given.append(await read_json(request, body.kind))
        response = await handler(request, *given)
        return tagged(request, response) if 304 in operation.answers else response

    return decoded
