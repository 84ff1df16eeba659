"""Which tasks a command means: ``last``, a number, an id, ``3-8``, ``3,7`` or ``all``.

Rule: all words are understood before anything is asked for or done; a word that means no task is told by itself.
"""

import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from disio.rest import ManagerClient
from disio.showing import printable
from disio_shared.errors import ConfigError, DisioError

PAGE = 500
"""Tasks of one page: the manager's most."""
ASKED = 50
"""Words for numbers in one request."""
_NUMBER = re.compile(r"[0-9]{1,15}")
_NUMBERS = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")
_ID = re.compile(r"[0-9a-z]{1,64}")
FORMS = "write last, all, a number, an id, 3-8 or 3,7"
Row = dict[str, Any]
"""A task as lists show it."""


class Choice(NamedTuple):
    """What one word means."""

    kind: Literal["last", "all", "numbers", "id"]
    text: str
    first: int = 0
    last: int = 0


class NoTask(DisioError):
    """A word means a task, and there is none."""

    code = "not-found"
    http_status = 404

    def __init__(self, text: str) -> None:
        problem = "there is no task yet" if text == "last" else f"there is no task {text}"
        super().__init__(f"{problem} (disio task list shows what there is)")


def choices_of(words: Sequence[str]) -> list[Choice]:
    """Return what words mean.

    Raises:
        ConfigError: One of them means nothing.
    """
    return [_choice(part, word) for word in words for part in word.split(",")]


def _choice(part: str, word: str) -> Choice:
    if part in ("last", "all"):
        return Choice("last" if part == "last" else "all", part)
    if _NUMBER.fullmatch(part):
        return Choice("numbers", part, int(part), int(part))
    span = _NUMBERS.fullmatch(part)
    if span is not None:
        first, last = int(span[1]), int(span[2])
        if first > last:
            raise ConfigError("TASK", f"{part} is no range of numbers", f"write {last}-{first}")
        return Choice("numbers", part, first, last)
    if _ID.fullmatch(part):
        return Choice("id", part)
    raise ConfigError("TASK", f"{printable(word)!r} names no task", FORMS)


async def selected(
    manager: ManagerClient, choices: Sequence[Choice], is_meant: Callable[[Row], bool] | None = None
) -> list[Row]:
    """Return the tasks that are meant, each once, in the order of the words.

    Args:
        manager: Has them.
        choices: See ``choices_of``.
        is_meant: Of which tasks ``all`` is said; None = of open ones.

    Raises:
        NoTask: Some word means none. ``all`` may.
    """
    numbered = await _numbered(manager, choices)
    found: dict[str, Row] = {}
    for choice in choices:
        rows = await _rows(manager, choice, numbered, is_meant)
        if not rows and choice.kind != "all":
            raise NoTask(choice.text)
        found.update((row["id"], row) for row in rows)
    return list(found.values())


async def one_selected(manager: ManagerClient, word: str) -> Row:
    """Return the one task that a word means.

    Raises:
        ConfigError: It means several.
        NoTask: There is none.
    """
    rows = await selected(manager, choices_of([word]))
    if len(rows) != 1:
        problem = f"{word} means {len(rows)} tasks" if rows else "no task is open"
        raise ConfigError("TASK", problem, "name one")
    return rows[0]


async def every_task(
    manager: ManagerClient, state: str = "", q: str = "", numbers: str = ""
) -> AsyncGenerator[Row, None]:
    """Yield tasks, newest first, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        page = await manager.tasks(state, q, PAGE, cursor, numbers)
        for row in page["items"]:
            yield row
        cursor = page["next_cursor"]


async def _rows(
    manager: ManagerClient, choice: Choice, numbered: dict[int, Row], is_meant: Callable[[Row], bool] | None
) -> list[Row]:
    if choice.kind == "id":
        return [await manager.task(choice.text)]
    if choice.kind == "last":
        return list((await manager.tasks(limit=1))["items"])
    if choice.kind == "numbers":
        return [numbered[number] for number in sorted(numbered) if choice.first <= number <= choice.last]
    if is_meant is not None:
        return [row async for row in every_task(manager) if is_meant(row)][::-1]
    states = ("queued", "running", "paused")
    rows = [row for state in states async for row in every_task(manager, state=state)]
    return sorted(rows, key=lambda row: int(row["number"]))


async def _numbered(manager: ManagerClient, choices: Sequence[Choice]) -> dict[int, Row]:
    """Return the tasks whose numbers are asked for."""
    words = list(dict.fromkeys(f"{choice.first}-{choice.last}" for choice in choices if choice.kind == "numbers"))
    found: dict[int, Row] = {}
    for at in range(0, len(words), ASKED):
        async for row in every_task(manager, numbers=",".join(words[at : at + ASKED])):
            found[int(row["number"])] = row
    return found


def title(row: Row) -> str:
    """Return how a task is called in a sentence."""
    return f'task {row["number"]} "{printable(row["name"])}"'


def titles(rows: Sequence[Row], most: int = 10) -> Iterator[str]:
    """Yield how tasks are called in a list: the first few, and how many more there are."""
    yield from (title(row) for row in rows[:most])
    if len(rows) > most:
        yield f"{len(rows) - most} more"
