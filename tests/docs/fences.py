"""The fenced blocks of README.md and docs/*.md.

Behind a fence's language stand words for its rule, which readers of the page do not see: ``sh serves``,
``json answer=/api/me``, ``python payload='{"n": 3}'``, ``bash needs=pyarrow``.

Rule: what looks like a command or a program stands in a fence; a page that hides one elsewhere is told of.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<info>.*)")
ITEM = re.compile(r" *([*+-]|\d+[.)]) ")


@dataclass(frozen=True)
class Fence:
    """One block."""

    page: str
    line: int
    """Of its first mark, from 1."""
    language: str
    words: frozenset[str]
    named: dict[str, str] = field(compare=False)
    text: str

    @property
    def place(self) -> str:
        """Return where it is, for people."""
        return f"{self.page}:{self.line}"

    @property
    def kind(self) -> str:
        """Return what its rule is called: its language and its words."""
        return " ".join([self.language, *sorted(self.words)])


class BadPage(Exception):
    """A page that cannot be read as it is meant."""


def pages() -> list[Path]:
    """Return the README and the pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def fences_of(page: str, text: str) -> list[Fence]:
    """Return the blocks of a page in their order.

    Raises:
        BadPage: A block has no end or no language, or is not fenced but indented.
    """
    found: list[Fence] = []
    lines = text.split("\n")
    at, in_item, is_new = 0, False, True
    while at < len(lines):
        opened = FENCE.fullmatch(lines[at])
        if opened:
            end = _end(page, lines, at, opened["marks"])
            found.append(
                _fence(page, at + 1, opened["info"], [line[len(opened["indent"]) :] for line in lines[at + 1 : end]])
            )
            at, is_new = end + 1, True
            continue
        line = lines[at]
        if line.startswith("    ") and is_new and not in_item:
            raise BadPage(f"{page}:{at + 1}: an indented block; put it into a fence, which has a language")
        if line.strip():
            in_item = bool(ITEM.match(line)) or (in_item and (line.startswith(" ") or not is_new))
        is_new = not line.strip()
        at += 1
    return found


def _end(page: str, lines: list[str], start: int, marks: str) -> int:
    for at in range(start + 1, len(lines)):
        if lines[at].strip() == marks:
            return at
    raise BadPage(f"{page}:{start + 1}: this block has no end")


def _fence(page: str, line: int, info: str, lines: list[str]) -> Fence:
    words = shlex.split(info)
    if not words:
        raise BadPage(f"{page}:{line}: this block has no language")
    named = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    plain = frozenset(word for word in words[1:] if "=" not in word) | named.keys()
    return Fence(page, line, words[0], plain, named, "\n".join(lines) + "\n")
