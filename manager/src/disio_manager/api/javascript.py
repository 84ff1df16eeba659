"""Is this JavaScript at all? The syntax check of work units that are JavaScript.

Rule: it names the first place that does not parse, as ``line:column``; what it cannot judge in time it lets through.
"""

import tree_sitter
import tree_sitter_javascript

MAX_CHECKED_BYTES = 2 << 20
"""Larger sources (bundles made by tools) are not parsed here: it takes 0.2 s a megabyte."""
_LANGUAGE = tree_sitter.Language(tree_sitter_javascript.language())


def syntax_problem(code: bytes) -> str | None:
    """Return what is wrong with an ES module or classic script, or None."""
    if len(code) > MAX_CHECKED_BYTES:
        return None
    root = parsed(code).root_node
    if not root.has_error:
        return None
    node = _first_error(root)
    row, column = node.start_point
    place = f"does not parse as JavaScript: line {row + 1}:{column + 1}"
    if node.is_missing:
        return f"{place}: {node.type!r} is missing"
    near = code[node.start_byte : node.end_byte].split(b"\n", 1)[0][:60].decode(errors="replace")
    return f"{place}: unexpected {near!r}"


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
