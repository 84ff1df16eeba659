"""How many payloads go into a client's next batch.

Rule: a batch is about ``target_s`` seconds of work, never grows faster than ``growth`` times unless other clients'
pace is known, and near the end of the work everybody gets a share, so that all clients end together.
"""

import math

from disio_distributor.core.pace import Pace
from disio_distributor.core.settings import CoreSettings


def batch_size(settings: CoreSettings, pace: Pace, slots: int, open_now: int, prior: float | None = None) -> int:
    """Return how many payloads a client may get now; 0 when it has enough.

    Args:
        settings: The numbers to decide by.
        pace: How it does with the task.
        slots: Units it runs at a time.
        open_now: Payloads of the task that it holds.
        prior: What a unit will take it by others' pace, in seconds, for its first batch; None when nobody knows.
    """
    unit_s = prior if pace.unit_s is None and not pace.batch else pace.unit_s
    if unit_s is None:
        return max(0, slots - open_now)
    if unit_s >= settings.target_s:
        # A second payload per slot bridges the time that results and the next batch travel.
        ahead = 1 if unit_s >= settings.long_unit_s else 2
        return max(0, min(slots, ahead * slots - open_now))
    ideal = max(slots, min(settings.max_batch, round(slots * settings.target_s / unit_s)))
    grown = pace.batch * settings.growth if pace.batch else round(ideal * settings.prior_part)
    size = min(ideal, max(slots, grown))
    return max(0, min(size, settings.max_batch, 2 * ideal + slots - open_now))


def fair_share(size: int, ready: int, slots: int, clients: int, all_slots: int) -> int:
    """Return ``size``, or half of a client's share of what is ready when that is less."""
    if clients <= 1:
        return size
    return min(size, max(1, math.ceil(ready * slots / (2 * max(all_slots, 1)))))
