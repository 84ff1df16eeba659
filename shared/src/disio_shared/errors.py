"""Every error disio raises on purpose, built from data.

Rule: a family ends in ``Error``, a leaf says what happened; each edge (HTTP, link, command line) translates once.

    DisioError                      code, http_status, retryable
    ├── ConfigError                 a setting is wrong; exit status 2
    ├── ProtocolError
    │   ├── LocalProtocolError      we tried to send something illegal: our bug
    │   └── RemoteProtocolError     the peer did: MalformedMessage VersionMismatch OversizeMessage
    ├── InvalidInputError           a document the user sent is wrong: InvalidDocument
    ├── NotFoundError               TaskNotFound WorkunitNotFound BlobNotFound DistributorNotFound
    ├── ConflictError               IllegalVerb
    ├── RefusedError                NotAuthorized
    └── UnavailableError            StoreUnavailable ManagerUnreachable
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple


class FieldProblem(NamedTuple):
    """One thing wrong in a document: where, and what."""

    path: str
    """Dotted place, such as ``payloads.grid.n`` or ``policy.max_failures``; empty for the whole document."""
    message: str


class DisioError(Exception):
    """Root of all disio errors."""

    code: ClassVar[str] = "error"
    """Stable name on the wire."""
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    remedy: str = ""
    """What the user can do, one sentence, or empty."""
    document: Mapping[str, Any] = MappingProxyType({})
    """The problem document that another service told it by; empty = it is our own."""


class ConfigError(DisioError):
    """A setting is wrong; says which, and where it came from."""

    code = "config"

    def __init__(self, setting: str, problem: str, remedy: str = "") -> None:
        self.setting, self.problem, self.remedy = setting, problem, remedy
        super().__init__(f"{setting}: {problem}" + (f" ({remedy})" if remedy else ""))


class ProtocolError(DisioError):
    """A message broke the protocol."""

    code = "protocol"
    http_status = 400


class LocalProtocolError(ProtocolError):
    """We tried to send something illegal."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something illegal: answer, then drop it."""


class MalformedMessage(RemoteProtocolError):
    """Bytes that do not decode as any message of the union."""

    code = "malformed"

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"message does not decode: {problem}")


class OversizeMessage(RemoteProtocolError):
    """More bytes than the limit."""

    code = "oversize"

    def __init__(self, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(f"message of {size} bytes is over the limit of {limit} bytes")


class VersionMismatch(RemoteProtocolError):
    """The peer speaks another protocol version."""

    code = "version"

    def __init__(self, theirs: int, ours: int) -> None:
        self.theirs, self.ours = theirs, ours
        side = "upgrade that side" if theirs < ours else "upgrade this side"
        super().__init__(f"protocol version {theirs} met version {ours}: {side}")


class InvalidInputError(DisioError):
    """Something the user sent is wrong."""

    code = "invalid"
    http_status = 422


class InvalidDocument(InvalidInputError):
    """A document with one or more wrong fields."""

    code = "invalid-document"

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.path}: {p.message}" if p.path else p.message for p in problems))


class NotFoundError(DisioError):
    """The named thing is not there."""

    code = "not-found"
    http_status = 404
    kind: ClassVar[str] = "object"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no {self.kind} {name}")


class TaskNotFound(NotFoundError):
    """No such task."""

    kind = "task"


class WorkunitNotFound(NotFoundError):
    """No such work unit."""

    kind = "work unit"


class BlobNotFound(NotFoundError):
    """No such blob."""

    kind = "blob"


class DistributorNotFound(NotFoundError):
    """No such distributor."""

    kind = "distributor"


class ConflictError(DisioError):
    """The thing is there, but not in a state for this."""

    code = "conflict"
    http_status = 409


class IllegalVerb(ConflictError):
    """A verb that the task's state does not allow."""

    code = "illegal-verb"

    def __init__(self, task_id: str, verb: str, state: str) -> None:
        self.task_id, self.verb, self.state = task_id, verb, state
        super().__init__(f"task {task_id} is {state}: cannot {verb} it")


class RefusedError(DisioError):
    """Allowed to nobody, or not to this caller."""

    code = "refused"
    http_status = 403


class NotAuthorized(RefusedError):
    """No valid token came with the request."""

    code = "not-authorized"
    http_status = 401


class UnavailableError(DisioError):
    """Something outside is away; trying again later can help."""

    code = "unavailable"
    http_status = 503
    retryable = True


class StoreUnavailable(UnavailableError):
    """The database or cache does not answer."""

    code = "store-unavailable"

    def __init__(self, store: str, problem: str, remedy: str = "") -> None:
        self.store, self.problem, self.remedy = store, problem, remedy
        super().__init__(f"{store}: {problem}" + (f" ({remedy})" if remedy else ""))


class OwnershipLost(StoreUnavailable):
    """Another manager took over what this one was about to write; it must load again."""

    code = "ownership-lost"

    def __init__(self, what: str) -> None:
        super().__init__("database", f"another manager looks after {what} now")


class ManagerUnreachable(UnavailableError):
    """No manager answers at this address."""

    code = "manager-unreachable"

    def __init__(self, url: str, problem: str) -> None:
        self.url, self.problem = url, problem
        super().__init__(f"no manager answers at {url}: {problem}")
