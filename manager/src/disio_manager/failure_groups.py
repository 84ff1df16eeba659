"""Failures by what they say: one group for all that differ in numbers, names of files and quoted values alone.

Rule: pure, and folding a text that was folded changes nothing. Every failure is counted; which groups are kept, when
there are too many, does not depend on how often somebody asks.
"""

import re
from hashlib import blake2b

import msgspec

MAX_GROUPS = 500
"""Kept of one task; failures of further ones are counted together."""
MAX_TEXT = 300
"""Characters of a message that tell groups apart."""
MAX_READ = 2_000
MAX_EXAMPLE = 1_000
SAMPLE = 10
_FOLDS = {
    "colour": r"\x1b\[[0-9;]*[A-Za-z]",
    "text": r"\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`|“[^”\n]*”",
    "url": r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s)\]>,;]+",
    "path": r"(?<![\w/.])(?:[A-Za-z]:)?(?:[\\/][\w.+@~-]+){2,}",
    "hex": r"\b(?:0[xX][0-9a-fA-F]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{12,})\b",
    "n": r"(?<![\w‹])[-+]?\d[\d_]*(?:[.,]\d+)*(?:[eE][-+]?\d+)?",
}
"""What differs from payload to payload, the first that fits at a place."""
_FOLD = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _FOLDS.items()))
_KIND = re.compile(r"^(?:Uncaught )?([A-Za-z_.]*(?:Error|Exception|Warning|Interrupt|Exit))\b")


def folded(text: str) -> str:
    """Return a message with what differs from payload to payload replaced by what it is."""
    line = next((line for line in text[:MAX_READ].splitlines() if line.strip()), "")
    before = ""
    while line != before:  # a fold may leave what another one folds; each leaves less that can be
        before, line = line, " ".join(_FOLD.sub(_named, line).split())[:MAX_TEXT].rstrip()
    return line


def _named(found: re.Match[str]) -> str:
    return "" if found.lastgroup == "colour" else f"‹{found.lastgroup}›"


def key_of(message: str) -> str:
    """Return the name of a group."""
    return blake2b(message.encode(errors="replace"), digest_size=8).hexdigest()


def message_of(errors: list[str]) -> str:
    """Return what groups a payload: how its last try ended."""
    return folded(errors[-1]) if errors else ""


def kind_of(message: str) -> str:
    """Return the class of error that a message begins with, or nothing."""
    found = _KIND.match(message)
    return found[1] if found else ""


class Group(msgspec.Struct, kw_only=True):
    """Payloads that failed alike."""

    key: str
    message: str
    """Folded."""
    kind: str
    """The class of error it begins with, if it does."""
    count: int = 0
    example: str = ""
    """As one of them said it."""
    sample: list[int] = []
    """The first payloads of it, by index."""
    last: int = 0
    """The last payload of it."""
    first_at: float = 0.0
    """When the first of them failed for good, seconds since 1970."""
    last_at: float = 0.0


class Groups(msgspec.Struct):
    """What was counted."""

    counted: int = 0
    groups: dict[str, Group] = {}
    others: int = 0
    """Failures of groups that are not kept."""

    def add(self, index: int, errors: list[str], at: float = 0.0) -> None:
        """Count a failed payload; they come in the order of their indexes."""
        message = message_of(errors)
        key = key_of(message)
        self.counted += 1
        group = self.groups.get(key)
        if group is None:
            if len(self.groups) >= MAX_GROUPS:
                self.others += 1
                return
            example = errors[-1][:MAX_EXAMPLE] if errors else ""
            group = self.groups[key] = Group(
                key=key, message=message, kind=kind_of(message), example=example, first_at=at
            )
        group.count += 1
        group.last = index
        group.first_at, group.last_at = min(group.first_at, at), max(group.last_at, at)
        if len(group.sample) < SAMPLE:
            group.sample.append(index)

    def largest(self) -> list[Group]:
        """Return the groups, the largest first."""
        return sorted(self.groups.values(), key=lambda group: (-group.count, group.sample[0]))
