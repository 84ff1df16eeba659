"""Who has computed which of a task's results that no manager has yet: what may be checked again, and by whom.

Rule: nobody is offered what it has computed, failed, or holds already, and the least checked comes first. (Votes that
a manager took before the result itself are not remembered over a restart; managers keep one vote of a client.)
"""

from collections.abc import Iterable, Sequence

from disio_distributor.core.records import OutboxHead
from disio_shared.ranges import RangeSet, Run

WINDOW = 4_096
"""Indexes that are looked at together: bounds what a question costs when few are free."""


class Votes:
    """Made of the outbox's heads when it is first needed, kept right from then on."""

    def __init__(self, heads: Iterable[OutboxHead]) -> None:
        self._by_client: dict[str, RangeSet] = {}
        self._layers = [RangeSet()]
        """By one less than the number of results: what has that many results at least."""
        self.out = RangeSet()
        """Handed out for another result now."""
        self._open = RangeSet()
        """What another result of somebody would count for, as ``_open_for`` says: most questions end here, and while
        managers are away thousands of clients may ask again after every result."""
        self._open_for = 0
        """With how many results of one payload altogether ``_open`` was made; 0 = it was not yet."""
        votes = []
        for head in heads:
            if head.kind == "results":
                self.computed(head.client, head.runs)
            elif head.kind == "votes":
                votes.append(head)
        for head in votes:
            self.voted(head.client, head.runs)

    def computed(self, client: str, runs: Sequence[Run]) -> None:
        """Take in first results."""
        self._layers[0].add_all(runs)
        self.tried(client, runs)
        self._reopen(runs)

    def voted(self, client: str, runs: Sequence[Run]) -> None:
        """Take in further results."""
        carried = [part for run in runs for part in self._layers[0].within(*run)]
        self.tried(client, runs)
        level = 1
        while carried:
            if level == len(self._layers):
                self._layers.append(RangeSet())
            had = [part for run in carried for part in self._layers[level].within(*run)]
            self._layers[level].add_all(carried)
            carried, level = had, level + 1
        self._reopen(runs)

    def tried(self, client: str, runs: Iterable[Run]) -> None:
        """Offer these to a client no more."""
        self._by_client.setdefault(client, RangeSet()).add_all(runs)

    def handed_out(self, runs: Sequence[Run]) -> None:
        """Offer these to nobody while a client works on them."""
        self.out.add_all(runs)
        self._reopen(runs)

    def given_back(self, runs: Sequence[Run]) -> None:
        """Offer these again."""
        self.out.remove_all(runs)
        self._reopen(runs)

    def committed(self, runs: Sequence[Run]) -> None:
        """Forget results that a manager has."""
        for layer in self._layers:
            layer.remove_all(runs)
        self._reopen(runs)

    def prune(self, pending: RangeSet) -> None:
        """Forget who computed what is not pending any more."""
        for client, tried in list(self._by_client.items()):
            kept = RangeSet(part for run in tried.runs() for part in pending.within(*run))
            self._by_client[client] = kept
            if not kept:
                del self._by_client[client]

    def wanted_of(self, client: str, runs: Sequence[Run], max_results: int) -> list[Run]:
        """Return the part of ``runs`` that another result of a client would still count for."""
        found = RangeSet(part for run in runs for part in self._layers[0].within(*run))
        if max_results <= len(self._layers):
            found = found.difference(self._layers[max_results - 1].runs())
        mine = self._by_client.get(client)
        return found.runs() if mine is None else found.difference(mine.runs()).runs()

    def _reopen(self, runs: Sequence[Run]) -> None:
        """Find out anew which of ``runs`` are open."""
        if not self._open_for:
            return
        self._open.remove_all(runs)
        fresh = RangeSet(part for run in runs for part in self._layers[0].within(*run))
        if self._open_for <= len(self._layers):
            fresh.remove_all(part for run in runs for part in self._layers[self._open_for - 1].within(*run))
        fresh.remove_all(part for run in runs for part in self.out.within(*run))
        self._open.add_all(fresh.runs())

    def has_any_for(self, client: str, max_results: int) -> bool:
        """Tell whether there is a result that a client may check."""
        if max_results != self._open_for:
            self._open_for, self._open = max_results, RangeSet()
            self._reopen(self._layers[0].runs())
        tried = self._by_client.get(client)
        return bool(self._open) and (tried is None or not self._open.is_in(tried))

    def offer(self, client: str, count: int, max_runs: int, max_results: int) -> list[Run]:
        """Return up to ``count`` results that a client may check, those with the fewest results first.

        Args:
            client: Who asks.
            count: Payloads at most.
            max_runs: Runs at most.
            max_results: Results of one payload altogether at most.
        """
        found: list[Run] = []
        if not self.has_any_for(client, max_results):
            return found
        for level, layer in enumerate(self._layers[: max_results - 1]):
            above = [self._layers[level + 1]] if level + 1 < len(self._layers) else []
            taboo = [*above, self.out, self._by_client.get(client, RangeSet())]
            for run in layer.runs():
                parts = _free(run, taboo, count, max_runs - len(found))
                found += parts
                count -= sum(stop - start for start, stop in parts)
                if count <= 0 or len(found) >= max_runs:
                    return RangeSet(found).runs()
        return RangeSet(found).runs()


def _free(run: Run, taboo: list[RangeSet], count: int, max_runs: int) -> list[Run]:
    """Return up to ``count`` indexes of a run that are in none of the sets."""
    found: list[Run] = []
    start, stop = run
    while start < stop and count > 0 and len(found) < max_runs:
        window = (start, min(stop, start + WINDOW))
        free = RangeSet([window])
        for each in taboo:
            if each:
                free.remove_all(each.within(*window))
        parts = free.take(count, max_runs - len(found))
        found += parts
        count -= sum(last - first for first, last in parts)
        start = window[1]
    return found
