"""The distributors that were not let in lately, for people to see.

Rule: at most ``MAX_REFUSED`` are remembered, the latest ones; whoever is let in is forgotten here.
"""

from collections.abc import Callable

import msgspec

from disio_manager.core.records import DistributorRecord
from disio_shared import messages

MAX_REFUSED = 100


class Refusals:
    """Refused distributors by id.

    Args:
        on_change: Told that the fleet looks different now.
        on_news: Told of each one that was refused, with the reason, or let in, without one.
    """

    def __init__(
        self,
        on_change: Callable[[], object] = lambda: None,
        on_news: Callable[[str, str], object] = lambda distributor, trouble: None,
    ) -> None:
        self._on_change, self._on_news = on_change, on_news
        self._refused: dict[str, DistributorRecord] = {}

    def note(self, distributor: DistributorRecord, refused: messages.Refused, at: float) -> None:
        """Remember that a distributor was refused; ``at`` is in seconds since 1970."""
        self._refused.pop(distributor.id, None)
        trouble = f"{refused.code}: {refused.reason}"
        self._refused[distributor.id] = msgspec.structs.replace(
            distributor, state="refused", trouble=trouble, last_seen=at
        )
        if len(self._refused) > MAX_REFUSED:
            del self._refused[next(iter(self._refused))]
        self._on_news(distributor.id, trouble)
        self._on_change()

    def forget(self, distributor: str) -> None:
        """Note that a distributor was let in."""
        self._on_news(distributor, "")
        if self._refused.pop(distributor, None) is not None:
            self._on_change()

    def shown_in(self, fleet: list[DistributorRecord]) -> list[DistributorRecord]:
        """Return the fleet with what was refused: one row an id, and an online distributor stays online."""
        left = dict(self._refused)
        rows = []
        for row in fleet:
            refused = left.pop(row.id, None)
            if refused is not None:
                state = row.state if row.state != "offline" else refused.state
                row = msgspec.structs.replace(row, state=state, trouble=refused.trouble)
            rows.append(row)
        return [*rows, *reversed(left.values())]


def introduced(join: messages.Join) -> DistributorRecord:
    """Return what a distributor says of itself."""
    return DistributorRecord(
        id=join.distributor,
        name=join.name,
        url=join.url,
        region=join.region,
        software=join.software,
        max_clients=join.max_clients,
    )
