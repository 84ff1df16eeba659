"""What admins do with users, and people with their API tokens and sessions.

Rule: whoever changes a user ends that user's sessions; nobody gets a token that may more than they may themselves.
"""

import msgspec

from disio_manager.people.names import name_problem
from disio_manager.people.roles import Caller, Forbidden, Role
from disio_manager.people.signing import Given, People, check_password
from disio_manager.stores.people import MAX_PEOPLE, MAX_TOKENS, Pass, PassKind, Person
from disio_shared.errors import ConflictError, FieldProblem, InvalidDocument, NotFoundError, RefusedError
from disio_shared.ids import fresh_id

DAY_S = 86_400.0


class UserNotFound(NotFoundError):
    """No such user."""

    kind = "user"


class PassNotFound(NotFoundError):
    """No such session or API token, or it is somebody else's."""

    kind = "session or token"


class NameTaken(ConflictError):
    """A user is called so already."""

    code = "name-taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a user {name} already")


class TooMany(ConflictError):
    """No more of these are kept."""

    code = "too-many"


async def make_user(people: People, name: str, role: Role, password: str) -> Person:
    """Return a new user.

    Raises:
        InvalidDocument: Name or password cannot be one.
        NameTaken, TooMany: There is one, or there are too many.
    """
    problem = name_problem(name)
    if problem is not None:
        raise InvalidDocument([FieldProblem("name", problem)])
    check_password(password, name)
    if await people.store.person(name) is not None:
        raise NameTaken(name)
    if len(await people.store.people()) >= MAX_PEOPLE:
        raise TooMany(f"there are {MAX_PEOPLE} users already, which is the most")
    made = Person(
        id=fresh_id(),
        name=name,
        role=role,
        hash=await people.hasher.hash(password),
        created_at=people.clock.wall(),
    )
    if not await people.store.add(made):
        raise NameTaken(name)
    return made


async def find_user(people: People, name: str) -> Person:
    """Return a user.

    Raises:
        UserNotFound: There is none.
    """
    found = await people.store.person(name)
    if found is None:
        raise UserNotFound(name)
    return found


async def change_user(
    people: People, name: str, role: Role | None, is_disabled: bool | None, password: str | None
) -> Person:
    """Change a user, whose sessions end by that; what is None stays.

    Raises:
        UserNotFound, InvalidDocument, LastAdmin: There is none, the password cannot be one, no admin would be left.
        ConflictError: Somebody else changed the user at this moment.
    """
    person = await find_user(people, name)
    if password is not None:
        check_password(password, name)
    changed = msgspec.structs.replace(
        person,
        role=person.role if role is None else role,
        disabled=person.disabled if is_disabled is None else is_disabled,
        hash=person.hash if password is None else await people.hasher.hash(password),
    )
    if changed == person:
        return person
    changed = msgspec.structs.replace(changed, epoch=person.epoch + 1)
    if not await people.store.change(changed, person.epoch):
        raise ConflictError(f"user {name} was changed by somebody else at this moment: look again")
    await people.store.end_sessions(person.id)
    people.forget()
    return changed


async def remove_user(people: People, name: str) -> None:
    """Remove a user with sessions and API tokens.

    Raises:
        UserNotFound, LastAdmin: There is none, or no admin would be left.
    """
    if not await people.store.remove(await find_user(people, name)):
        raise UserNotFound(name)
    people.forget()


async def make_token(people: People, caller: Caller, label: str, role: Role, days: float, address: str) -> Given:
    """Return a new API token: the caller's own, or of the machine's token one that belongs to nobody.

    Raises:
        Forbidden: It would be allowed more than the caller is.
        RefusedError: The caller is an API token: one that expires must not be able to live on in another.
        TooMany: There are too many.
    """
    if caller.how == "token":
        raise RefusedError("an API token makes no other ones: sign in")
    if not caller.may(role):
        raise Forbidden(f"a token with the role {role}", role, caller.role)
    if len(await people.store.passes("token")) >= MAX_TOKENS:
        raise TooMany(f"there are {MAX_TOKENS} API tokens already, which is the most: revoke some")
    now = people.clock.wall()
    made = people.fresh(
        Pass(
            id=fresh_id(),
            hash="",
            kind="token",
            owner=caller.person,
            owner_name=caller.name if caller.person else "",
            role=role,
            label=label,
            address=address,
            created_at=now,
            expires_at=now + days * DAY_S,
            used_at=now,
        )
    )
    await people.store.add_pass(made.kept)
    people.forget()
    return made


async def passes_of(people: People, caller: Caller, kind: PassKind, *, of_all: bool) -> list[Pass]:
    """Return the caller's own sessions or API tokens, or those of all.

    Raises:
        Forbidden: Those of all are for admins.
    """
    if of_all and not caller.may("admin"):
        raise Forbidden(f"to see the {kind}s of others", "admin", caller.role)
    return await people.store.passes(kind, None if of_all else caller.person)


async def end_pass(people: People, caller: Caller, kind: PassKind, pass_id: str) -> None:
    """End a session or an API token: one's own; an admin everybody's.

    Raises:
        PassNotFound: There is none, or the caller may not end it.
    """
    owner = None if caller.may("admin") else caller.person
    own = await people.store.passes(kind, owner) if owner != "" else []
    if all(each.id != pass_id for each in own) or not await people.store.end_pass(kind, pass_id):
        raise PassNotFound(pass_id)
    people.forget()
