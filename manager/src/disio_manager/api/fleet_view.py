"""The distributors as REST and the live feed show them: those the core knows, and those that were refused.

Rule: both show the same rows, one an id.
"""

from disio_manager.core.records import DistributorRecord
from disio_manager.refusals import Refusals
from disio_manager.service import ManagerService


class FleetView:
    """Makes the rows."""

    def __init__(self, service: ManagerService, refusals: Refusals) -> None:
        self._service, self._refusals = service, refusals

    def rows(self) -> list[DistributorRecord]:
        """Return every distributor.

        Raises:
            StoreUnavailable: The manager waits for its database.
        """
        return self._refusals.shown_in(self._service.coordinator.fleet())
