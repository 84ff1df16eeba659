"""The clients of all distributors.

Rule: a page is of this moment; whoever could not be asked is named in it, never left out in silence.
"""

import base64
import binascii
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import json_answer
from disio_manager.api.context import context_of
from disio_manager.api.fleet_answers import ClientItem, ClientList
from disio_manager.api.problems import BadRequest
from disio_manager.api.queries import Query, next_link
from disio_manager.client_lists import Asked, ask_all
from disio_manager.questions import EVERY, Wanted
from disio_shared.errors import DistributorNotFound, FieldProblem
from disio_shared.messages import ClientRows

MAX_CLIENTS = 1_000


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ends."""

    distributor: str
    after: str
    """Id of its last client that was shown; empty = the page ends before its first."""


class ClientsQuery(Query, kw_only=True, frozen=True):
    """Which clients."""

    distributor: Annotated[str, Meta(max_length=100, description="Of this one alone")] = ""
    kind: Literal["", "web", "cli"] = ""
    state: Annotated[Literal["", "busy", "idle"], Meta(description="Whether it holds payloads")] = ""
    q: Annotated[str, Meta(max_length=200, description="In its id, site, software or platform, whatever the case")] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_CLIENTS)] = 100
    cursor: Annotated[str, Meta(max_length=1_000, description="next_cursor of the page before")] = ""


async def list_clients(request: web.Request, query: ClientsQuery) -> web.Response:
    """``GET /api/clients``."""
    context, place = context_of(request), _place(query.cursor)
    rows = {row.id: row for row in context.fleet.rows() if row.state != "offline"}
    if query.distributor and query.distributor not in rows:
        raise DistributorNotFound(query.distributor)
    every = [each for each in sorted(rows) if query.distributor in ("", each)]
    wanted = [each for each in every if each >= place.distributor]
    before = [each for each in every if each < place.distributor]
    is_going_on = bool(wanted) and wanted[0] == place.distributor
    matching = Wanted(query.kind, query.state, query.q)
    asked = await ask_all(context.questions, wanted, place.after if is_going_on else "", query.limit, matching)
    counted = await ask_all(context.questions, before, "", 0, matching)  # of pages before only how many
    total = sum(_matching(each.rows, rows[each.distributor].clients, matching) for each in (*asked, *counted))
    shown = _list(asked, wanted, query.limit, total)
    return json_answer(shown, headers=next_link(request, shown.next_cursor))


def _matching(rows: ClientRows | None, all_clients: int, wanted: Wanted) -> int:
    """Return how many clients match; of who has not counted, all by its last word, and of those that match none."""
    if rows is None:
        return all_clients if wanted == EVERY else 0
    return rows.total if rows.total >= 0 else all_clients


def _list(asked: list[Asked], wanted: list[str], limit: int, total: int) -> ClientList:
    items: list[ClientItem] = []
    end: Place | None = None
    for each in asked:
        shown = [] if each.rows is None else _items(each.distributor, each.rows)
        room = limit - len(items)
        items += shown[:room]
        if len(shown) > room or (each.rows is not None and not each.rows.is_end):
            end = Place(each.distributor, shown[room - 1].id if room and shown else "")
            break
    if end is None and len(asked) < len(wanted):
        end = Place(wanted[len(asked)], "")
    missing = [each.distributor for each in asked if each.rows is None]
    return ClientList(items=items, missing=missing, next_cursor=None if end is None else _text(end), total=total)


def _items(distributor: str, rows: ClientRows) -> list[ClientItem]:
    return [
        ClientItem(
            id=client,
            distributor=distributor,
            kind=kind,
            slots=slots,
            languages=languages,
            site=site,
            software=software,
            age_s=round(age_s, 1),
            busy=busy,
            platform=platform,
            units=units,
            failures=failures,
            rate=rate,
        )
        for client, kind, slots, languages, site, software, age_s, busy, platform, units, failures, rate in zip(
            rows.ids,
            rows.kinds,
            rows.slots,
            rows.languages,
            rows.sites,
            rows.software,
            rows.ages_s,
            rows.busy,
            rows.platforms or [""] * len(rows.ids),
            rows.units or [0] * len(rows.ids),
            rows.failures or [0] * len(rows.ids),
            rows.rates or [0.0] * len(rows.ids),
            strict=True,
        )
    ]


def _text(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def _place(cursor: str) -> Place:
    if not cursor:
        return Place("", "")
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(packed, type=Place)
    except (binascii.Error, msgspec.MsgspecError, ValueError) as error:
        message = "is no cursor of a list of clients"
        raise BadRequest(400, "bad-request", f"cursor: {message}", [FieldProblem("cursor", message)]) from error
