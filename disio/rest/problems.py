"""What a manager says no to, as errors.

Rule: one class for each thing that a caller may want to treat differently; all of them are ``RestProblem``.
"""

from collections.abc import Mapping
from typing import Any

from disio_shared.errors import DisioError, NotAuthorized

REMEDY = "sign in (disio login), copy admin.token from the manager, or give --token-file"


class RestProblem(DisioError):
    """The manager refused a request.

    Args:
        status: Of the HTTP answer.
        detail: What is wrong, in the manager's words.
        errors: ``{"path", "message"}`` of each wrong field.
        document: All that the manager says.
    """

    code = "rest"

    def __init__(
        self, status: int, detail: str, errors: list[dict[str, str]], document: Mapping[str, Any] | None = None
    ) -> None:
        self.status, self.detail, self.errors = status, detail, errors
        self.document = document or {}
        places = "; ".join(f"{e.get('path', '')}: {e.get('message', '')}" for e in errors)
        super().__init__(detail if not places or places in detail else f"{detail} ({places})")


class NotFound(RestProblem):
    """There is no such task, payload, work unit or blob."""

    code = "not-found"


class AuthError(RestProblem, NotAuthorized):
    """The token is missing, wrong, or does not allow this."""

    code = "not-authorized"


class Conflict(RestProblem):
    """The thing is there, but not in a state for this."""

    code = "conflict"


class NotNext(Conflict):
    """A growing task does not take these payloads there: others came before, or it is closed."""

    total = 0
    """The number that the next payload has."""


class InvalidRequest(RestProblem):
    """Something that was sent is wrong; ``errors`` names each wrong field by its path."""

    code = "invalid"


class NotAManager(DisioError):
    """Something else answers at a manager's address."""

    code = "not-a-manager"

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"there is no manager at {url}: {problem} (give the manager's own address: --manager)")


_KINDS: dict[int, type[RestProblem]] = {
    400: InvalidRequest,
    401: AuthError,
    403: AuthError,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
}


def refusal(status: int, detail: str, document: Mapping[str, Any]) -> RestProblem:
    """Return the error of an answer that is no success.

    Args:
        status: Of the answer.
        detail: What it says.
        document: All of it; empty = there was no more.
    """
    if status == 409 and isinstance(document.get("total"), int):
        conflict = NotNext(status, detail, document.get("errors", []))
        conflict.total = document["total"]
        return conflict
    if status == 401:
        detail += f" ({REMEDY})"
    errors = document.get("errors", [])
    return _KINDS.get(status, RestProblem)(status, detail, errors, {"status": status, **document, "detail": detail})
