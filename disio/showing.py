"""Text that others made, on its way to a terminal.

Rule: what a person reads holds characters that can be shown and nothing else: no line breaks, no orders to a terminal.
"""


def printable(text: str) -> str:
    """Return a text in one line, with escapes in place of what cannot be shown; tabs are spaces."""
    return "".join(char if char.isprintable() else " " if char == "\t" else repr(char)[1:-1] for char in text)
