"""Finding a manager on the local network.

Rule: discovery yields an address only; the admin token is sent there, so it is for networks one trusts, and a named
manager always wins.
"""

import asyncio

from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from disio_shared.errors import ManagerUnreachable

SERVICE = "_disio-manager._tcp.local."
FIND_TIMEOUT_S = 5.0
MAX_NAMES = 64


class ZeroconfAddress:
    """The first manager that announced itself and still does."""

    def __init__(self, zeroconf: AsyncZeroconf | None = None) -> None:
        self._zeroconf = zeroconf
        self._browser: AsyncServiceBrowser | None = None
        self._names: dict[str, None] = {}
        self._seen = asyncio.Event()

    async def url(self) -> str:
        """Return a manager's URL.

        Raises:
            ManagerUnreachable: None announced itself within 5 s.
        """
        zeroconf = self._browse()
        try:
            async with asyncio.timeout(FIND_TIMEOUT_S):
                await self._seen.wait()
        except TimeoutError as error:
            raise ManagerUnreachable("zeroconf", "no manager announces itself on this network") from error
        for name in list(self._names):
            info = AsyncServiceInfo(SERVICE, name)
            if await info.async_request(zeroconf.zeroconf, FIND_TIMEOUT_S * 1000):
                for address in info.parsed_scoped_addresses():
                    return f"http://[{address}]:{info.port}" if ":" in address else f"http://{address}:{info.port}"
        raise ManagerUnreachable("zeroconf", "the manager that announced itself is gone")

    async def close(self) -> None:
        """Stop listening."""
        if self._browser is not None:
            await self._browser.async_cancel()
        if self._zeroconf is not None:
            await self._zeroconf.async_close()

    def _browse(self) -> AsyncZeroconf:
        zeroconf = self._zeroconf = self._zeroconf or AsyncZeroconf()
        if self._browser is None:
            self._browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[self._changed])
        return zeroconf

    def _changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed:
            self._names.pop(name, None)
        elif len(self._names) < MAX_NAMES:
            self._names[name] = None
        (self._seen.set if self._names else self._seen.clear)()
