"""Payload options made into a payload spec.

Rule: a spec that a manager would refuse is refused here, by the option that says it.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from disio.commands.submit_options import Inputs
from disio.submitting.document import chain_spec, grid_spec, random_spec, range_spec, zip_spec
from disio.submitting.records import STDIN, Format, Records, records_of
from disio_shared.errors import ConfigError, InvalidDocument
from disio_shared.payload_parsing import parse_spec
from disio_shared.taskdoc import MAX_DOCUMENT_BYTES

TOO_MANY = "leave it out, or give it an option"
FORMS = "disio submit --help tells the forms"
ONE_OF = "--range, --grid, --zip, --random, --list, --lines, --ndjson, --csv"
NEVER_OPEN = ("--lines", "--ndjson", "--csv")


@contextlib.contextmanager
def payloads_of(inputs: Inputs, words: list[str]) -> Iterator[Records]:
    """Yield the payloads that options mean, while their file is open.

    Args:
        inputs: The options.
        words: What stands behind the work unit.

    Raises:
        ConfigError: There is not exactly one option, or it makes no sense.
    """
    given = inputs.named()
    if len(given) != 1:
        raise ConfigError("inputs", f"give one of --input, {ONE_OF}")
    (flag,) = given
    if inputs.seed is not None and flag != "--random":
        raise ConfigError("--seed", "goes with --random")
    if flag != "--from" and (inputs.stream or inputs.batch):
        raise ConfigError("--stream" if inputs.stream else "--batch", "goes with --from")
    if words and flag not in ("--grid", "--zip", "--random"):
        raise ConfigError(words[0], "is one word too many", TOO_MANY)
    files: dict[str, tuple[str | None, Format]] = {
        "--lines": (inputs.lines, "lines"),
        "--ndjson": (inputs.ndjson, "ndjson"),
        "--csv": (inputs.csv_name, "csv"),
    }
    if flag in files:
        name, kind = files[flag]
        with records_of(flag, str(name), kind, inputs.spool_limit) as records:
            if records.archived is None:
                _checked(flag, records.spec)
            yield records
        return
    yield Records(_checked(flag, _generated(flag, inputs, words)))


def _generated(flag: str, inputs: Inputs, words: list[str]) -> dict[str, Any]:
    if flag == "--range":
        return range_spec(inputs.range_text or "")
    if flag == "--from":
        return chain_spec(inputs.source or "", inputs.stream, inputs.batch)
    if flag == "--list":
        return {"list": _list(inputs.list_text or "")}
    axes = [word for given in (*inputs.grid, *inputs.zip) for word in given.split()] + words
    if flag == "--random":
        return random_spec(inputs.random_count or 0, inputs.seed or "0", axes)
    return zip_spec(axes) if flag == "--zip" else grid_spec(axes)


def _list(text: str) -> Any:
    """Return a JSON array that stands in the option itself, in a file, or comes through a pipe."""
    try:
        data = text.encode() if text.lstrip().startswith("[") else read_all("--list", text, MAX_DOCUMENT_BYTES)
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigError("--list", f"is no JSON array: {error}") from error
    if not isinstance(value, list):
        raise ConfigError("--list", "is JSON, and no array", "write [1, 2, 3]")
    return value


def read_all(flag: str, name: str, limit: int) -> bytes:
    """Return what a file holds, or what comes through a pipe (``-``).

    Raises:
        ConfigError: It cannot be read, or is too large.
    """
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise ConfigError(flag, f"{name} cannot be read: {problem}", "correct the path") from error
    if len(data) > limit:
        raise ConfigError(flag, f"{name} is over the limit of {limit} bytes", "give its items with --ndjson")
    return data


def _checked(flag: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a payload spec that a manager would take."""
    try:
        parse_spec(spec)
    except InvalidDocument as error:
        raise ConfigError(flag, str(error), FORMS) from error
    return spec
