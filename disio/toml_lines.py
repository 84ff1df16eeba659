"""One line of a TOML file changed, the rest left as it is.

Rule: only plain files are understood, one setting a line; whoever calls checks what came out.
"""

import re
from typing import Any

import msgspec


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it: JSON's way, for booleans, numbers, texts and lists of them."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")  # which JSON lets stand


def with_line(text: str, table: str, name: str, value: str) -> str:
    """Return a file's text with a setting in a table: in place of the one that is there, or behind the table's head."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    head = _find(lines, rf"\[\s*{re.escape(table)}\s*\]", 0, len(lines))
    line = f"{name} = {value}\n"
    if head is None:
        return "".join([*lines, *(["\n"] if lines else []), f"[{table}]\n", line])
    next_head = _find(lines, r"\[", head + 1, len(lines))
    end = len(lines) if next_head is None else next_head
    at = _find(lines, rf"{re.escape(name)}\s*=", head + 1, end)
    if at is None:
        lines.insert(head + 1, line)
    else:
        comment = re.search(r"\s+#[^\"']*$", lines[at])
        lines[at] = line[:-1] + (comment.group().rstrip() if comment else "") + "\n"
    return "".join(lines)


def _find(lines: list[str], pattern: str, start: int, stop: int) -> int | None:
    """Return the first line that begins with a pattern."""
    return next((at for at in range(start, stop) if re.match(rf"\s*{pattern}", lines[at])), None)
