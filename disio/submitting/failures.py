"""The payloads that failed: named to a person, and to programs in a file.

Rule: each is named with its error texts; the file has all of them, whatever a person is spared.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from disio.showing import printable
from disio.submitting.naming import OWN_PREFIX
from disio.submitting.outputs import CHOOSE_ANOTHER, PARTIAL_PREFIX, OutputProblem

FAILURES_FILE = f"{OWN_PREFIX}failures.ndjson"
MAX_SHOWN, MAX_TEXT = 50, 2_000


class FailureLog:
    """Gathers failed payloads. Use as a context manager: at its end the file is there, or gone if none failed.

    Args:
        folder: Where the file is.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FAILURES_FILE
        self.names: set[str] = set()
        """The inputs that failed."""
        self._partial = folder / f"{PARTIAL_PREFIX}{os.getpid()}-failures"

    def __enter__(self) -> "FailureLog":
        try:
            self._file = self._partial.open("wb")
        except OSError as error:
            raise OutputProblem(self._partial.parent, error, CHOOSE_ANOTHER) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                self._partial.unlink()
            return
        try:
            self._file.close()
            self._partial.replace(self.path)
            if not self.names:
                self.path.unlink()
        except OSError as error:
            raise OutputProblem(self.path, error) from error

    def add(self, task: str, items: list[dict[str, Any]]) -> None:
        """Write failed payloads of a task down.

        Raises:
            OutputProblem: They cannot be written.
        """
        self.names.update(item["name"] for item in items)
        try:
            self._file.write(b"".join(failure_line(task, item) for item in items))
            self._file.flush()
        except OSError as error:
            raise OutputProblem(self.path, error) from error


def failure_line(task: str, item: dict[str, Any]) -> bytes:
    """Return a failed payload as a line of the file."""
    return msgspec.json.encode({"task": task, "i": item["i"], "name": item["name"], "errors": item["errors"]}) + b"\n"


def failure_text(item: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads of a failed payload: its name, and each error text once."""
    name = item.get("name") or f"payload {item['i']}"
    texts = list(dict.fromkeys(error.strip()[:MAX_TEXT] for error in item["errors"])) or ["no error text"]
    for text in texts:
        first, *others = text.splitlines() or ["no error text"]
        yield printable(f"{name}: {first}")
        yield from (f"    {printable(line)}" for line in others)
