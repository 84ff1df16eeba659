"""Code that is checked while it is written."""

from typing import Any

import pytest

from tests.unit.manager.served import Served


async def problems(manager: Served, language: str, source: str) -> list[dict[str, Any]]:
    answer = await manager.call("POST", "/api/code-checks", 200, json={"language": language, "source": source})
    assert answer["is_checked"] is True
    return list(answer["problems"])


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("javascript", "export default (n) => n * 2"),
        ("javascript", "worker.onStart = function (data) { communication.end(1); };"),
        ("python", "def run(payload, unit):\n    return payload\n"),
    ],
)
async def test_code_that_is_right_has_no_problems(manager: Served, language: str, source: str) -> None:
    assert await problems(manager, language, source) == []


async def test_problems_are_told_with_line_and_column_in_characters(manager: Served) -> None:
    (found,) = await problems(manager, "javascript", "export default () => {\n  return 'é' +;\n}")
    assert (found["line"], found["column"]) == (2, 15) and found["message"] == "'identifier' is missing"
    (found,) = await problems(manager, "python", "def run(payload, unit):\n    return (")
    assert (found["line"], found["column"], found["message"]) == (2, 12, "'(' was never closed")


async def test_what_a_task_would_be_refused_for_is_told_too(manager: Served) -> None:
    (found,) = await problems(manager, "python", "def walk(payload, unit): return 1")
    assert "defines no function run" in found["message"]
    (found,) = await problems(manager, "javascript", "  ")
    assert found["message"] == "is empty"


@pytest.mark.parametrize(
    "source", ["(" * 100_000, "-" * 200_000 + "1", "x = " + "[" * 5_000, "\0", "\ud800", "a b " * 60_000]
)
async def test_code_that_would_break_a_parser_is_answered_all_the_same(manager: Served, source: str) -> None:
    for language in ("python", "javascript"):
        body = {"language": language, "source": source}
        async with manager.http.post(f"{manager.url}/api/code-checks", json=body) as answer:
            told = await answer.json(content_type=None)
        assert (answer.status == 200 and told["is_checked"]) or (answer.status == 422 and told["errors"])


async def test_long_code_is_not_checked_and_that_is_said(manager: Served) -> None:
    body = {"language": "python", "source": "#" * (300 << 10)}
    answer = await manager.call("POST", "/api/code-checks", 200, json=body)
    assert answer == {"is_checked": False, "problems": []}


async def test_what_is_neither_language_is_refused(manager: Served) -> None:
    problem = await manager.call("POST", "/api/code-checks", 422, json={"language": "wasm", "source": ""})
    assert problem["errors"][0]["path"] == "language"
