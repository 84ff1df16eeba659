"""Services that find each other on the local network by multicast DNS.

Rule: discovery yields an address, never trust. Whoever uses one still checks the peer's key and token.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ifaddr
from zeroconf import Error as ZeroconfError
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from disio_shared.ids import fresh_id

MANAGER_TYPE = "_disio-manager._tcp.local."
DISTRIBUTOR_TYPE = "_disio-dist._tcp.local."
RESOLVE_TIMEOUT_MS = 3000
STOP_TIMEOUT_S = 3.0
MAX_FOUND = 256
"""Services one browser follows; further ones are ignored, so that a flood of names costs no memory."""
MAX_LABEL = 63


@dataclass(frozen=True, slots=True)
class FoundService:
    """One announced service, resolved."""

    name: str
    """Full service name; unique on the network."""
    hosts: tuple[str, ...]
    """IPv4 addresses, at least one."""
    port: int
    properties: Mapping[str, str]

    @property
    def url(self) -> str:
        """Return ``http://first-host:port``."""
        return f"http://{self.hosts[0]}:{self.port}"


@dataclass(frozen=True, slots=True)
class ManagerAddress:
    """Where a manager says it is, from its announcement."""

    name: str
    """Full service name; ``on_lost`` gets the same."""
    url: str
    """Base URL of its REST interface, such as ``http://192.168.1.5:8700``."""
    cluster: str
    zmq_port: int
    curve_key: str
    """Public key in Z85 as announced; a hint only, compare it with the pinned one."""
    version: int
    """Protocol version."""


def interfaces_for(host: str) -> list[str]:
    """Return the IPv4 addresses on which a service that binds ``host`` is to be announced.

    A service on loopback is announced on loopback alone; one on all addresses on every address but loopback (which
    would be of no use to others), or on loopback when there is nothing else.
    """
    if host not in ("0.0.0.0", "::", ""):
        return [_numeric(host)]
    return [address for address in _all_addresses() if not address.startswith("127.")] or ["127.0.0.1"]


