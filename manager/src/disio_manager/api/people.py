"""Signing in and out, one's own password, and users.

Rule: whether a name is known shows in no answer to somebody who has not signed in.
"""

from typing import TypeVar

from aiohttp import web
from msgspec import UNSET, UnsetType

from disio_manager.api.answers import json_answer
from disio_manager.api.calling import DETAIL, address_of, caller_of, program_of
from disio_manager.api.context import context_of
from disio_manager.api.people_shapes import About, Login, Me, NewUser, OwnPassword, SignedIn, User, UserChange, UserList
from disio_manager.people import managing
from disio_manager.people.gate import Gate
from disio_manager.people.signing import IDLE_S, TooManyTries, WrongPassword
from disio_manager.stores.people import Person
from disio_shared import __version__
from disio_shared.errors import ConflictError, FieldProblem, InvalidDocument, RefusedError
from disio_shared.messages import PROTOCOL_VERSION

ValueT = TypeVar("ValueT")


async def login(request: web.Request, given: Login) -> web.Response:
    """``POST /api/login``."""
    gate, address = context_of(request).gate, address_of(request)
    name = given.name.strip().lower()
    try:
        person, made = await gate.people.sign_in(name, given.password, address, program_of(request))
    except (WrongPassword, TooManyTries) as error:
        await _note_failure(gate, name, address, error)
        raise
    gate.audit.note(person.name, "login", address=address, kind="user", subject=person.name)
    kept = made.kept
    return json_answer(
        SignedIn(
            secret=made.secret,
            id=kept.id,
            name=person.name,
            role=person.role,
            expires_at=kept.expires_at,
            idle_s=IDLE_S,
        )
    )


async def _note_failure(gate: Gate, name: str, address: str, error: Exception) -> None:
    """Put a failed sign-in into the audit; a name nobody has is left out: it may be a password in the wrong field."""
    known = await gate.people.store.person(name) is not None
    told = "too many tries" if isinstance(error, TooManyTries) else "wrong password" if known else "unknown name"
    subject = name if known else ""
    gate.audit.note(
        "", "login", address=address, kind="user", subject=subject, outcome="failed", detail=told, is_quiet=True
    )


async def logout(request: web.Request) -> web.Response:
    """``POST /api/logout``: ends the session that calls.

    Raises:
        RefusedError: It is none.
    """
    caller, people = caller_of(request), context_of(request).gate.people
    if caller.how != "session":
        raise RefusedError("this is no session: a token is revoked, not signed out")
    await people.store.end_pass("session", caller.pass_id)
    people.forget()
    return web.Response(status=204)


async def get_me(request: web.Request) -> web.Response:
    """``GET /api/me``: who asks, and the cluster that owners of clients trust, or not, with native Python."""
    return json_answer(_me(request))


async def get_about(request: web.Request) -> web.Response:
    """``GET /api/about``."""
    context = context_of(request)
    place = context.gate.place
    return json_answer(
        About(
            software=__version__,
            protocol=PROTOCOL_VERSION,
            database=place.database,
            data_dir=place.data_dir,
            cluster=context.cluster,
        )
    )


async def change_me(request: web.Request, given: OwnPassword) -> web.Response:
    """``PATCH /api/me``: another password."""
    people = context_of(request).gate.people
    try:
        await people.own_password(caller_of(request), given.old_password, given.new_password, address_of(request))
    except WrongPassword:
        # No 401: who calls has signed in, and is not to be shown the sign-in page.
        raise InvalidDocument([FieldProblem("old_password", "is wrong")]) from None
    except InvalidDocument as error:
        raise InvalidDocument([FieldProblem("new_password", each.message) for each in error.problems]) from error
    return json_answer(_me(request))


def _me(request: web.Request) -> Me:
    caller = caller_of(request)
    return Me(
        name=caller.name,
        role=caller.role,
        how=caller.how,
        session=caller.pass_id,
        cluster=context_of(request).cluster,
    )


async def list_users(request: web.Request) -> web.Response:
    """``GET /api/users``."""
    found = await context_of(request).gate.people.store.people()
    return json_answer(UserList(items=[_user(each) for each in found], next_cursor=None, total=len(found)))


async def create_user(request: web.Request, given: NewUser) -> web.Response:
    """``POST /api/users``."""
    made = await managing.make_user(context_of(request).gate.people, given.name, given.role, given.password)
    request[DETAIL] = f"role {made.role}"
    return json_answer(_user(made), 201, {"Location": f"/api/users/{made.name}"})


async def change_user(request: web.Request, given: UserChange) -> web.Response:
    """``PATCH /api/users/{name}``.

    Raises:
        ConflictError: It is the caller's own password, which wants the old one.
    """
    name = request.match_info["name"]
    if given.password is not UNSET and name == caller_of(request).name:
        raise ConflictError("your own password is changed with PATCH /api/me, which wants the old one")
    changed = await managing.change_user(
        context_of(request).gate.people, name, _or_none(given.role), _or_none(given.disabled), _or_none(given.password)
    )
    request[DETAIL] = _told(given)
    return json_answer(_user(changed))


async def delete_user(request: web.Request) -> web.Response:
    """``DELETE /api/users/{name}``."""
    await managing.remove_user(context_of(request).gate.people, request.match_info["name"])
    return web.Response(status=204)


def _told(change: UserChange) -> str:
    """Return what was changed, in words."""
    parts = [f"role {change.role}"] if change.role is not UNSET else []
    parts += ["disabled" if change.disabled else "enabled"] if change.disabled is not UNSET else []
    return ", ".join([*parts, *(["password"] if change.password is not UNSET else [])])


def _or_none(value: ValueT | UnsetType) -> ValueT | None:
    return None if isinstance(value, UnsetType) else value


def _user(person: Person) -> User:
    return User(name=person.name, role=person.role, disabled=person.disabled, created_at=person.created_at)
