"""The manager's REST interface, as a client sees it.

Rule: whoever calls a manager does it through ``ManagerClient``.
"""

from disio.rest.calls import ManagerClient
from disio.rest.lines import ResultLine
from disio.rest.problems import AuthError, Conflict, InvalidRequest, NotAManager, NotFound, RestProblem
from disio.rest.transport import Transport

__all__ = [
    "AuthError",
    "Conflict",
    "InvalidRequest",
    "ManagerClient",
    "NotAManager",
    "NotFound",
    "RestProblem",
    "ResultLine",
    "Transport",
]
