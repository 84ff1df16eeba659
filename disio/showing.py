"""Text that others made, on its way to a terminal.

Rule: what a person reads holds characters that can be shown and nothing else: no line breaks, no orders to a terminal.
"""

from collections.abc import Iterator, Sequence

GAP = "  "


def printable(text: str) -> str:
    """Return a text in one line, with escapes in place of what cannot be shown; tabs are spaces."""
    return "".join(char if char.isprintable() else " " if char == "\t" else repr(char)[1:-1] for char in text)


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, its head the first row; nothing is cut off, the last column is as long as it is."""
    from rich.cells import cell_len

    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        yield GAP.join(cells).rstrip()


def ago(seconds: float) -> str:
    """Return how long ago something was, as people say it: ``5s``, ``3m``, ``2h``, ``4d``."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"
