"""What is known of one payload here: tries that came to nothing, and who has it now.

Rule: it is read, nothing changes; texts are as long as a manager takes them.
"""

from disio_distributor.core.state import State
from disio_shared.messages import FetchStory, Story

MAX_TRIES = 100
"""Rows; of tries the newest."""
MAX_ERROR = 4_000


def story(state: State, asked: FetchStory, now: float) -> Story:
    """Return the story of a payload; an empty one of what is not held here."""
    work = state.tasks.get(asked.task)
    if work is None:
        return Story(request=asked.request)
    tries = work.attempts.get(asked.index, [])[-MAX_TRIES:]
    live = [batch for batch in state.assignments.of_task(asked.task) if asked.index in batch.open][:MAX_TRIES]
    return Story(
        request=asked.request,
        clients=[*(each.client for each in tries), *(batch.client for batch in live)],
        outcomes=[*(each.outcome for each in tries), *("checks" if batch.is_repeat else "has it" for batch in live)],
        errors=[*(each.error[:MAX_ERROR] for each in tries), *("" for _ in live)],
        ages_s=[*(-1.0 for _ in tries), *(max(0.0, now - batch.sent_at) for batch in live)],
        saved_bytes=len(work.checkpoints.get(asked.index, b"")),
    )
