"""The names that a definition takes from outside of itself.

Rule: pure; found by Python's own symbol tables, so what is local is local for the same reasons as when it runs.
"""

import ast
import symtable
from typing import NamedTuple


class FreeNames(NamedTuple):
    """Names of one definition."""

    needed: list[str]
    """Read while it is defined or when it is called, in the order in which they come."""
    written: list[str]
    """Global names that it writes."""
    is_recursive: bool
    """It reads its own name."""


def free_names(definition: ast.stmt) -> FreeNames:
    """Return the names that a function or class needs; annotations are not evaluated and need none.

    Raises:
        SyntaxError: It writes variables of a function around it.
    """
    bare = _Bare().visit(ast.parse(ast.unparse(definition)))
    top = symtable.symtable(ast.unparse(bare), "definition", "exec")
    needed: dict[str, None] = {}
    written: dict[str, None] = {}
    _gather(top, needed, written)
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_namespace()}
    return FreeNames([name for name in needed if name not in own], list(written), not own.isdisjoint(needed))


def chains(definition: ast.stmt) -> list[list[str]]:
    """Return what is written as ``a.b.c`` in a definition, as its parts."""
    found = []
    for node in ast.walk(definition):
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name):
            found.append([node.id, *reversed(parts)])
    return found


def _gather(table: symtable.SymbolTable, needed: dict[str, None], written: dict[str, None]) -> None:
    is_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        name = symbol.get_name()
        if not is_top and symbol.is_declared_global() and symbol.is_assigned():
            written[name] = None
        elif symbol.is_referenced() and (symbol.is_global() or (is_top and not symbol.is_assigned())):
            needed[name] = None
    for child in table.get_children():
        _gather(child, needed, written)


class _Bare(ast.NodeTransformer):
    """Takes annotations away, which are text only where they are sent to."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Return an argument without its type."""
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Return a function without the type of its result."""
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Return a function without the type of its result."""
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Return the assignment alone; a name that is only declared stays one of its place."""
        value = node.value or ast.Constant(value=None)
        return self.generic_visit(ast.copy_location(ast.Assign(targets=[node.target], value=value), node))