def _numeric(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError:
        return "127.0.0.1"


def _all_addresses() -> list[str]:
    """Return every IPv4 address of this machine, loopback included."""
    found = {str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4}
    return sorted({"127.0.0.1", *found})


class Announcement:
    """Makes one service known for as long as it is started.

    Args:
        service_type: ``MANAGER_TYPE`` or ``DISTRIBUTOR_TYPE``.
        name: Instance name for people; a random ending makes it unique on the network.
        port: Of the service's HTTP interface.
        properties: TXT record; keep each item below 255 bytes.
        interfaces: IPv4 addresses to announce on and as (see ``interfaces_for``).
        on_trouble: Told in a sentence when announcing is impossible; the service goes on without it.
    """

    def __init__(
        self,
        service_type: str,
        name: str,
        port: int,
        properties: Mapping[str, str],
        interfaces: Sequence[str],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._interfaces, self._on_trouble = list(interfaces), on_trouble
        ending = f"-{fresh_id(5)}"
        label = name.replace(".", "-").encode()[: MAX_LABEL - len(ending)].decode(errors="ignore") + ending
        self._info = AsyncServiceInfo(
            service_type,
            f"{label}.{service_type}",
            addresses=[socket.inet_aton(address) for address in interfaces],
            port=port,
            properties=dict(properties),
            server=f"disio-{port}{ending}.local.",
        )
        self._zeroconf: AsyncZeroconf | None = None
        self._registering: asyncio.Task[None] | None = None
        self.registered = asyncio.Event()
        """Set when the name is announced, about 1.7 s after ``start``."""

    @property
    def name(self) -> str:
        """Return the full service name."""
        return self._info.name

    async def start(self) -> None:
        """Begin to announce, without waiting for it."""
        self._zeroconf = _open(self._interfaces, self._on_trouble)
        if self._zeroconf is None:
            return
        self._registering = asyncio.create_task(self._register(self._zeroconf))

    async def _register(self, zeroconf: AsyncZeroconf) -> None:
        try:
            announced = await zeroconf.async_register_service(self._info)
            await announced
            self.registered.set()
        except (ZeroconfError, OSError, ValueError) as error:
            self._on_trouble(f"cannot announce {self._info.name} by zeroconf: {error or type(error).__name__}")

    async def stop(self) -> None:
        """Take the name back; a second call does nothing."""
        registering, self._registering = self._registering, None
        zeroconf, self._zeroconf = self._zeroconf, None
        if registering is not None:
            registering.cancel()
            await asyncio.wait([registering])
        if zeroconf is not None:
            await _close(zeroconf)


class ServiceBrowser:
    """Follows the services of one type.

    Args:
        service_type: Which.
        on_found: Told of a new or changed service, in the event loop.
        on_lost: Told the full name of one that said goodbye or whose record ran out.
        on_trouble: Told in a sentence when browsing is impossible.
        interfaces: IPv4 addresses to listen on; empty = all of this machine's, loopback included.
    """

    def __init__(
        self,
        service_type: str,
        on_found: Callable[[FoundService], None],
        on_lost: Callable[[str], None],
        on_trouble: Callable[[str], None],
        interfaces: Sequence[str] = (),
    ) -> None:
        self._type, self._interfaces = service_type, list(interfaces)
        self._on_found, self._on_lost, self._on_trouble = on_found, on_lost, on_trouble
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._resolving: dict[str, asyncio.Task[None]] = {}
        self._found: dict[str, FoundService] = {}

    async def start(self) -> None:
        """Begin to browse, without waiting; what is there already is found within 2 s."""
        self._zeroconf = _open(self._interfaces or _all_addresses(), self._on_trouble)
        if self._zeroconf is not None:
            self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, [self._type], handlers=[self._changed])

    def _changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed:
            self._forget(name)
        elif name in self._found or len(self._found) + len(self._resolving) < MAX_FOUND:
            self._cancel(name)
            self._resolving[name] = asyncio.get_running_loop().create_task(self._resolve(zeroconf, name))

    def _forget(self, name: str) -> None:
        self._cancel(name)
        if self._found.pop(name, None) is not None:
            self._on_lost(name)

    def _cancel(self, name: str) -> None:
        task = self._resolving.pop(name, None)
        if task is not None:
            task.cancel()

    async def _resolve(self, zeroconf: Zeroconf, name: str) -> None:
        info = AsyncServiceInfo(self._type, name)
        is_there = await info.async_request(zeroconf, RESOLVE_TIMEOUT_MS)
        self._resolving.pop(name, None)
        service = _read(info) if is_there else None
        if service is not None and self._found.get(name) != service:
            self._found[name] = service
            self._on_found(service)

    async def stop(self) -> None:
        """Stop browsing; a second call does nothing."""
        tasks = list(self._resolving.values())
        for name in list(self._resolving):
            self._cancel(name)
        if tasks:
            await asyncio.wait(tasks)
        browser, self._browser = self._browser, None
        zeroconf, self._zeroconf = self._zeroconf, None
        if browser is not None:
            await browser.async_cancel()
        if zeroconf is not None:
            await _close(zeroconf)


class ManagerBrowser:
    """Follows the managers on the network.

    Args:
        interfaces: IPv4 addresses to listen on; empty = all of this machine's, loopback included.
        on_found: Told of a new or changed manager, in the event loop.
        on_lost: Told its full service name when it is gone; keep a working link to it nevertheless.
        on_trouble: Told in a sentence when browsing is impossible.
    """

    def __init__(
        self,
        interfaces: Sequence[str],
        on_found: Callable[[ManagerAddress], None],
        on_lost: Callable[[str], None],
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tell = on_found
        self._browser = ServiceBrowser(MANAGER_TYPE, self._found, on_lost, on_trouble, interfaces)

    async def start(self) -> None:
        """Begin to browse, without waiting."""
        await self._browser.start()

    async def stop(self) -> None:
        """Stop browsing."""
        await self._browser.stop()

    def _found(self, service: FoundService) -> None:
        texts = service.properties
        with contextlib.suppress(ValueError):  # a record that is not a manager's is no manager
            self._tell(
                ManagerAddress(
                    name=service.name,
                    url=service.url,
                    cluster=texts.get("cluster", ""),
                    zmq_port=int(texts.get("zmq", "")),
                    curve_key=texts.get("curve", ""),
                    version=int(texts.get("v", "")),
                )
            )


def _open(interfaces: list[str], on_trouble: Callable[[str], None]) -> AsyncZeroconf | None:
    # zeroconf leaks its sockets when one interface is not there, so it is not left to find out.
    unknown = [address for address in interfaces if address not in _all_addresses()]
    if unknown:
        on_trouble(f"no zeroconf: this machine has no address {', '.join(unknown)}")
        return None
    try:
        return AsyncZeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)
    except (OSError, RuntimeError) as error:
        on_trouble(f"no zeroconf on {', '.join(interfaces)}: {error}")
        return None


def _read(info: AsyncServiceInfo) -> FoundService | None:
    hosts = tuple(info.parsed_addresses(IPVersion.V4Only))
    if not hosts or not info.port:
        return None
    texts: dict[str, Any] = info.decoded_properties
    return FoundService(info.name, hosts, info.port, {key: value or "" for key, value in texts.items()})


async def _close(zeroconf: AsyncZeroconf) -> None:
    """Unregister and close; a network that is gone must not hold up a stop."""
    with contextlib.suppress(TimeoutError, OSError, ZeroconfError):
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await zeroconf.async_unregister_all_services()
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await zeroconf.async_close()
