"""JavaScript without comments and needless spaces.

Rule: what is given parses as the source does, token for token; where that is not so, or cannot be told in time, the
source itself is given.
"""

from collections.abc import Iterator

import rjsmin  # type: ignore[import-untyped]
import tree_sitter

from disio_manager.api.javascript import MAX_CHECKED_BYTES, parsed

_COMMENTS = {"comment", "html_comment"}
_WHOLE = {"string", "template_string", "regex"}
"""Spaces within these mean something."""


def minified(code: bytes) -> bytes:
    """Return a shorter form of a work unit's source, or the source.

    Args:
        code: An ES module or a classic script, in UTF-8.
    """
    if len(code) > MAX_CHECKED_BYTES:
        return code
    try:
        shorter: bytes = rjsmin.jsmin(code.decode()).encode()
    except UnicodeDecodeError:
        return code
    if len(shorter) >= len(code):
        return code
    source, result = parsed(code), parsed(shorter)
    if source.root_node.has_error or result.root_node.has_error:
        return code
    return shorter if _are_equal(_tokens(source), _tokens(result)) else code


def _are_equal(ones: Iterator[tuple[str, bytes]], others: Iterator[tuple[str, bytes]]) -> bool:
    nothing = ("", b"")
    while True:
        one, other = next(ones, nothing), next(others, nothing)
        if one != other:
            return False
        if one == nothing:
            return True


def _tokens(tree: tree_sitter.Tree) -> Iterator[tuple[str, bytes]]:
    """Yield the nodes of a tree from the first to the last, each before those within it, less comments."""
    cursor = tree.walk()
    while True:
        node = cursor.node
        assert node is not None
        is_comment, is_whole = node.type in _COMMENTS, node.type in _WHOLE or node.child_count == 0
        if not is_comment:
            yield node.type, (node.text or b"") if is_whole else b""
        if not (is_comment or is_whole) and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
