"""Query parameters by name and kind.

Rule: a call's parameters are one Struct; what is not in it, or is there twice, is an error by its name.
"""

from functools import cache
from typing import TypeVar

import msgspec
from aiohttp import web

from disio_manager.api.problems import BadRequest
from disio_shared.errors import FieldProblem
from disio_shared.wording import problem_of

MAX_TOLD = 5


class Query(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Base of parameters; every one of them has a default."""


class NoQuery(Query, kw_only=True, frozen=True):
    """None."""


QueryT = TypeVar("QueryT", bound=Query)


def read_query(request: web.Request, kind: type[QueryT]) -> QueryT:
    """Return a request's parameters; one without a value counts as not given.

    Raises:
        BadRequest: They are not of this kind, with one problem per name that is unknown or there twice.
    """
    _check_names(request, _names(kind))
    given = {name: value for name, value in request.query.items() if value}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        problem = problem_of(error, kind, whole="")
        raise BadRequest(400, "bad-request", f"{problem.path}: {problem.message}", [problem]) from error


@cache
def _names(kind: type[Query]) -> list[str]:
    """Return the names of parameters; there are as many kinds as calls."""
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def next_link(request: web.Request, cursor: str | None) -> dict[str, str]:
    """Return the header that names the next page of a list, or none after the last one (RFC 8288)."""
    return {} if cursor is None else {"Link": f'<{request.rel_url.update_query(cursor=cursor)}>; rel="next"'}


def _check_names(request: web.Request, known: list[str]) -> None:
    told = f"known here: {', '.join(known)}" if known else "this takes none"
    problems = []
    for name in dict.fromkeys(request.query):
        if name not in known:
            problems.append(FieldProblem(name, f"unknown parameter; {told}"))
        elif len(request.query.getall(name)) > 1:
            problems.append(FieldProblem(name, "given more than once"))
    if problems:
        detail = "; ".join(f"{each.path}: {each.message}" for each in problems[:MAX_TOLD])
        raise BadRequest(400, "bad-request", f"query parameters: {detail}", problems)
