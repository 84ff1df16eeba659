"""What calls about people take and answer.

Rule: no answer holds a hash; a secret is in the one answer that makes it, and in no other.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from disio_manager.api.answers import Shape
from disio_manager.people.names import MAX_PASSWORD, MIN_PASSWORD, NAME_PATTERN
from disio_manager.people.roles import How, Role
from disio_manager.stores.audit import Outcome

Password = Annotated[str, Meta(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]
GivenPassword = Annotated[str, Meta(max_length=1_000, description="As it was typed")]
UserName = Annotated[str, Meta(pattern=NAME_PATTERN, max_length=32)]
MAX_DAYS = 3_660.0


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of bodies."""


class Login(Body, kw_only=True, frozen=True):
    """Who signs in."""

    name: Annotated[str, Meta(max_length=200)]
    password: GivenPassword


class SignedIn(Shape, kw_only=True, frozen=True):
    """A session that has begun."""

    secret: str
    """To be sent as ``Authorization: Bearer SECRET``."""
    id: str
    name: str
    role: Role
    expires_at: float
    """At the latest; it is over earlier when it lies idle for ``idle_s``."""
    idle_s: float


class Me(Shape, kw_only=True, frozen=True):
    """Who asks, and of whom."""

    name: str
    """A user, ``machine`` (the token of ``admin.token``), or ``token:ID``."""
    role: Role
    how: How
    session: str
    """Id of the session or API token, or empty."""
    cluster: str


class About(Shape, kw_only=True, frozen=True):
    """A manager: what runs, and where its data lies."""

    software: str
    protocol: int
    database: str
    """Without a password."""
    data_dir: str
    cluster: str


class OwnPassword(Body, kw_only=True, frozen=True):
    """A new password for who calls."""

    old_password: GivenPassword
    new_password: Password


class User(Shape, kw_only=True, frozen=True):
    """A user."""

    name: str
    role: Role
    disabled: bool
    created_at: float


class UserList(Shape, kw_only=True, frozen=True):
    """Every user, by name."""

    items: list[User]
    next_cursor: str | None
    total: int


class NewUser(Body, kw_only=True, frozen=True):
    """A user to be made."""

    name: UserName
    role: Role = "viewer"
    password: Password


class UserChange(Body, kw_only=True, frozen=True):
    """What is to be changed of a user."""

    role: Role | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class ApiToken(Shape, kw_only=True, frozen=True):
    """An API token, without its secret."""

    id: str
    label: str
    owner: str
    """A user; empty: it belongs to nobody."""
    role: Role
    created_at: float
    expires_at: float
    used_at: float
    """To within five minutes."""


class ApiTokenList(Shape, kw_only=True, frozen=True):
    """API tokens, the newest first."""

    items: list[ApiToken]
    next_cursor: str | None
    total: int


class MadeToken(ApiToken, kw_only=True, frozen=True):
    """A new API token."""

    secret: str
    """Shown this once."""


class NewToken(Body, kw_only=True, frozen=True):
    """An API token to be made."""

    label: Annotated[str, Meta(min_length=1, max_length=100, description="What it is for")]
    role: Role = "viewer"
    days: Annotated[float, Meta(gt=0, le=MAX_DAYS, description="After which it is worth nothing")] = 90.0


class Session(Shape, kw_only=True, frozen=True):
    """Somebody who signed in."""

    id: str
    name: str
    address: str
    program: str
    created_at: float
    used_at: float
    """To within five minutes."""
    expires_at: float
    """If it is not used any more."""
    this: bool
    """It is the one that asks."""


class SessionList(Shape, kw_only=True, frozen=True):
    """Sessions, the newest first."""

    items: list[Session]
    next_cursor: str | None
    total: int


class Ended(Shape, kw_only=True, frozen=True):
    """Sessions that were ended."""

    ended: int


class Deed(Shape, kw_only=True, frozen=True):
    """Something that somebody did, or was refused."""

    id: str
    at: float
    who: str
    """A user, ``machine``, ``system``, ``token:ID``, or empty: nobody knows."""
    address: str
    verb: str
    """The name of the call in OpenAPI, or of what the manager did by itself."""
    kind: str
    """What it was done to; ``subject`` is its id."""
    subject: str
    outcome: Outcome
    detail: str
    times: int
    """How often within a short time."""


class DeedList(Shape, kw_only=True, frozen=True):
    """Deeds, the newest first."""

    items: list[Deed]
    next_cursor: str | None
    total: int


AuditFormat = Literal["json", "ndjson"]
