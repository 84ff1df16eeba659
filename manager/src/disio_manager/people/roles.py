"""Roles and who calls.

Rule: roles are a line: each may what the ones before it may.
"""

from dataclasses import dataclass
from typing import Literal

from disio_shared.errors import RefusedError

Role = Literal["viewer", "researcher", "operator", "admin"]
"""Look; work on tasks; work on the fleet; do everything."""
ROLES: tuple[Role, ...] = ("viewer", "researcher", "operator", "admin")
How = Literal["machine", "session", "token"]
MACHINE, SYSTEM = "machine", "system"
"""Who did something that no user did: the holder of ``admin.token``, or the manager by itself."""


class Forbidden(RefusedError):
    """Who calls is known, and may not do this."""

    code = "forbidden"

    def __init__(self, what: str, needed: Role, role: Role) -> None:
        self.needed = needed
        super().__init__(f"{what} needs the role {needed}, yours is {role}: ask an admin")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    name: str
    """A user's name, ``machine``, or ``token:ID`` for an API token that belongs to nobody."""
    role: Role
    how: How
    person: str = ""
    """Id of the user, or empty."""
    pass_id: str = ""
    """Id of the session or API token, or empty."""

    def may(self, role: Role) -> bool:
        """Tell whether this caller has a role, or a higher one."""
        return rank(self.role) >= rank(role)

    @property
    def owns(self) -> str:
        """Return what is written on the tasks this caller creates: nothing for the machine's own token."""
        return "" if self.how == "machine" else self.name


def rank(role: Role) -> int:
    """Return a role's place in the line, from 0."""
    return ROLES.index(role)


def lower(one: Role, other: Role) -> Role:
    """Return the one of two roles that may less."""
    return min(one, other, key=rank)


def check_owner(what: str, owner: str, caller: Caller) -> None:
    """Refuse who may change their own tasks alone, of a task with this owner.

    Raises:
        Forbidden: It is somebody else's, or nobody's.
    """
    if caller.may("operator") or (owner and owner == caller.owns):
        return
    whose = f"of {owner}" if owner else "that belongs to nobody"
    raise Forbidden(f"{what} on a task {whose}", "operator", caller.role)
