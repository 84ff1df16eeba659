"""What the times that clients report say about clients and tasks.

Rule: a time is believed within what the task's limit allows.
"""

from collections.abc import Iterable

from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.roster import Session
from disio_distributor.core.state import State


def sane_seconds(seconds: Iterable[float], work: TaskWork) -> list[float]:
    """Return the times a client claims, within what is possible."""
    longest = 2.0 * max(1.0, work.manifest.unit_timeout_s)
    # Written so that NaN, which no comparison holds for, becomes 0.
    return [(each if each <= longest else longest) if each >= 0.0 else 0.0 for each in seconds]


def measure(state: State, session: Session, work: TaskWork, seconds: list[float], now: float) -> None:
    """Take in the times of one message's units."""
    known = work.pace.count
    state.rate.add(len(seconds), now)
    session.pace(work.manifest.task).measured(sum(seconds) / len(seconds))
    session.slowness = work.pace.measured(seconds, session.slowness)
    if known < state.settings.copy_samples <= work.pace.count:
        # From now on it can be told what is stuck.
        state.work_appeared = True


def prior_of(work: TaskWork, session: Session) -> float | None:
    """Return what a unit will take a client by the pace of others, in seconds; None when nobody knows."""
    return None if work.pace.unit_s is None else work.pace.unit_s * session.slowness
