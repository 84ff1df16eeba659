"""The states of a task and what leads from one to the next.

Rule: everything that changes a task's state is in this table; a pair that is not in it is refused.

A task is ``queued`` until its first payload is handed out, then ``running`` (or ``paused``) until it is closed:
``done`` when every payload has a result, or enough of them satisfy its ``stop_when``; ``failed`` when all are closed
and some are quarantined, or the limit of failures is reached; ``cancelled`` by its owner, ``expired`` at its deadline.
"""

from disio_shared.errors import IllegalVerb
from disio_shared.taskdoc import OPEN_STATES

TRANSITIONS: dict[str, dict[str, str]] = {
    "grant": {"queued": "running", "running": "running"},
    "pause": {"queued": "paused", "running": "paused"},
    "resume": {"paused": "running"},
    "cancel": {"queued": "cancelled", "running": "cancelled", "paused": "cancelled"},
    "retry": {"running": "running", "paused": "paused", "failed": "running"},
    "delete": dict.fromkeys(("queued", "running", "paused", "done", "failed", "cancelled", "expired"), "deleted"),
    "complete": {"queued": "done", "running": "done", "paused": "done"},
    "stop": {"queued": "done", "running": "done", "paused": "done"},
    "fail": {"queued": "failed", "running": "failed", "paused": "failed"},
    "expire": {"queued": "expired", "running": "expired", "paused": "expired"},
}
VERBS = ("pause", "resume", "cancel", "retry", "delete")
"""What people may ask for; the others follow from what happens."""


def is_open(state: str) -> bool:
    """Tell whether payloads of a task in this state may still be handed out or closed."""
    return state in OPEN_STATES


def next_state(task: str, state: str, verb: str) -> str:
    """Return the state that ``verb`` leads to.

    Raises:
        IllegalVerb: The table has no such way.
    """
    after = TRANSITIONS.get(verb, {}).get(state)
    if after is None:
        raise IllegalVerb(task, verb, state)
    return after
