"""Clients as a manager may see them.

Rule: they are told in the order of their ids, a bounded number at a time; which other clusters a client trusts is none
of this cluster's business.
"""

from heapq import nsmallest

from disio_distributor.core.roster import Session
from disio_distributor.core.state import State
from disio_shared.abilities import LANGUAGES, NATIVE
from disio_shared.messages import ClientRows, ListClients

MAX_ROWS = 1_000
MAX_TEXT = 200


def client_rows(state: State, cluster: str, asked: ListClients, now: float) -> ClientRows:
    """Return the connected clients whose ids come next, for a manager of a cluster."""
    matching = {each.client: each for each in state.roster.sessions.values() if _matches(state, each, asked)}
    by_client = {client: each for client, each in matching.items() if client > asked.after}
    limit = min(max(asked.limit, 0), MAX_ROWS)
    ids = nsmallest(limit + 1, by_client)
    shown = [by_client[client] for client in ids[:limit]]
    told = {*LANGUAGES, NATIVE + cluster}
    return ClientRows(
        request=asked.request,
        ids=[each.client for each in shown],
        kinds=[_plain(each.capability.kind) for each in shown],
        slots=[each.slots for each in shown],
        languages=[sorted(each.capability.languages & told) for each in shown],
        sites=[_plain(each.site) for each in shown],
        software=[_plain(each.software) for each in shown],
        ages_s=[max(0.0, now - each.since) for each in shown],
        busy=[_busy(state, each) for each in shown],
        is_end=len(ids) <= limit,
        total=len(matching),
        platforms=[_plain(each.platform) for each in shown],
        units=[each.units for each in shown],
        failures=[each.failures for each in shown],
        rates=[round(each.rate.at(now), 3) for each in shown],
    )


def _plain(text: str) -> str:
    """Return what a client says of itself as a manager takes it: whoever sends it more breaks the protocol."""
    return "".join(each if each.isprintable() else "?" for each in text[:MAX_TEXT])


def _matches(state: State, session: Session, asked: ListClients) -> bool:
    if asked.kind and session.capability.kind != asked.kind:
        return False
    if asked.state and (asked.state == "busy") != state.assignments.has_session(session.name):
        return False
    told = (session.client, session.site, session.software, session.platform)
    return not asked.text or asked.text.casefold() in "\n".join(told).casefold()


def _busy(state: State, session: Session) -> int:
    return sum(len(batch.open) for batch in state.assignments.of_session(session.name))
