"""Names of inputs and of the outputs they get.

Rule: an output is called as its input is, with the suffix behind it, and no two outputs stand in each other's way.
"""

import unicodedata
from collections.abc import Iterable, Iterator

from disio.showing import printable

OWN_PREFIX = ".disio-"
"""How everything begins that disio itself keeps in an output directory; hidden, so never an input."""
MAX_SHOWN = 10


def output_name(name: str, suffix: str) -> str:
    """Return what the output of an input is called."""
    return name + suffix


def is_hidden(name: str) -> bool:
    """Tell whether a file or a directory is one that people do not see."""
    return name.startswith(".")


def is_text(name: str) -> bool:
    """Tell whether a name can be written in UTF-8; file systems know others too."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def blocked_outputs(names: Iterable[str], suffix: str) -> list[str]:
    """Return outputs that would have to be a file and a directory at once.

    Without a suffix there are none, since the inputs are on a disk already; with one, ``a`` and ``a.out/b`` are such.
    """
    outputs = {output_name(name, suffix) for name in names}
    folders = {folder for output in outputs for folder in _folders(output)}
    return sorted(outputs & folders)


def clashing_names(names: Iterable[str]) -> list[str]:
    """Return names of which there are others that differ in case, or in how accents are written, alone."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(unicodedata.normalize("NFC", name).casefold(), []).append(name)
    return sorted(name for group in alike.values() if len(group) > 1 for name in group)


def _folders(name: str) -> Iterator[str]:
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def some_of(names: list[str]) -> str:
    """Return names for a message: the first few, and how many more there are."""
    shown = ", ".join(map(printable, names[:MAX_SHOWN]))
    more = len(names) - MAX_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
