"""What ``disio task pause`` and the like do.

Rule: each task gets its own answer; one that refuses does not keep the others from theirs.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import click
import msgspec

from disio import shapes
from disio.cli import exit_status
from disio.commands.asking import FAILURE, ask, confirmed
from disio.locating import Where
from disio.printing import complain, emit, tell
from disio.rest import ManagerClient
from disio.selecting import Row, choices_of, one_selected, selected, title, titles
from disio.showing import printable
from disio.times import moment
from disio_shared.errors import ConfigError, DisioError, ManagerUnreachable
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import OPEN_STATES

MOST_INDEXES = 10_000
"""Of one retry: the manager's limit."""
MOST_DIGITS = 12
Act = Callable[[ManagerClient, Row], Awaitable[Row]]


class Verb(NamedTuple):
    """One thing to do to a task."""

    is_meant: Callable[[Row], bool]
    """Of which tasks ``all`` is said."""
    act: Act
    told: str
    """What became of it, after the task's name."""
    shape: type = shapes.Task
    is_final: bool = False
    """It cannot be undone."""
    next_step: str = ""
    """What a person may do then."""


def _plain(verb: str) -> Act:
    async def act(manager: ManagerClient, row: Row) -> Row:
        return await manager.verb(row["id"], verb)

    return act


async def _delete(manager: ManagerClient, row: Row) -> Row:
    await manager.delete(row["id"])
    return {"id": row["id"], "number": row["number"], "deleted": True}


def _has_failed(row: Row) -> bool:
    return bool(row["failed"]) and row["state"] in ("running", "paused", "failed")


def _is_open(row: Row) -> bool:
    return row["state"] in OPEN_STATES


VERBS = {
    "pause": Verb(lambda row: row["state"] in ("queued", "running"), _plain("pause"), "is paused", next_step="resume"),
    "resume": Verb(lambda row: row["state"] == "paused", _plain("resume"), "goes on", next_step="watch"),
    "cancel": Verb(_is_open, _plain("cancel"), "is cancelled", is_final=True),
    "retry": Verb(_has_failed, _plain("retry"), "tries its failed payloads again", next_step="watch"),
    "clone": Verb(_is_open, _plain("clone"), "is cloned", next_step="watch"),
    "delete": Verb(lambda row: True, _delete, "is deleted", shapes.Deleted, is_final=True),
}


def use_verb(where: Where, name: str, words: Sequence[str], is_sure: bool) -> int:
    """Do one thing to each task that is meant; return the exit status."""
    verb, choices = VERBS[name], choices_of(words)
    rows = ask(where, lambda manager: selected(manager, choices, verb.is_meant))
    if not rows:
        tell(f"there is no task to {name}")
        return 0
    asks_first = name == "delete" or (verb.is_final and "all" in words)
    if asks_first and not confirmed(_question(name, rows), is_sure):
        tell("nothing was done")
        return FAILURE
    return _each(where, rows, verb)


def _question(name: str, rows: Sequence[Row]) -> str:
    return f"{name} {', '.join(titles(rows))}" + (" with their results" if name == "delete" else "")


def _each(where: Where, rows: Sequence[Row], verb: Verb) -> int:
    """Do it; return 0, or the status of the first one that was refused."""
    is_clone = verb is VERBS["clone"]

    async def done(manager: ManagerClient) -> tuple[list[Row], list[DisioError]]:
        answers, refused = [], []
        for row in rows:
            try:
                answer = await verb.act(manager, row)
            except ManagerUnreachable:
                raise
            except DisioError as error:
                refused.append(error)
                complain(error, exit_status(error), where.as_json, title(row), task=row["id"], number=row["number"])
                continue
            answers.append(answer)
            tell(f"{title(row)} {verb.told}" + (f" as task {answer['number']}" if is_clone else ""))
            if where.as_json:
                emit(verb.shape, answer)
            elif is_clone:
                click.echo(answer["id"])
        return answers, refused

    answers, refused = ask(where, done)
    if answers and verb.next_step and not where.as_json:
        tell(f"Next: disio task {verb.next_step} {','.join(str(answer['number']) for answer in answers[:10])}")
    return exit_status(refused[0]) if refused else 0


def retry_some(where: Where, words: Sequence[str], text: str) -> int:
    """Queue some failed payloads of a task again; return the exit status.

    Raises:
        ConfigError: These are no indexes, or there is not exactly one task.
    """
    indexes = indexes_of(text)
    if len(words) != 1:
        raise ConfigError("--indexes", "are those of one task", "name one")
    choices_of(words)

    async def some(manager: ManagerClient, row: Row) -> Row:
        return await manager.retry(row["id"], indexes)

    row = ask(where, lambda manager: one_selected(manager, words[0]))
    told = "tries 1 failed payload again" if len(indexes) == 1 else f"tries {len(indexes)} failed payloads again"
    return _each(where, [row], VERBS["retry"]._replace(act=some, told=told))


def indexes_of(text: str) -> list[int]:
    """Return the indexes that a text such as ``3,7-9`` means, each once, in order.

    Raises:
        ConfigError: It means none, or too many.
    """
    runs = RangeSet()
    for part in text.split(","):
        first, mark, last = part.strip().partition("-")
        if not is_index(first) or (mark and not is_index(last)) or (mark and int(last) < int(first)):
            raise ConfigError("--indexes", f"{printable(part)!r} is no index and no range", "write 3,7-9")
        runs.add(int(first), int(last or first) + 1)
    if len(runs) > MOST_INDEXES:
        raise ConfigError("--indexes", f"are {len(runs)}, over the limit of {MOST_INDEXES}", "retry them in parts")
    return list(runs.indexes())


def is_index(text: str) -> bool:
    """Tell whether a text is an index of a payload."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def edit_tasks(where: Where, words: Sequence[str], options: dict[str, Any], settings: Sequence[str]) -> int:
    """Change fields of tasks; return the exit status."""
    changes = edits_of(options, settings)
    if not changes:
        raise ConfigError("edit", "nothing is to be changed", "give --priority, --name or another option")
    choices = choices_of(words)

    async def edit(manager: ManagerClient, row: Row) -> Row:
        return await manager.edit(row["id"], changes)

    rows = ask(where, lambda manager: selected(manager, choices))
    if not rows:
        tell("there is no task to edit")
        return 0
    return _each(where, rows, Verb(_is_open, edit, "is changed"))


def edits_of(options: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the fields that are to be changed, of the policy a part.

    Raises:
        ConfigError: An option holds no such value.
    """
    changes = {name: options[name] for name in ("name", "description") if options[name] is not None}
    if options["tags"]:
        changes["tags"] = [tag for tag in options["tags"] if tag]
    names = ("priority", "weight", "max_distributors", "max_task_failures")
    policy = {name: options[name] for name in names if options[name] is not None}
    if options["deadline"] is not None:
        policy["deadline"] = moment("--deadline", options["deadline"])
    for setting in settings:
        place, value = _setting(setting)
        (policy if place.startswith("policy.") else changes)[place.removeprefix("policy.")] = value
    return changes | ({"policy": policy} if policy else {})


def _setting(text: str) -> tuple[str, Any]:
    place, mark, value = text.partition("=")
    if not mark or not place:
        raise ConfigError("--set", f"{text!r} is not FIELD=JSON", "policy.priority=3")
    try:
        return place, msgspec.json.decode(value.encode())
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ConfigError(
            "--set", f"what {place} is to be is no JSON: {error}", "texts have quotes: name='\"x\"'"
        ) from error
