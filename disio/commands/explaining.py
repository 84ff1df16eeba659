"""What ``disio explain`` asks and shows.

Rule: one fact a line.
"""

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from disio import shapes
from disio.commands.asking import ask
from disio.locating import Where
from disio.printing import emit
from disio.rest import ManagerClient
from disio.selecting import Choice, choices_of, one_selected
from disio.showing import printable
from disio_shared.errors import ConfigError

MAX_SHOWN = 2_000
"""Characters of a payload, a result or an error text that a line shows."""


def explain_task(where: Where, word: str, payload: int | None) -> int:
    """Print why a task, or one of its payloads, is (not) progressing; return the exit status.

    Raises:
        DisioError: There is no such task or payload, or the manager is away or refuses.
    """
    (choice,) = _one(choices_of([word]), word)

    async def told(manager: ManagerClient) -> dict[str, Any]:
        task = choice.text if choice.kind == "id" else (await one_selected(manager, word))["id"]
        return await (manager.explain(task) if payload is None else manager.payload(task, payload))

    answer = ask(where, told)
    if where.as_json:
        emit(shapes.Explanation if payload is None else shapes.Payload, answer)
        return 0
    for line in task_lines(answer) if payload is None else payload_lines(answer):
        click.echo(line)
    return 0


def _one(choices: list[Choice], word: str) -> list[Choice]:
    if len(choices) > 1:
        raise ConfigError("TASK", f"{word} means several tasks", "name one")
    return choices


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
    for tried in answer.get("tries", []):
        yield from _try_lines(tried)
    for vote in answer["votes"]:
        found = "found the same" if vote["agrees"] else f"found {_short(vote['result'])} instead"
        yield f"  Client {vote['client']} computed it too and {found}."


def _try_lines(tried: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads of a hand-out; managers of before tell neither distributor nor log."""
    where = f" at distributor {tried['distributor']}" if tried.get("distributor") else ""
    yield f"  Hand-out: {tried['outcome']}, client {tried['client']}{where}."
    if tried["error"]:
        yield f"    Error: {printable(tried['error'][:MAX_SHOWN])}"
    if tried.get("log"):
        yield "    Its log ends:"
        yield from (f"      {printable(line[:MAX_SHOWN])}" for line in tried["log"].splitlines())


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
