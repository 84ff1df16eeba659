"""What ``disio payloads preview`` prints.

Rule: a file is read through once, however large it is, and only what is shown is kept.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from typing import IO, Any

import click
import msgspec

from disio import shapes
from disio.commands.submit_inputs import payloads_of
from disio.commands.submit_options import Inputs
from disio.printing import emit, tell
from disio.showing import printable
from disio.submitting.records import Records, record_values
from disio_shared import payloads
from disio_shared.payload_parsing import parse_spec
from disio_shared.values import as_json

FIRST, LAST = 20, 3
MAX_SHOWN = 2_000
"""Characters of a payload that a line shows."""


class Seen(msgspec.Struct):
    """A few of many payloads."""

    count: int
    first: list[Any]
    last: list[Any]
    """Empty when all of them are the first ones."""


def show_preview(inputs: Inputs, as_json: bool) -> int:
    """Print it; return the exit status.

    Raises:
        ConfigError: The options make no sense.
    """
    with payloads_of(inputs, list(inputs.words)) as records:
        seen = _read(records) if records.file is not None else _generated(records.spec)
    if as_json:
        emit(shapes.Preview, seen)
        return 0
    for at, value in enumerate(seen.first):
        click.echo(_line(at, value))
    for at, value in enumerate(seen.last, seen.count - len(seen.last)):
        click.echo(_line(at, value))
    left_out = seen.count - len(seen.first) - len(seen.last)
    tell(f"{seen.count} payloads" + (f", {left_out} of them not shown" if left_out else ""))
    return 0


def _generated(document: dict[str, Any]) -> Seen:
    spec = parse_spec(document)
    count = payloads.count(spec)
    first = range(min(count, FIRST))
    last = range(max(len(first), count - LAST), count)
    shown = [[as_json(payloads.payload_at(spec, at)) for at in indexes] for indexes in (first, last)]
    return Seen(count, *shown)


def _read(records: Records) -> Seen:
    file: IO[bytes] | None = records.file
    assert file is not None, "only large inputs have one"
    file.seek(0)
    values: Iterator[Any] = record_values(records.spec, file)
    first = list(itertools.islice(values, FIRST))
    last: deque[Any] = deque(maxlen=LAST)
    count = len(first)
    for value in values:
        last.append(value)
        count += 1
    return Seen(count, first, list(last))


def _line(at: int, value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return f"#{at}  {printable(text[:MAX_SHOWN])}" + ("..." if len(text) > MAX_SHOWN else "")
