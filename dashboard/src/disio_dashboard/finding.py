"""Finding a manager on the local network.

Rule: discovery yields an address only; the admin token is sent there, so it is for networks one trusts, and a named
manager always wins.
"""

import asyncio

from disio_shared.discovery import ManagerAddress, ManagerBrowser
from disio_shared.errors import ManagerUnreachable

FIND_TIMEOUT_S = 5.0


class ZeroconfAddress:
    """The manager that announced itself first; it is kept until another one is there and it is gone.

    Args:
        interfaces: IPv4 addresses to listen on; empty = all of this machine's.
    """

    def __init__(self, interfaces: tuple[str, ...] = ()) -> None:
        self._browser = ManagerBrowser(interfaces, self._found, self._lost, self._trouble)
        self._started = False
        self._managers: dict[str, str] = {}
        self._gone: set[str] = set()
        self._seen = asyncio.Event()
        self._problem = "no manager announces itself on this network"

    async def url(self) -> str:
        """Return a manager's URL.

        Raises:
            ManagerUnreachable: None announced itself within 5 s.
        """
        if not self._started:
            self._started = True
            await self._browser.start()
        try:
            async with asyncio.timeout(FIND_TIMEOUT_S):
                await self._seen.wait()
        except TimeoutError as error:
            raise ManagerUnreachable("zeroconf", self._problem) from error
        return next(iter(self._managers.values()))

    async def close(self) -> None:
        """Stop listening."""
        await self._browser.stop()

    def _found(self, manager: ManagerAddress) -> None:
        self._managers[manager.name] = manager.url
        self._gone.discard(manager.name)
        self._drop_gone()
        self._seen.set()

    def _lost(self, name: str) -> None:
        # A goodbye can be wrong (a lost packet, a restart): without another manager the old address is the best guess.
        self._gone.add(name)
        self._drop_gone()

    def _drop_gone(self) -> None:
        if any(name not in self._gone for name in self._managers):
            for name in self._gone:
                self._managers.pop(name, None)
            self._gone.clear()

    def _trouble(self, problem: str) -> None:
        self._problem = problem
