"""Everything about people that a running manager has: who calls, and what is remembered of it.

Rule: the machine's own token needs no database: whoever can read ``admin.token`` gets in whatever is broken.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from disio_manager.config import ManagerSettings
from disio_manager.identity import Identity, is_same_secret
from disio_manager.people.auditing import Auditing
from disio_manager.people.roles import MACHINE, SYSTEM, Caller
from disio_manager.people.signing import IDLE_S, People
from disio_manager.stores.base import ManagerStore
from disio_shared.clock import Clock
from disio_shared.errors import StoreUnavailable
from disio_shared.vouching import address_proof

TIDY_S = 3600.0


class Place(NamedTuple):
    """Where a manager keeps its data, for people to see."""

    database: str
    """Without a password."""
    data_dir: str


def place_of(settings: ManagerSettings, data_dir: Path) -> Place:
    """Return where a manager keeps its data."""
    if not settings.db:
        return Place(f"SQLite, {data_dir / 'manager.db'}", str(data_dir))
    if settings.db.startswith("sqlite:"):
        return Place(f"SQLite, {settings.db.removeprefix('sqlite:')}", str(data_dir))
    parts = urlsplit(settings.db)
    return Place(f"MongoDB, {parts.netloc.rpartition('@')[2]}{parts.path}", str(data_dir))


class Gate:
    """People and the audit of one manager.

    Args:
        store: Of this manager.
        identity: Holds the machine's own token.
        clock: Now.
        place: Where the data lies.
    """

    def __init__(self, store: ManagerStore, identity: Identity, clock: Clock, place: Place) -> None:
        self.place = place
        self._admin_token = identity.admin_token
        self.people = People(store.people, clock)
        self.audit = Auditing(store.audit, clock)
        self._clock = clock

    async def caller(self, secret: str) -> Caller | None:
        """Return whose secret this is, or None.

        Raises:
            StoreUnavailable: It is not the machine's own, and the database does not answer.
        """
        if self.is_machine(secret):
            return Caller(MACHINE, "admin", "machine")
        return await self.people.caller(secret) if secret else None

    def is_machine(self, secret: str) -> bool:
        """Tell whether this is the machine's own token."""
        return is_same_secret(secret, self._admin_token)

    def vouches(self, address: str, proof: str) -> bool:
        """Tell whether somebody with the machine's own token says that a request comes from an address."""
        return is_same_secret(proof, address_proof(self._admin_token, address.encode(errors="replace").decode()))

    def note_distributor(self, distributor: str, trouble: str) -> None:
        """Note that a distributor was let in or refused."""
        self.audit.note(
            SYSTEM,
            "refuse_distributor" if trouble else "admit_distributor",
            kind="distributor",
            subject=distributor,
            outcome="failed" if trouble else "ok",
            detail=trouble,
            is_quiet=True,
        )

    async def run(self) -> None:
        """Write the audit, and remove passes that are over, for ever."""
        tidying = asyncio.create_task(self._tidy())
        try:
            await self.audit.run()
        finally:
            tidying.cancel()
            self.people.hasher.close()

    async def _tidy(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                now = self._clock.wall()
                await self.people.store.drop_passes(now, now - IDLE_S)
            await asyncio.sleep(TIDY_S)
