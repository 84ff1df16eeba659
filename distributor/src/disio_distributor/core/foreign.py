"""Results of what a sibling handed out, or this one before it was started again: a client brings them here.

Rule: the cluster's key vouches for the token, so a result goes to the cluster's managers like one's own, each index of
a token once, unless it is known here to have an answer; which of the others still count is for a manager to say.
Nothing else about such a token is of use here.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

from disio_distributor.core.keyring import Read
from disio_distributor.core.roster import Session
from disio_distributor.core.state import State
from disio_shared import messages
from disio_shared.messages import ResultColumns
from disio_shared.ranges import RangeSet, runs_of
from disio_shared.values import invalid_values

MAX_SEEN = 10_000
"""Tokens of which is remembered what came of them; what is repeated after that goes out again, and counts nowhere."""
MAX_SECONDS = 86_400.0


class Foreign:
    """Takes in what siblings' tokens bring."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: OrderedDict[str, RangeSet] = OrderedDict()

    def results(self, session: Session, said: messages.Results, read: Read, now: float) -> int:
        """Put what nothing is known of here into the outbox; return how many results that were."""
        state, token = self._state, read.token
        work = state.tasks.get(token.task)
        wanted = RangeSet(token.runs)
        if work is not None:
            wanted.remove_all(work.judged(token.runs).runs())
        seen = self._seen_of(said.token)
        wanted.remove_all(seen.runs())
        places = self._places(said, wanted)
        if not places or token.is_repeat:
            return 0
        content = _columns(said, places, token.task, session.client)
        runs = runs_of(content.indexes)
        seen.add_all(runs)
        state.keep_foreign(read.cluster, runs, content)
        session.units += len(places)
        session.rate.add(len(places), now)
        state.rate.add(len(places), now)
        return len(places)

    def _seen_of(self, token: str) -> RangeSet:
        seen = self._seen.setdefault(token, RangeSet())
        self._seen.move_to_end(token)
        while len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return seen

    def _places(self, said: messages.Results, wanted: RangeSet) -> list[int]:
        """Return which results to take: the first of each wanted index that is a value and not too large."""
        limit, bad = self._state.settings.max_result_bytes, set(invalid_values(said.values))
        left, places = RangeSet(wanted.runs()), []
        for at, index in enumerate(said.indexes):
            if at not in bad and len(said.values[at]) <= limit and left.remove(index, index + 1):
                places.append(at)
        return places


def _columns(said: messages.Results, places: Sequence[int], task: str, client: str) -> ResultColumns:
    return ResultColumns(
        task=task,
        indexes=[said.indexes[at] for at in places],
        values=[said.values[at] for at in places],
        seconds=[_sane(said.seconds[at]) for at in places],
        clients=[client],
        by=[0] * len(places),
    )


def _sane(seconds: float) -> float:
    """Return the time a client claims, within a day: the task's own limit may not be known here."""
    return min(seconds, MAX_SECONDS) if math.isfinite(seconds) and seconds > 0 else 0.0
