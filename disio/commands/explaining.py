"""What ``disio explain`` asks and shows.

Rule: one fact a line.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from disio.rest import ManagerClient

MAX_SHOWN = 2_000
"""Characters of a payload, a result or an error text that a line shows."""


async def told(url: str, token_file: Path, task: str, payload: int | None) -> dict[str, Any]:
    """Return the manager's answer about a task, or about one of its payloads.

    Raises:
        RestProblem: There is no such task or payload, or the token is wrong.
        ManagerUnreachable: No answer.
    """
    async with ManagerClient.from_files(url, token_file) as manager:
        return await (manager.explain(task) if payload is None else manager.payload(task, payload))


def task_lines(answer: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads of a task."""
    yield f"task {answer['id']}: {answer['state']}"
    yield from (f"  {sentence}" for sentence in answer["sentences"])


def payload_lines(answer: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads of a payload."""
    yield f"payload {answer['i']}: {answer['state']}"
    yield from (f"  {sentence}" for sentence in answer["sentences"])
    yield f"  Its input is {_short(answer['payload'])}"
    if "result" in answer:
        yield f"  Its result is {_short(answer['result'])}"
    yield from (f"  Error: {error[:MAX_SHOWN]}" for error in answer.get("errors", []))
    for vote in answer["votes"]:
        found = "found the same" if vote["agrees"] else f"found {_short(vote['result'])} instead"
        yield f"  Client {vote['client']} computed it too and {found}."


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
