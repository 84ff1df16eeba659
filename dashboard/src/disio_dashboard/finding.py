"""Finding managers on the local network.

Rule: discovery yields addresses only, and anybody on the network can announce one. What is sent to an address stays
with that address: nothing here ever moves from one to another by itself.
"""

import asyncio
from collections.abc import Callable

from disio_shared.discovery import ManagerAddress, ManagerBrowser
from disio_shared.errors import ManagerUnreachable

FIND_TIMEOUT_S = 5.0


class ZeroconfAddress:
    """The manager that announced itself first, for as long as this process runs; of the others it tells.

    Args:
        interfaces: IPv4 addresses to listen on; empty = all of this machine's.
        on_found: Told of every manager that announces itself, of the first one too.
        on_lost: Told the full service name of one that said goodbye.
    """

    def __init__(
        self,
        interfaces: tuple[str, ...] = (),
        on_found: Callable[[ManagerAddress], None] = lambda _: None,
        on_lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._browser = ManagerBrowser(interfaces, self._found, on_lost, self._trouble)
        self._tell = on_found
        self._started = False
        self._first = ""
        self._seen = asyncio.Event()
        self._problem = "no manager announces itself on this network"

    @property
    def known(self) -> str:
        """Return the URL, or nothing while none was found."""
        return self._first

    async def start(self) -> None:
        """Begin to listen, without waiting."""
        if not self._started:
            self._started = True
            await self._browser.start()

    async def url(self) -> str:
        """Return the manager's URL.

        Raises:
            ManagerUnreachable: None announced itself within 5 s.
        """
        await self.start()
        try:
            async with asyncio.timeout(FIND_TIMEOUT_S):
                await self._seen.wait()
        except TimeoutError as error:
            raise ManagerUnreachable("zeroconf", self._problem) from error
        return self._first

    async def close(self) -> None:
        """Stop listening."""
        await self._browser.stop()

    def _found(self, manager: ManagerAddress) -> None:
        self._first = self._first or manager.url
        self._tell(manager)
        self._seen.set()

    def _trouble(self, problem: str) -> None:
        self._problem = problem
