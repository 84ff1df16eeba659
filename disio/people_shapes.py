"""The shapes of what commands about people print with ``--json``.

Rule: as in ``disio.shapes``, where commands find them.
"""

from typing import Literal

from disio.machine_shapes import Shape

Role = Literal["viewer", "researcher", "operator", "admin"]


class User(Shape):
    """A user. Times are seconds since 1970-01-01 UTC."""

    name: str
    role: Role
    disabled: bool
    created_at: float


class Users(Shape):
    """``disio user list``."""

    items: list[User]
    total: int


class RemovedUser(Shape):
    """``disio user remove``."""

    name: str
    removed: Literal[True]


class ApiToken(Shape):
    """An API token, without its secret."""

    id: str
    label: str
    owner: str
    role: Role
    created_at: float
    expires_at: float
    used_at: float


class MadeToken(ApiToken):
    """``disio token create``."""

    secret: str
    """Shown this once."""


class ApiTokens(Shape):
    """``disio token list``."""

    items: list[ApiToken]
    total: int


class RevokedToken(Shape):
    """``disio token revoke``."""

    id: str
    revoked: Literal[True]


class Who(Shape):
    """``disio whoami`` and ``disio login``."""

    manager: str
    name: str
    role: Role
    how: Literal["machine", "session", "token"]


class SignedOut(Shape):
    """``disio logout``."""

    manager: str
    signed_out: bool
    """False: nobody was signed in there."""
