"""Why a client gets nothing now, in words for whoever runs it.

Rule: reading state only; one sentence, the most general reason first.
"""

from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.roster import Session
from disio_distributor.core.state import State
from disio_shared.abilities import NATIVE, is_native


def reason(state: State, session: Session) -> str:
    """Return in a sentence why a client gets nothing now."""
    if state.draining:
        return state.standing.reason() or "this distributor is going away"
    if state.standing.paused:
        return state.standing.reason()
    if not state.has_place(session):
        return f"an operator allows this distributor {state.standing.max_slots} units at a time, and others run them"
    if not state.space.leases:
        return state.space.reason()
    if any(work.has_ready or work.assigned for work in state.turns.runnable(session.capability)):
        return "the last payloads are with other clients"
    held = [work for work in state.tasks.values() if work.open_count]
    if not held:
        return _nothing_held(state)
    fitting = [work for work in held if session.capability.runs(work.manifest)]
    if not fitting:
        needs = sorted({session.capability.missing(work.manifest) for work in held})
        return f"no task runs here: needs {' or '.join(needs)}{_trust(session, held)}"
    return "paused" if all(work.paused for work in fitting) else "fetching the code of the next task"


def _trust(session: Session, held: list[TaskWork]) -> str:
    """Return what the owner of a machine may do about tasks that run as native Python; a browser cannot."""
    native = {work.manifest.language for work in held if is_native(work.manifest.language)}
    strange = sorted(native - session.capability.languages)
    if session.capability.kind != "cli" or not strange:
        return ""
    return f"; if you trust it: disio-client --trust-native {strange[0].removeprefix(NATIVE)}"


def _nothing_held(state: State) -> str:
    if not state.links:
        return "no manager reachable"
    return next((each.waiting for each in state.clusters.values() if each.waiting), "the managers are being asked")
