"""Checks of code while it is written: where is it wrong, before a task is made of it?

Rule: code is parsed, never run, and by the very checks that a new task meets: what is found here refuses a task.
"""

import ast
import asyncio
import warnings
from typing import Literal

from aiohttp import web
from msgspec import Struct

from disio_manager.api.answers import CodeChecked, CodeProblem, json_answer
from disio_manager.api.javascript import Place, problem_place
from disio_shared.taskdoc import check_code

MAX_SOURCE = 256 << 10
"""Characters that are checked: a person types no more, and larger code is checked when the task is made."""
MAX_PYTHON_NESTING = 200
"""Brackets within brackets, which Python's parser takes memory of the C stack for."""


class CodeToCheck(Struct, forbid_unknown_fields=True):
    """Code as it stands in an editor."""

    language: Literal["javascript", "python"]
    source: str


async def check_workunit(_request: web.Request, wanted: CodeToCheck) -> web.Response:
    """``POST /api/code-checks``: nothing is kept, and nothing is run."""
    if len(wanted.source) > MAX_SOURCE:
        return json_answer(CodeChecked(is_checked=False, problems=[]))
    return json_answer(CodeChecked(is_checked=True, problems=await asyncio.to_thread(_problems, wanted)))


def _problems(wanted: CodeToCheck) -> list[CodeProblem]:
    code = wanted.source.encode(errors="surrogatepass")
    place = problem_place(code) if wanted.language == "javascript" else _python_place(wanted.source)
    if place is not None:
        return [CodeProblem(line=place.line, column=place.column, message=place.message)]
    return [CodeProblem(line=1, column=1, message=message) for message in check_code(wanted.language, code)]


def _python_place(source: str) -> Place | None:
    if _depth(source) > MAX_PYTHON_NESTING:
        return Place(1, 1, "brackets are nested too deeply to check")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return Place(error.lineno or 1, max(1, error.offset or 1), error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return Place(1, 1, str(error) or "too deeply nested to check")
    return None


def _depth(source: str) -> int:
    """Return how deeply brackets are nested at most, those in texts included."""
    depth = deepest = 0
    for char in source:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest
