"""disio: spread independent computations over browser tabs and any machine that runs a client.

    import disio

    with disio.connect() as client:
        for result in client.submit("square.js", range(10)):
            print(result.index, result.value)

Rule: importing this package is quick; what a name stands for is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disio import errors as errors
    from disio.errors import (
        BadArgument,
        CannotShip,
        ConfigError,
        Conflict,
        DisioError,
        InvalidRequest,
        ManagerUnreachable,
        NotAManager,
        NotAuthorized,
        NotFound,
        RestProblem,
        TaskFailed,
        UnitFailed,
        WaitTimeout,
    )
    from disio.sdk.aio import AsyncClient
    from disio.sdk.completed import as_completed
    from disio.sdk.connecting import connect
    from disio.sdk.executor import Executor
    from disio.sdk.functions import Work, work
    from disio.sdk.mapping import AsyncMapping, Mapping
    from disio.sdk.numbers import Aggregates
    from disio.sdk.shapes import Failure, Preview, Result, TaskInfo
    from disio.sdk.sync import Client, Task
    from disio.sdk.tasks import AsyncTask
    from disio.sdk.units import WorkUnit

__version__ = "0.1.0"

_PLACES = {
    "disio.errors": (
        "BadArgument CannotShip ConfigError Conflict DisioError InvalidRequest ManagerUnreachable NotAManager "
        "NotAuthorized NotFound RestProblem TaskFailed UnitFailed WaitTimeout"
    ),
    "disio.sdk.aio": "AsyncClient",
    "disio.sdk.completed": "as_completed",
    "disio.sdk.connecting": "connect",
    "disio.sdk.executor": "Executor",
    "disio.sdk.functions": "Work work",
    "disio.sdk.mapping": "AsyncMapping Mapping",
    "disio.sdk.numbers": "Aggregates",
    "disio.sdk.shapes": "Failure Preview Result TaskInfo",
    "disio.sdk.sync": "Client Task",
    "disio.sdk.tasks": "AsyncTask",
    "disio.sdk.units": "WorkUnit",
}
_HOME = {name: module for module, names in _PLACES.items() for name in names.split()}

__all__ = [
    "Aggregates",
    "AsyncClient",
    "AsyncMapping",
    "AsyncTask",
    "BadArgument",
    "CannotShip",
    "Client",
    "ConfigError",
    "Conflict",
    "DisioError",
    "Executor",
    "Failure",
    "InvalidRequest",
    "ManagerUnreachable",
    "Mapping",
    "NotAManager",
    "NotAuthorized",
    "NotFound",
    "Preview",
    "RestProblem",
    "Result",
    "Task",
    "TaskFailed",
    "TaskInfo",
    "UnitFailed",
    "WaitTimeout",
    "Work",
    "WorkUnit",
    "__version__",
    "as_completed",
    "connect",
    "work",
]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("disio.errors")
    if name not in _HOME:
        raise AttributeError(f"module 'disio' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
