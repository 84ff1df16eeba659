"""What a case of the hostile suite is: one work unit that tries to get out, in one language, for one or both clients.

Rule: a case is data. Whether it got out is seen from outside, by canaries and by the answers of its neighbours; what it
says of itself is looked at as well, but never believed.
"""

from dataclasses import dataclass
from typing import Literal

Client = Literal["browser", "cli"]
BOTH: tuple[Client, ...] = ("browser", "cli")


@dataclass(frozen=True)
class Case:
    """One escape that is tried."""

    name: str
    language: str
    code: str | bytes
    """Answers an honest payload ``{"n": 7}`` with ``15`` (2n + 1), and tries to get out on a payload with ``evil``."""
    clients: tuple[Client, ...] = BOTH
    harmless: frozenset[str] = frozenset()
    """Attempts that may say GOT: what they got is in the realm anyway."""
    timeout_s: float = 4.0
    spoils_its_realm: bool = False
    """Units of its own task that come next in the same realm may run out of time; whatever comes after is right."""
    is_text: bool = False
    """The payload and the answers are text, as WebAssembly units see them."""

    def __str__(self) -> str:
        return f"{self.language}-{self.name}"


def of_client(cases: list[Case], client: Client) -> list[Case]:
    """Return the cases that apply to a client; their names are unique."""
    assert len({str(case) for case in cases}) == len(cases), "two cases have one name"
    return [case for case in cases if client in case.clients]
