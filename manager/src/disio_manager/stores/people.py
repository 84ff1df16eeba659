"""Users, and the passes by which they and programs call: sessions and API tokens.

Rule: a pass is kept by the SHA-256 of its secret, which is random; one that is ended is gone, the audit remembers it.
"""

from typing import Literal, Protocol

import msgspec

from disio_manager.people.roles import Role
from disio_shared.errors import ConflictError

MAX_PEOPLE = 1_000
MAX_TOKENS = 1_000
"""API tokens of all together."""
MAX_SESSIONS = 50
"""Of one user; the one used longest ago makes room."""
PassKind = Literal["session", "token"]


class LastAdmin(ConflictError):
    """Without this user no admin would be left."""

    code = "last-admin"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is the last admin: make another one first")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A user."""

    id: str
    """Stays this user's own: a name may be given to somebody else once it is free."""
    name: str
    role: Role
    hash: str
    """Of the password, argon2id in the PHC format."""
    created_at: float
    disabled: bool = False
    epoch: int = 0
    """Grows when password, role or ``disabled`` change; sessions of an earlier one are over."""

    @property
    def is_admin(self) -> bool:
        """Tell whether this user can act as admin."""
        return self.role == "admin" and not self.disabled


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """A session or an API token. Times in seconds since 1970."""

    id: str
    hash: str
    """SHA-256 of the secret, hexadecimal."""
    kind: PassKind
    owner: str = ""
    """Id of the user; empty: an API token that belongs to nobody."""
    owner_name: str = ""
    role: Role
    """Of an API token: it may this at most, and never more than its owner. Of a session: what the user had then."""
    label: str = ""
    """What it is for; of a session, the program that signed in."""
    address: str = ""
    """From where it was made."""
    created_at: float
    expires_at: float
    """At the latest."""
    used_at: float
    """Roughly."""
    epoch: int = 0
    """Of the user, when the session began."""


class PeopleStore(Protocol):
    """Keeps users and passes; each call is atomic but where it says otherwise."""

    async def add(self, person: Person) -> bool:
        """Keep a new user; False when the name is taken."""
        ...

    async def person(self, name: str) -> Person | None:
        """Return a user by name."""
        ...

    async def person_by_id(self, person: str) -> Person | None:
        """Return a user by id."""
        ...

    async def people(self) -> list[Person]:
        """Return all users by name, ``MAX_PEOPLE`` at most."""
        ...

    async def change(self, person: Person, epoch: int) -> bool:
        """Write a user anew who was at ``epoch``; False when that is not so by now.

        Raises:
            LastAdmin: No admin would be left; nothing is changed.
        """
        ...

    async def remove(self, person: Person) -> bool:
        """Remove a user with all passes; False when there is none.

        Raises:
            LastAdmin: No admin would be left; nothing is changed.
        """
        ...

    async def add_pass(self, given: Pass) -> None:
        """Keep a new pass."""
        ...

    async def pass_of(self, secret_hash: str) -> Pass | None:
        """Return the pass of a secret."""
        ...

    async def passes(self, kind: PassKind, owner: str | None = None) -> list[Pass]:
        """Return passes, the newest first: all of a kind, or those of one user; two thousand at most."""
        ...

    async def end_pass(self, kind: PassKind, pass_id: str) -> bool:
        """Remove a pass; False when there is none."""
        ...

    async def end_sessions(self, owner: str, but: str = "") -> int:
        """Remove the sessions of a user, ``but`` one perhaps; return how many."""
        ...

    async def use_pass(self, pass_id: str, at: float, epoch: int) -> None:
        """Note that a pass was used, and of which epoch it is."""
        ...

    async def drop_passes(self, now: float, idle_before: float) -> int:
        """Remove passes that expired, and sessions not used since ``idle_before``; return how many."""
        ...


class HasPeople(Protocol):
    """A store that keeps people."""

    @property
    def people(self) -> PeopleStore:
        """Where they are."""
        ...
