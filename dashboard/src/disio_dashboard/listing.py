"""``GET /clusters``: what the pages offer for choice.

Rule: a cluster is one row, by the manager that stands for it; where its address came from is told with it.
"""

import msgspec
from aiohttp import web

from disio_dashboard.choosing import place_of
from disio_dashboard.clusters import Place, grouped
from disio_dashboard.login import find_session, session_at
from disio_dashboard.problems import problem
from disio_dashboard.state import STATE, State


class ClusterRow(msgspec.Struct, frozen=True):
    """One cluster."""

    key: str
    title: str
    address: str
    """Host and port of the manager that is asked; empty while none was found."""
    state: str
    """``online`` or ``away``."""
    is_found: bool
    """By zeroconf: nobody named this address, so look at it before you type a password."""
    signed_in: bool
    chosen: bool
    instead: str
    """Key of another manager of the cluster, which answers while this one does not; else empty."""
    instead_address: str
    managers: int
    """That are known of it."""


async def show_clusters(request: web.Request) -> web.Response:
    """Tell of the clusters, looked at now."""
    state = request.app[STATE]
    if find_session(request) is None:
        return problem(401, "not-signed-in", "sign in first")
    if state.places.are_many:
        await state.places.look(state.now())
    rows = rows_of(request, state)
    told = {"items": rows, "total": len(rows), "left_out": state.places.left_out, "changes": state.places.are_many}
    return web.Response(body=msgspec.json.encode(told), content_type="application/json")


def rows_of(request: web.Request, state: State) -> list[ClusterRow]:
    """Return the clusters as they stand for this browser."""
    chosen = place_of(request)
    signed_in = {place.key for place in state.places if session_at(request, place) is not None}
    preferred = [chosen.key, *sorted(signed_in - {chosen.key})]
    return [_row(members, chosen, signed_in) for members in grouped(list(state.places), preferred)]


def _row(members: list[Place], chosen: Place, signed_in: set[str]) -> ClusterRow:
    first = members[0]
    other = None if first.is_there else next((each for each in members if each.is_there), None)
    return ClusterRow(
        key=first.key,
        title=first.title or first.address or "A manager of this network",
        address=first.address,
        state="online" if first.is_there else "away",
        is_found=first.is_found,
        signed_in=first.key in signed_in,
        chosen=first is chosen,
        instead=other.key if other else "",
        instead_address=other.address if other else "",
        managers=len(members),
    )
