"""The distributors as REST and the live feed show them: those the core knows, and those that were refused.

Rule: both show the same rows, one an id, each with what operators want of it.
"""

import msgspec

from disio_manager.core.orders import DistributorOrders
from disio_manager.core.records import DistributorRecord
from disio_manager.operating import Operating
from disio_manager.refusals import Refusals
from disio_manager.service import ManagerService


class DistributorShown(DistributorRecord, kw_only=True):
    """One distributor."""

    orders: DistributorOrders
    """What operators want of it."""


class FleetView:
    """Makes the rows."""

    def __init__(self, service: ManagerService, refusals: Refusals, operating: Operating) -> None:
        self._service, self._refusals, self._operating = service, refusals, operating

    def rows(self) -> list[DistributorShown]:
        """Return every distributor.

        Raises:
            StoreUnavailable: The manager waits for its database.
        """
        rows = self._refusals.shown_in(self._service.coordinator.fleet())
        of = self._operating.orders.of
        return [DistributorShown(**msgspec.structs.asdict(row), orders=of(row.id)) for row in rows]
