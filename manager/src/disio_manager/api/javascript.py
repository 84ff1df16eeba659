"""Is this JavaScript at all? The syntax check of work units that are JavaScript.

Rule: it names the first place that does not parse, as ``line:column``; what it cannot judge in time it lets through.
"""

from typing import NamedTuple

import tree_sitter
import tree_sitter_javascript

MAX_CHECKED_BYTES = 2 << 20
"""Larger sources (bundles made by tools) are not parsed here: it takes 0.2 s a megabyte."""
_LANGUAGE = tree_sitter.Language(tree_sitter_javascript.language())


class Place(NamedTuple):
    """What is wrong, and where; lines and columns are counted from 1, columns in characters."""

    line: int
    column: int
    message: str


def syntax_problem(code: bytes) -> str | None:
    """Return what is wrong with an ES module or classic script, or None."""
    place = problem_place(code) if len(code) <= MAX_CHECKED_BYTES else None
    if place is None:
        return None
    return f"does not parse as JavaScript: line {place.line}:{place.column}: {place.message}"


def problem_place(code: bytes) -> Place | None:
    """Return where an ES module or classic script is wrong first, or None."""
    root = parsed(code).root_node
    if not root.has_error:
        return None
    node = _first_error(root)
    row, column = node.start_point
    line = code.split(b"\n")[row]
    # Columns of the tree count bytes; people's count characters.
    at = len(line[:column].decode(errors="replace"))
    if node.is_missing:
        return Place(row + 1, at + 1, f"{node.type!r} is missing")
    near = code[node.start_byte : node.end_byte].split(b"\n", 1)[0][:60].decode(errors="replace")
    return Place(row + 1, at + 1, f"unexpected {near!r}")


def parsed(code: bytes) -> tree_sitter.Tree:
    """Return the syntax tree of a source; it has errors where that is wrong."""
    return tree_sitter.Parser(_LANGUAGE).parse(code)


def _first_error(root: tree_sitter.Node) -> tree_sitter.Node:
    """Go down to the first node that is itself wrong."""
    node = root
    while not (node.is_missing or (node.is_error and not any(child.has_error for child in node.children))):
        broken = next((child for child in node.children if child.has_error), None)
        if broken is None:
            return node
        node = broken
    return node
