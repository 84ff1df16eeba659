"""Fleet actions: what operators want is stored, then known to this manager's core and told to the distributors.

Rule: whoever is asked, all managers come to the same: each reads the one document again when its version has grown.
"""

import asyncio
from collections.abc import Callable

import msgspec

from disio_manager.core.events import FleetOrdered
from disio_manager.core.orders import NOBODY, NOTHING, BlockedClient, DistributorOrders, FleetOrders
from disio_manager.service import ManagerService
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.documents import Versioned
from disio_shared.clock import Clock
from disio_shared.errors import ConflictError, DisioError, StoreUnavailable
from disio_shared.fleet_messages import MAX_BLOCKED
from disio_shared.messages import Orders

NAME = "fleet orders"
MAX_TRIES = 20
"""How often a change is tried anew when another manager was quicker."""
MAX_ORDERED = 10_000
"""Distributors of whom something is wanted."""
LOOK_S = 1.0
"""Seconds between two looks at what other managers were asked for."""
Change = Callable[[FleetOrders], FleetOrders]


class TooManyOrders(ConflictError):
    """A list of orders is full."""

    code = "too-many-orders"


class Operating:
    """The orders of one cluster.

    Args:
        store: Where they are.
        clock: Wall time for versions.
    """

    def __init__(self, store: ManagerStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.orders = NOBODY
        self._service: ManagerService
        self._tell: Callable[[str, Orders], None]

    async def load(self) -> FleetOrders:
        """Read what is stored.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        found = await self._store.documents.read(NAME)
        if found is not None and found.version > self.orders.version:
            self.orders = msgspec.msgpack.decode(found.body, type=FleetOrders)
        return self.orders

    def connect(self, service: ManagerService, tell: Callable[[str, Orders], None]) -> None:
        """Name who decides by orders, and who tells distributors; comes before anything is changed."""
        self._service, self._tell = service, tell

    def message_for(self, distributor: str) -> Orders:
        """Return what a distributor is told."""
        return self.orders.message_for(distributor)

    async def run(self) -> None:
        """Follow what other managers were asked for until cancelled; a database that is away is waited for."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except DisioError:
                continue

    async def look(self) -> None:
        """Take over what another manager was asked for.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        if await self._store.documents.version(NAME) > self.orders.version:
            await self.load()
            await self._spread()

    async def order(self, distributor: str, change: Callable[[DistributorOrders], DistributorOrders]) -> None:
        """Want something else of a distributor.

        Raises:
            TooManyOrders: Of too many distributors something is wanted.
            StoreUnavailable: The database does not answer; nothing was changed, or it will be seen soon.
        """

        def changed(orders: FleetOrders) -> FleetOrders:
            wanted = change(orders.of(distributor))
            every = {**orders.distributors, distributor: msgspec.structs.replace(wanted, at=self._clock.wall())}
            if msgspec.structs.replace(wanted, at=0.0, reason="") == NOTHING:
                del every[distributor]
            if len(every) > MAX_ORDERED:
                raise TooManyOrders(f"something is wanted of {MAX_ORDERED} distributors already")
            return msgspec.structs.replace(orders, distributors=every)

        await self._change(changed)

    async def block(self, client: str, reason: str) -> BlockedClient:
        """Keep a client out.

        Raises:
            TooManyOrders: Too many are kept out already.
            StoreUnavailable: As in ``order``.
        """
        blocked = BlockedClient(client=client, reason=reason, at=self._clock.wall())

        def changed(orders: FleetOrders) -> FleetOrders:
            every = {**orders.blocked, client: blocked}
            if len(every) > MAX_BLOCKED:
                raise TooManyOrders(f"{MAX_BLOCKED} clients are blocked already: unblock some that are gone")
            return msgspec.structs.replace(orders, blocked=every)

        await self._change(changed)
        return blocked

    async def unblock(self, client: str) -> None:
        """Let a client in again; one that is not blocked changes nothing.

        Raises:
            StoreUnavailable: As in ``order``.
        """

        def changed(orders: FleetOrders) -> FleetOrders:
            every = {name: each for name, each in orders.blocked.items() if name != client}
            return msgspec.structs.replace(orders, blocked=every)

        await self._change(changed)

    async def _change(self, change: Change) -> None:
        """Store changed orders, then let everybody know."""
        for _ in range(MAX_TRIES):
            known = await self.load()
            new = change(known)
            if new == known:
                break
            version = max(known.version + 1, int(self._clock.wall() * 1000))
            new = msgspec.structs.replace(new, version=version)
            stored = Versioned(version, msgspec.msgpack.encode(new))
            if await self._store.documents.replace(NAME, stored, known.version):
                self.orders = new
                break
        else:
            raise StoreUnavailable("database", "other managers change the fleet's orders all the time")
        await self._spread()

    async def _spread(self) -> None:
        await self._service.submit(FleetOrdered(self.orders))
        for row in self._service.coordinator.fleet():
            if row.state != "offline":
                self._tell(row.id, self.orders.message_for(row.id))
