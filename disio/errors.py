"""Every error that ``import disio`` raises on purpose. All of them are ``DisioError``.

Rule: names are gathered here, nothing is defined.
"""

from disio.rest.problems import Conflict, InvalidRequest, NotAManager, NotFound, RestProblem
from disio.sdk.errors import (
    BadArgument,
    CannotShip,
    RemoteTraceback,
    TaskFailed,
    UnitFailed,
    WaitTimeout,
)
from disio.sdk.loop import NotHere
from disio_shared.errors import ConfigError, DisioError, ManagerUnreachable, NotAuthorized

__all__ = [
    "BadArgument",
    "CannotShip",
    "ConfigError",
    "Conflict",
    "DisioError",
    "InvalidRequest",
    "ManagerUnreachable",
    "NotAManager",
    "NotAuthorized",
    "NotFound",
    "NotHere",
    "RemoteTraceback",
    "RestProblem",
    "TaskFailed",
    "UnitFailed",
    "WaitTimeout",
]
