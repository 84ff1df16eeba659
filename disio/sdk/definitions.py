"""Functions and classes as the text that defines them.

Rule: the text is what stands in the file or the notebook's cell; what cannot be found there is refused.
"""

import ast
import builtins
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Literal

from disio.sdk.constants import NoConstant, text_of
from disio.sdk.errors import CannotShip

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
IsMark = Callable[[ast.expr, Any], bool]
"""Tells whether a decorator, of this function or class, is one of ours, which stays here."""
NO_SOURCE = "has no source here: put it in a file, or in a notebook's cell"
NO_CLASS_SOURCE = "has no source here: put it in a file, or give it a method"


def read_definition(thing: Any, name: str, is_mark: IsMark) -> tuple[Definition, str]:
    """Return the definition of a function or class, as a tree and as text without decorators of ours.

    Args:
        thing: It.
        name: How errors call it.
        is_mark: Tells decorators of ours.

    Raises:
        CannotShip: There is no source, or it is not that of ``thing``.
    """
    lines, indent = _source(thing, name)
    node = _parsed(lines, indent, name)
    _check_same(thing, node, name)
    kept = [each for each in node.decorator_list if not is_mark(each, inspect.unwrap(thing))]
    if inspect.unwrap(thing) is not thing and not kept:
        raise CannotShip(name, "it", "is wrapped by something that is not a decorator above it: send what it wraps")
    is_whole = len(kept) == len(node.decorator_list)
    are_marks_alone = not kept and not is_whole
    node.decorator_list = kept
    is_changed = _fix_defaults(thing, node)
    if indent or is_changed or not (is_whole or are_marks_alone):
        return node, ast.unparse(node)
    first = 0 if is_whole else node.lineno - 1
    return node, "\n".join(lines[first:]).rstrip()


def _source(thing: Any, name: str) -> tuple[list[str], bool]:
    """Return the lines of a definition, and whether they stand inside of something."""
    inner = inspect.unwrap(thing)
    try:
        text = inspect.getsource(inner)
    except (OSError, TypeError) as error:
        text = _class_in_cell(inner) if isinstance(inner, type) else ""
        if not text:
            raise CannotShip(name, "it", NO_CLASS_SOURCE if isinstance(inner, type) else NO_SOURCE) from error
    return text.splitlines(), text[:1].isspace()


def _class_in_cell(thing: type) -> str:
    """Return the source of a class that was defined in a notebook: by the place of its methods; empty = not found."""
    for method in filter(inspect.isfunction, vars(thing).values()):
        lines, first = linecache.getlines(method.__code__.co_filename), method.__code__.co_firstlineno
        for node in ast.parse("".join(lines)).body:
            if isinstance(node, ast.ClassDef) and node.name == thing.__name__ and method.__module__ == thing.__module__:
                start = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                if start <= first <= (node.end_lineno or first):
                    return "".join(lines[start - 1 : node.end_lineno])
    return ""


def _parsed(lines: list[str], indent: bool, name: str) -> Definition:
    """Return the tree of a definition; texts in it that have several lines keep them as they are."""
    text = "\n".join(lines)
    try:
        tree: list[ast.stmt] = ast.parse(f"if True:\n{text}" if indent else text).body
    except SyntaxError:
        try:
            tree = ast.parse(textwrap.dedent(text)).body
        except SyntaxError as error:
            raise CannotShip(
                name, "its source", f"cannot be read by itself ({error.msg}): define it with def"
            ) from error
    node = tree[0].body[0] if indent and isinstance(tree[0], ast.If) else tree[0]
    if not isinstance(node, Definition):
        raise CannotShip(name, "its source", "is no definition by itself: define it with def")
    return node


def _check_same(thing: Any, node: Definition, name: str) -> None:
    """Refuse a source whose file has changed since it was imported."""
    inner = inspect.unwrap(thing)
    is_same = node.name == inner.__name__
    if is_same and inspect.isfunction(inner) and not isinstance(node, ast.ClassDef):
        code, given = inner.__code__, node.args
        names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        is_same = list(code.co_varnames[: len(names)]) == names
    if not is_same:
        raise CannotShip(name, "its file", "has changed since it was imported: import it again")


def _fix_defaults(thing: Any, node: Definition) -> bool:
    """Write defaults as the values that they have; tell whether any was written otherwise."""
    inner = inspect.unwrap(thing)
    if isinstance(node, ast.ClassDef) or not inspect.isfunction(inner):
        return False
    plain, named = inner.__defaults__ or (), inner.__kwdefaults__ or {}
    changed = [_fix(node.args.defaults, at, value) for at, value in enumerate(plain)]
    for at, each in enumerate(node.args.kwonlyargs):
        if each.arg in named:
            changed.append(_fix(node.args.kw_defaults, at, named[each.arg]))
    return any(changed)


def _fix(defaults: list[Any], at: int, value: Any) -> bool:
    if at >= len(defaults) or isinstance(defaults[at], ast.Constant):
        return False
    try:
        text, modules = text_of(value)
    except NoConstant:
        return False  # its names are looked up instead
    if modules:
        return False
    fresh = ast.parse(text, mode="eval").body
    if ast.dump(fresh) == ast.dump(defaults[at]):
        return False
    defaults[at] = fresh
    return True


def value_of(name: str, thing: Any) -> tuple[Literal["here", "python", "nowhere"], Any]:
    """Return what a name stands for in a function or class, and whether that is here or Python's own."""
    space, functions = _places(thing)
    for function in functions:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
        if name in cells:
            try:
                return "here", cells[name].cell_contents
            except ValueError:
                return "nowhere", None
    if name in space:
        return "here", space[name]
    return ("python", getattr(builtins, name)) if hasattr(builtins, name) else ("nowhere", None)


def _places(thing: Any) -> tuple[Mapping[str, Any], list[Any]]:
    """Return the global names of a function or class, and the functions whose closures have others."""
    if inspect.isfunction(thing):
        return thing.__globals__, [thing]
    module = sys.modules.get(thing.__module__)
    # Those that were made for it, as by dataclasses, are at home elsewhere.
    own = [each for each in vars(thing).values() if inspect.isfunction(each) and each.__module__ == thing.__module__]
    return vars(module) if module is not None else {}, own
