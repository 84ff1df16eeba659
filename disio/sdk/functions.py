"""Functions of this program as work units: ``@disio.work``.

Rule: a function stays what it is here; only when it is sent, its source is read.
"""

import ast
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, Unpack, overload

from disio.sdk.adapters import Call
from disio.sdk.definitions import value_of
from disio.sdk.errors import BadArgument
from disio.sdk.options import Options
from disio.sdk.shipping import Shippable, ship
from disio.sdk.units import Runtime, WorkUnit

ArgsT = ParamSpec("ArgsT")
ResultT = TypeVar("ResultT")
UNIT_PARAMETER = "unit"
"""A second parameter of this name gets what work units are given beside their payload."""
Workable = WorkUnit | str | Path | Callable[..., Any]


class Work(Shippable, Generic[ArgsT, ResultT]):
    """A function that can be called here, and sent.

    Args:
        function: It.
        runtime: Where it runs when it is sent.
        options: Fields of the policy that its tasks get if nothing else is said.
    """

    function: Callable[ArgsT, ResultT]

    def __init__(self, function: Callable[ArgsT, ResultT], runtime: Runtime, options: Options) -> None:
        super().__init__(function)
        self.runtime, self.options = runtime, options
        functools.update_wrapper(self, function)

    def __call__(self, *args: ArgsT.args, **kwargs: ArgsT.kwargs) -> ResultT:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<disio work {self.function.__qualname__}>"

    @property
    def source(self) -> str:
        """What is sent.

        Raises:
            CannotShip: It cannot be written down.
        """
        return self.unit().source

    @property
    def sha256(self) -> str:
        """Hash of what is sent."""
        return self.unit().sha256

    def unit(self, call: Call | None = None) -> WorkUnit:
        """Return it as a work unit.

        Args:
            call: What a payload is to it if it does not look like a work unit; None = its one argument.

        Raises:
            CannotShip: It cannot be written down.
        """
        return shipped(self.function, style_of(self.function, call), self.runtime, self.options)


@overload
def work(function: Callable[ArgsT, ResultT], /) -> Work[ArgsT, ResultT]: ...


@overload
def work(
    *, runtime: Runtime = "sandbox", **options: Unpack[Options]
) -> Callable[[Callable[ArgsT, ResultT]], Work[ArgsT, ResultT]]: ...


def work(
    function: Callable[ArgsT, ResultT] | None = None, /, *, runtime: Runtime = "sandbox", **options: Unpack[Options]
) -> Any:
    """Make a function one that can be sent, bare or with arguments: ``@disio.work(unit_timeout_s=5)``.

    Args:
        function: It; called here, it does what it did.
        runtime: ``native`` for machines that trust this cluster.
        options: Fields of the policy that its tasks get if nothing else is said.
    """
    if function is not None:
        return Work(function, runtime, options)
    return lambda each: Work(each, runtime, options)


def style_of(function: Callable[..., Any], call: Call | None = None) -> Call:
    """Return what a payload is to a function: one with a second parameter ``unit`` is called as a work unit is."""
    try:
        names = list(inspect.signature(function).parameters)
    except (ValueError, TypeError):  # some of Python's own do not tell
        return call or "payload"
    return "unit" if len(names) == 2 and names[1] == UNIT_PARAMETER else call or "payload"


def shipped(function: Callable[..., Any], call: Call, runtime: Runtime, options: Options) -> WorkUnit:
    """Return the work unit of a function.

    Raises:
        CannotShip: It cannot be written down.
    """
    made = ship(function, call, runtime, _is_mark)
    return WorkUnit(
        made.name, "python", made.source.encode(), None if runtime == "sandbox" else runtime, options=options
    )


def unit_of(unit: Workable, call: Call | None = None) -> WorkUnit:
    """Return the work unit that is meant: one, the file of one, or a function.

    Args:
        unit: It.
        call: What a payload is to a function that does not look like a work unit; None = its one argument.

    Raises:
        BadArgument: It is none of these.
        CannotShip: The function cannot be written down.
    """
    if isinstance(unit, WorkUnit):
        return unit
    if isinstance(unit, str | Path):
        return WorkUnit.from_file(unit)
    if isinstance(unit, Work):
        return unit.unit(call)
    if callable(unit):
        return shipped(unit, style_of(unit, call), "sandbox", {})
    raise BadArgument(f"a work unit is a function, a file's path or a disio.WorkUnit, not {type(unit).__name__}")


def _is_mark(decorator: ast.expr, thing: Any) -> bool:
    """Tell whether a decorator is ``work``, by whatever name."""
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    value = value_of(node.id, thing)[1] if isinstance(node, ast.Name) else None
    for attribute in reversed(attributes):
        value = getattr(value, attribute, None)
    return value is work
