"""API tokens and sessions: one's own, and for admins those of everybody.

Rule: the secret of a token is in the answer that makes it, and nowhere else.
"""

from typing import Annotated

from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import json_answer
from disio_manager.api.calling import DETAIL, address_of, caller_of
from disio_manager.api.context import context_of
from disio_manager.api.people_shapes import ApiToken, ApiTokenList, Ended, MadeToken, NewToken, Session, SessionList
from disio_manager.api.queries import Query
from disio_manager.people import managing
from disio_manager.people.roles import Caller
from disio_manager.people.signing import ends_at
from disio_manager.stores.people import Pass
from disio_shared.errors import RefusedError


class WhoseQuery(Query, kw_only=True, frozen=True):
    """Whose."""

    all: Annotated[bool, Meta(description="Those of everybody, for admins")] = False


async def list_tokens(request: web.Request, query: WhoseQuery) -> web.Response:
    """``GET /api/tokens``."""
    people, caller = context_of(request).gate.people, caller_of(request)
    found = await managing.passes_of(people, caller, "token", of_all=query.all)
    return json_answer(ApiTokenList(items=[_token(each) for each in found], next_cursor=None, total=len(found)))


async def create_token(request: web.Request, given: NewToken) -> web.Response:
    """``POST /api/tokens``."""
    people, caller = context_of(request).gate.people, caller_of(request)
    made = await managing.make_token(people, caller, given.label, given.role, given.days, address_of(request))
    request[DETAIL] = f"{given.label}, role {given.role}, {given.days:g} days"
    kept = made.kept
    shown = MadeToken(
        id=kept.id,
        label=kept.label,
        owner=kept.owner_name,
        role=kept.role,
        created_at=kept.created_at,
        expires_at=kept.expires_at,
        used_at=kept.used_at,
        secret=made.secret,
    )
    return json_answer(shown, 201, {"Location": f"/api/tokens/{kept.id}"})


async def delete_token(request: web.Request) -> web.Response:
    """``DELETE /api/tokens/{id}``."""
    await managing.end_pass(context_of(request).gate.people, caller_of(request), "token", request.match_info["id"])
    return web.Response(status=204)


async def list_sessions(request: web.Request, query: WhoseQuery) -> web.Response:
    """``GET /api/sessions``."""
    people, caller = context_of(request).gate.people, caller_of(request)
    now = people.clock.wall()
    found = [
        each
        for each in await managing.passes_of(people, caller, "session", of_all=query.all)
        if ends_at(each) > now and (each.owner or query.all)
    ]
    items = [_session(each, caller) for each in found]
    return json_answer(SessionList(items=items, next_cursor=None, total=len(items)))


async def delete_session(request: web.Request) -> web.Response:
    """``DELETE /api/sessions/{id}``."""
    await managing.end_pass(context_of(request).gate.people, caller_of(request), "session", request.match_info["id"])
    return web.Response(status=204)


async def end_other_sessions(request: web.Request) -> web.Response:
    """``DELETE /api/sessions``: the caller's own, but for the one that asks.

    Raises:
        RefusedError: The caller is no user.
    """
    people, caller = context_of(request).gate.people, caller_of(request)
    if not caller.person:
        raise RefusedError("only a user has sessions")
    ended = await people.store.end_sessions(caller.person, but=caller.pass_id)
    people.forget()
    return json_answer(Ended(ended=ended))


def _token(kept: Pass) -> ApiToken:
    return ApiToken(
        id=kept.id,
        label=kept.label,
        owner=kept.owner_name,
        role=kept.role,
        created_at=kept.created_at,
        expires_at=kept.expires_at,
        used_at=kept.used_at,
    )


def _session(kept: Pass, caller: Caller) -> Session:
    return Session(
        id=kept.id,
        name=kept.owner_name,
        address=kept.address,
        program=kept.label,
        created_at=kept.created_at,
        used_at=kept.used_at,
        expires_at=ends_at(kept),
        this=kept.id == caller.pass_id,
    )
