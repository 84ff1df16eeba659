"""What ``disio task aggregates`` asks and prints.

Rule: one field a line, its histogram in as many columns as it has bins; whatever is left out is in the JSON.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from disio import shapes
from disio.commands.asking import ask
from disio.locating import Where
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.rest.counted import counted
from disio.selecting import Row, choices_of, selected, title
from disio.showing import columns, printable

HEAD = ("FIELD", "COUNT", "MEAN", "MIN", "MAX", "FROM MIN TO MAX")
WHOLE = "."
"""The result itself, as ``--aggregate`` of submit has it."""
BARS = "▁▂▃▄▅▆▇█"
MAX_BARS = 32
EXACT = 10**15
"""Integers below it are shown with all their digits."""


def show_aggregates(where: Where, words: Sequence[str], top: int) -> int:
    """Print numbers about the results of tasks; return the exit status.

    Args:
        where: The manager, and how it is printed.
        words: Which tasks.
        top: How many of the largest and smallest numbers of a field are shown.

    Raises:
        DisioError: There is no such task, or the manager is away or refuses.
    """
    choices = choices_of(words)

    async def told(manager: ManagerClient) -> list[tuple[Row, dict[str, Any]]]:
        return [(row, await _counted(manager, row["id"])) for row in await selected(manager, choices)]

    found = ask(where, told)
    if not found:
        tell("no task is open")
    for at, (row, answer) in enumerate(found):
        if where.as_json:
            emit(shapes.Aggregates, answer)
        else:
            click.echo("\n".join([*([""] if at else []), *lines(row, answer, top)]))
    return 0


async def _counted(manager: ManagerClient, task: str) -> dict[str, Any]:
    return await counted(lambda: manager.aggregates(task))


def lines(row: Row, answer: dict[str, Any], top: int) -> Iterator[str]:
    """Yield what a person reads of a task's numbers."""
    yield f"{title(row)}: {answer['counted']} of {answer['done']} results counted"
    fields = answer["fields"]
    if not fields:
        yield "  no result has a number so far"
        return
    for line in columns([HEAD, *(_cells(path, field) for path, field in fields.items())]):
        yield f"  {line}"
    for path, field in fields.items():
        for name, some in (("largest", field["top"][:top]), ("smallest", field["bottom"][:top])):
            if some:
                shown = ", ".join(f"{_number(each['value'])} at {each['i']}" for each in some)
                yield f"  {name} {_name(path)}: {shown}"
    if answer["more_fields"]:
        yield '  there are more fields: name those you want, disio task edit --set \'aggregates={"fields":["a.b"]}\''


def _cells(path: str, field: dict[str, Any]) -> tuple[str, ...]:
    histogram = field["histogram"]
    bars = "" if histogram is None else bars_of(histogram["counts"])
    return _name(path), str(field["count"]), *(_number(field[name]) for name in ("mean", "min", "max")), bars


def bars_of(counts: list[int]) -> str:
    """Return counts as bars, neighbours together where there are many; only what is empty has none."""
    together = -(-len(counts) // MAX_BARS)
    heights = [sum(counts[at : at + together]) for at in range(0, len(counts), together)]
    highest = max(heights)
    return "".join(BARS[min(len(BARS) - 1, n * len(BARS) // highest)] if n else " " for n in heights)


def _name(path: str) -> str:
    return printable(path) or WHOLE


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(int(value)) if value == int(value) and abs(value) < EXACT else f"{value:.6g}"
