"""Results as rows of a table.

Rule: nothing of a result is left out: an object becomes one column for each of its fields, one level deep, and what
finds no column of its own stands as JSON text in the column ``more``.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from disio.rest import ResultLine

MORE = "more"
MAX_COLUMNS = 500
Cell = Any
"""None, a boolean, an integer, a float, a text, or bytes."""


class Columns:
    """The columns of a table, in the order in which they were met.

    Args:
        names: Those that are known.
        most: Columns at most; what comes after them goes into ``more``.
    """

    def __init__(self, names: list[str] | None = None, most: int = MAX_COLUMNS) -> None:
        self.names: list[str] = list(names or [])
        self._most, self._known = most, set(self.names)

    def row(self, found: ResultLine) -> dict[str, Cell]:
        """Return a result's cells by column; columns that are new are noted."""
        cells: dict[str, Cell] = {"i": found.i}
        if found.name:
            cells["name"] = found.name
        cells.update(_parts("payload", found.payload))
        cells.update(_parts("result", found.result))
        cells.update(client=found.client, seconds=found.seconds)
        spare = {name: cells.pop(name) for name in list(cells) if not self._has(name)}
        if spare:
            self._has(MORE, is_needed=True)
            cells[MORE] = _text(spare)
        return cells

    def more(self) -> None:
        """Have a column for what finds none of its own later."""
        self._has(MORE, is_needed=True)

    def freeze(self) -> None:
        """Take no further columns but ``more``."""
        self._most = 0

    def _has(self, name: str, is_needed: bool = False) -> bool:
        if name in self._known:
            return True
        if not is_needed and len(self.names) >= self._most:
            return False
        self._known.add(name)
        self.names.append(name)
        return True


def _parts(name: str, raw: msgspec.Raw) -> Mapping[str, Cell]:
    value = msgspec.json.decode(raw)
    if isinstance(value, dict) and value and value.keys() != {"$base64"}:
        return {f"{name}.{key}": cell_of(part) for key, part in value.items()}
    return {name: cell_of(value)}


def cell_of(value: Any) -> Cell:
    """Return a JSON value as a cell: bytes as they are, lists and objects as JSON text."""
    if isinstance(value, dict) and value.keys() == {"$base64"}:
        return base64.b64decode(value["$base64"])
    return _text(value) if isinstance(value, dict | list) else value


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
