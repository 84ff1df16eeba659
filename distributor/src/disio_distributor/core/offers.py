"""What to ask for when a manager offers tasks that this distributor holds nothing of.

Rule: a task that is new here gets its part of what is held at once, so it does not wait behind a large one.
"""

from disio_distributor.core.state import State
from disio_shared.messages import Offer

MAX_OFFERED = 100
"""Tasks of one Offer that are looked at."""


def welcome(state: State, offer: Offer) -> list[str]:
    """Return the offered tasks to ask for: nothing of them is held, and clients here may be able to run them."""
    if state.draining or not state.space.leases or not state.roster.sessions:
        return []
    return [task for task in offer.tasks[:MAX_OFFERED] if _is_wanted(state, task)]


def fair_part(state: State, cluster: str, tasks: int, aim: int, least: int) -> int:
    """Return how many payloads to ask for altogether.

    Args:
        state: What is held.
        cluster: Whose tasks they are.
        tasks: How many are asked for.
        aim: Payloads to hold of a cluster.
        least: Payloads that keep the clients busy for a moment.
    """
    held = sum(bool(work.open_count) for work in state.tasks.values() if work.cluster == cluster)
    return min(aim, max(least, aim * tasks // (held + tasks)))


def _is_wanted(state: State, task: str) -> bool:
    work = state.tasks.get(task)
    if work is None:
        return True  # whether the clients can run it the manager sees from the Ask
    return not work.blocks and any(capability.runs(work.manifest) for capability in state.roster.classes)
