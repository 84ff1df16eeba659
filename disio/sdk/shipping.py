"""Python functions as work units: by their source, with all that they need beside it.

Rule: what is sent is text that somebody could have written in a file; nothing is pickled, and what cannot be written
down is refused by its name. Names stand for what they stood for when the function was sent.
"""

import ast
import builtins
import inspect
from collections.abc import Callable
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Literal, NamedTuple

from disio.sdk.adapters import RUN, Call, adapter_of
from disio.sdk.constants import ALIAS, NoConstant, text_of
from disio.sdk.definitions import IsMark, read_definition, value_of
from disio.sdk.errors import CannotShip
from disio.sdk.free_names import chains, free_names
from disio.sdk.origins import ABSENT, home_of, origin_of, origin_of_thing

Runtime = Literal["sandbox", "native"]
LAMBDA = "is a lambda, whose source cannot be told from its neighbours': use def"
INSTEAD = "pass it as an argument, or make it a constant"
_BUILT_IN = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType, MethodType)
_HINTS = {
    "logging.Logger": "print instead, which goes to the log",
    "_thread.lock": "leave it out, a unit runs alone",
    "_thread.RLock": "leave it out, a unit runs alone",
}


class Shippable:
    """What stands for a function where it is defined.

    Args:
        function: It.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class Shipped(NamedTuple):
    """A function that can be sent."""

    name: str
    source: str


def ship(
    function: Callable[..., Any], call: Call, runtime: Runtime = "sandbox", is_mark: IsMark = lambda _, __: False
) -> Shipped:
    """Return the work unit of a function.

    Args:
        function: Defined with ``def`` or ``async def``; or one of Python's own.
        call: How a payload becomes its arguments.
        runtime: Where it will run.
        is_mark: Tells decorators that stay here.

    Raises:
        CannotShip: It cannot be written down; says what stands in the way, and what to do.
    """
    name = str(getattr(function, "__name__", type(function).__name__))
    _check_kind(function, name)
    bundle = Bundle(name, runtime, is_mark)
    bundle.need(name if name.isidentifier() else "function", function, name)
    return Shipped(name, bundle.source(function, call))


def _check_kind(function: Callable[..., Any], name: str) -> None:
    inner = inspect.unwrap(function)
    why = ""
    if name == "<lambda>":
        why = LAMBDA
    elif inspect.ismethod(function) and home_of(function, name) is None:
        why = "is bound to an object: send a function, and pass it what it needs"
    elif inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        why = "yields: return a list of it"
    elif not (isinstance(function, (type, FunctionType, *_BUILT_IN)) or inner is not function):
        why = f"is an object of type {type(function).__name__}: send a function made with def"
    elif isinstance(function, type) and origin_of_thing(function) == "own":
        why = "is a class, whose objects are no results: send a function that returns what JSON can hold"
    if why:
        raise CannotShip(name, "it", why)


class Bundle:
    """A function and what it needs, written down.

    Args:
        function: Its name, for errors.
        runtime: Where it will run.
        is_mark: Tells decorators that stay here.
    """

    def __init__(self, function: str, runtime: Runtime, is_mark: IsMark) -> None:
        self._function, self._runtime, self._is_mark = function, runtime, is_mark
        self._bound: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        """What functions, classes and modules that are sent are called, by identity."""
        self._imports: set[str] = set()
        self._parts: list[str] = []
        self._calls_run = False

    def need(self, name: str, value: Any, where: str) -> None:
        """Have a name stand for a value.

        Args:
            name: It.
            value: What it stands for here.
            where: In which function it is used.

        Raises:
            CannotShip: The value cannot be written down.
        """
        value = value.function if isinstance(value, Shippable) else value
        if name in self._bound:
            self._check_same(name, value, where)
            return
        self._bound[name] = value
        if isinstance(value, ModuleType):
            self._import_module(name, value, where)
        elif isinstance(value, (type, FunctionType, *_BUILT_IN)) or hasattr(value, "__wrapped__"):
            self._write_callable(name, value, where)
        else:
            self._write_constant(name, value, where)

    def source(self, function: Callable[..., Any], call: Call) -> str:
        """Return all of it, as a work unit that calls a function."""
        name = self._names[id(function)]
        parts = [*self._parts]
        if name == RUN:
            name = f"{ALIAS}{RUN}"
            parts.append(f"{name} = {RUN}")
        adapter = adapter_of(name, call, inspect.iscoroutinefunction(inspect.unwrap(function)))
        imports = "\n".join(sorted(self._imports))
        text = "\n\n\n".join(["from __future__ import annotations", *filter(None, [imports]), *parts, adapter])
        ast.parse(text)
        return text

    def _check_same(self, name: str, value: Any, where: str) -> None:
        known = self._bound[name]
        if known is value:
            return
        try:
            if type(known) is type(value) and text_of(known) == text_of(value):
                return
        except NoConstant:
            pass
        raise self._refusal(name, where, "stands for two different things in what is sent: rename one of them")

    def _refusal(self, name: str, where: str, why: str) -> CannotShip:
        place = "" if where == self._function else f" (used in {where})"
        return CannotShip(self._function, f"{name}{place}", why)

    def _import_module(self, name: str, module: ModuleType, where: str) -> None:
        self._check_module(module.__name__, name, where)
        self._names[id(module)] = name
        own = module.__name__
        self._imports.add(f"import {own}" if own == name else f"import {own} as {name}")

    def _check_module(self, module: str, name: str, where: str) -> None:
        """Refuse a module that is not where the function will run."""
        origin, top = origin_of(module), module.partition(".")[0]
        if origin == "own":
            why = f"is your own module {module}: import what you need of it (from {module} import ...)"
            raise self._refusal(name, where, why)
        if self._runtime == "sandbox" and origin == "installed":
            raise self._refusal(name, where, f"needs {top}, which is not in the sandbox: use runtime='native'")
        if self._runtime == "sandbox" and top in ABSENT:
            raise self._refusal(name, where, f"needs {top}, which the sandbox's Python has not: do without it")

    def _write_callable(self, name: str, thing: Any, where: str) -> None:
        own = str(getattr(thing, "__name__", ""))
        if getattr(builtins, own, None) is thing:
            self._alias(name, thing, own)
        elif isinstance(thing, MethodDescriptorType | WrapperDescriptorType):
            owner: Any = thing.__objclass__
            self.need(owner.__name__, owner, where)
            self._alias(name, thing, f"{owner.__name__}.{own}")
        elif isinstance(thing, BuiltinFunctionType | MethodType) or origin_of_thing(inspect.unwrap(thing)) != "own":
            self._import_thing(name, thing, where)
        else:
            self._write_definition(name, thing, where)

    def _alias(self, name: str, thing: Any, text: str) -> None:
        self._names[id(thing)] = name
        if name != text:
            self._parts.append(f"{name} = {text}")

    def _import_thing(self, name: str, thing: Any, where: str) -> None:
        home = home_of(thing, name)
        if home is None or origin_of(home[0]) == "own":
            raise self._refusal(name, where, f"is found by no import: {INSTEAD}")
        module, own = home
        self._check_module(module, name, where)
        self._names[id(thing)] = name
        if "." in own:
            outer = f"{ALIAS}{module.replace('.', '_')}"
            self._imports.add(f"import {module} as {outer}")
            self._parts.append(f"{name} = {outer}.{own}")
        else:
            self._imports.add(f"from {module} import {own}" + ("" if own == name else f" as {name}"))

    def _write_definition(self, name: str, thing: Any, where: str) -> None:
        inner = inspect.unwrap(thing)
        self._check_place(name, inner, where)
        node, text = read_definition(thing, name if where == name else f"{where}: {name}", self._is_mark)
        self._names[id(thing)] = node.name
        if node.name != name:
            if node.name in self._bound:
                self._check_same(node.name, thing, where)
            self._bound[node.name] = thing
        try:
            names = free_names(node)
        except SyntaxError as error:
            why = f"writes a variable of a function around it ({error.msg}): return it"
            raise self._refusal(name, where, why) from error
        if node.name == RUN and (where != name or names.is_recursive):
            raise self._refusal(RUN, where, "is what a work unit calls its own function: rename it")
        if names.written:
            why = "is a global that is written, which nobody would see: return it"
            raise self._refusal(names.written[0], name, why)
        for each in names.needed:
            self._look_up(each, inner, name)
        self._check_imports(node, name)
        self._import_parts(node, inner)
        self._parts.append(text)
        if node.name != name:
            self._parts.append(f"{name} = {node.name}")

    def _check_place(self, name: str, inner: Any, where: str) -> None:
        if getattr(inner, "__name__", "") == "<lambda>":
            raise self._refusal(name, where, LAMBDA)
        outer = str(getattr(inner, "__qualname__", name)).rpartition(".")[0]
        if outer and not outer.endswith("<locals>"):
            raise self._refusal(name, where, f"belongs to the class {outer}: send a function that stands by itself")

    def _look_up(self, name: str, thing: Any, where: str) -> None:
        found, value = value_of(name, thing)
        if found == "nowhere":
            raise self._refusal(name, where, "stands for nothing yet: define it before the function is sent")
        if found != "python":
            if name == RUN:
                raise self._refusal(RUN, where, "is what a work unit calls its own function: rename it")
            self.need(name, value, where)

    def _check_imports(self, node: ast.AST, where: str) -> None:
        """Refuse what is imported inside of a function and is not where it will run."""
        for each in ast.walk(node):
            if isinstance(each, ast.ImportFrom) and each.level:
                raise self._refusal(
                    "." * each.level + (each.module or ""), where, "is your own module: import it above"
                )
            modules = [each.module] if isinstance(each, ast.ImportFrom) else []
            modules += [alias.name for alias in each.names] if isinstance(each, ast.Import) else []
            for module in modules:
                self._check_module(str(module), str(module), where)

    def _import_parts(self, node: ast.stmt, thing: Any) -> None:
        """Import modules that are used as attributes of the packages they are in."""
        for first, *rest in chains(node):
            value = value_of(first, thing)[1]
            for attribute in rest:
                part = getattr(value, attribute, None) if isinstance(value, ModuleType) else None
                if not isinstance(part, ModuleType) or part.__name__ != f"{value.__name__}.{attribute}":
                    break
                value = part
                self._imports.add(f"import {value.__name__} as {ALIAS}{value.__name__.replace('.', '_')}")

    def _write_constant(self, name: str, value: Any, where: str) -> None:
        try:
            text, modules = text_of(value, lambda part: self._refer(part, where))
        except NoConstant as problem:
            home = home_of(value, name)
            if home is not None and origin_of(home[0]) != "own":
                self._import_thing(name, value, where)
                return
            hint = _HINTS.get(f"{type(value).__module__}.{type(value).__qualname__}", INSTEAD)
            why = str(problem)
            raise self._refusal(name, where, why if "; " in why else f"{why}: {hint}") from None
        self._imports |= {f"import {module} as {ALIAS}{module}" for module in modules}
        self._parts.append(f"{name} = {text}")

    def _refer(self, thing: Any, where: str) -> str | None:
        """Return what a function or class inside of a constant is called, written down first."""
        if not isinstance(thing, (type, FunctionType, ModuleType, *_BUILT_IN)):
            return None
        if id(thing) not in self._names:
            self.need(thing.__name__, thing, where)
        return self._names[id(thing)]
