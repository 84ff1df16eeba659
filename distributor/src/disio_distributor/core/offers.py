"""What to ask for when a manager offers tasks that this distributor holds nothing of.

Rule: a task that is new here gets its part of what is held at once, so it does not wait behind a large one.
"""

from disio_distributor.core.state import State
from disio_shared.messages import Offer

MAX_OFFERED = 100
"""Tasks of one Offer that are looked at."""


def welcome(state: State, offer: Offer) -> list[str]:
    """Return the offered tasks to ask for: nothing of them is held, and clients here may be able to run them."""
    if state.draining or state.standing.paused or not state.space.leases or not state.roster.sessions:
        return []
    return [task for task in offer.tasks[:MAX_OFFERED] if _is_wanted(state, task)]


def fair_part(state: State, cluster: str, tasks: list[str], aim: int, least: int) -> int:
    """Return how many payloads to ask for altogether: a part of what is held of tasks that are as urgent, or more.

    Args:
        state: What is held.
        cluster: Whose tasks they are.
        tasks: What is asked for; one that is not known here counts as no more urgent than any other.
        aim: Payloads to hold of a cluster.
        least: Payloads that keep the clients busy for a moment.
    """
    works = [work for work in state.tasks.values() if work.cluster == cluster and work.open_count]
    known = [state.tasks[task].manifest.priority for task in tasks if task in state.tasks]
    if works and len(known) == len(tasks):
        works = [work for work in works if work.manifest.priority >= min(known)]
    return min(aim, max(least, aim * len(tasks) // (len(works) + len(tasks))))


def _is_wanted(state: State, task: str) -> bool:
    if task in state.standing.tasks:
        return False
    work = state.tasks.get(task)
    if work is None:
        return True  # whether the clients can run it the manager sees from the Ask
    return not work.blocks and any(capability.runs(work.manifest) for capability in state.roster.classes)
