"""The distributor put together: the one place that names concrete parts; started in order, stopped in reverse.

Rule: it is ready when clients are served, whether or not a manager is there.
"""

import asyncio
import contextlib
import os
import socket
from pathlib import Path

from aiohttp import web

from disio_distributor.clients import ClientLink
from disio_distributor.config import ZEROCONF, DistributorSettings, check_settings, size_in_bytes
from disio_distributor.core.settings import CoreSettings
from disio_distributor.embedding import Embedding
from disio_distributor.helping import Helping
from disio_distributor.kits import Kits
from disio_distributor.loaders import Loaders
from disio_distributor.managers import JoinToken, Managers, ManagersSettings, load_keys
from disio_distributor.metrics import Metrics
from disio_distributor.reception import ClientLinkSettings
from disio_distributor.service import DistributorService
from disio_distributor.stores.base import DistributorCache
from disio_distributor.stores.opening import open_cache
from disio_distributor.visiting import Visiting
from disio_distributor.web import STATIC, Pages, Status, Web, Workunits
from disio_shared import __version__
from disio_shared.clock import SystemClock
from disio_shared.datadir import DataDir
from disio_shared.discovery import DISTRIBUTOR_TYPE, Announcement, interfaces_for
from disio_shared.errors import ConfigError
from disio_shared.logs import logger
from disio_shared.messages import PROTOCOL_VERSION, Join
from disio_shared.ports import listen, port_of, url_of

SERVICE = "distributor"
PRIVACY = (
    "Nothing runs before you press Start. The distributor sees your network address while you are connected, and keeps"
    " a random id and what you computed; of your visit to the page it counts only how long you helped."
)
OPT_OUT = "Press Stop in the badge: the id is forgotten. Without pressing Start nothing is computed and nothing stored."
LEASE_PART = 3
"""A client with running units speaks this many times per lease."""
MAX_HEAD = 16 << 10
"""Bytes of a request line and of a header field; there are no request bodies."""

log = logger("distributor")


class DistributorApp:
    """One distributor.

    Args:
        settings: See ``DistributorSettings``.

    Raises:
        ConfigError: A setting is wrong.
    """

    def __init__(self, settings: DistributorSettings) -> None:
        check_settings(settings)
        self._settings = settings
        self._clock = SystemClock()
        self._core_settings = CoreSettings(drain_s=settings.drain_s / 2)
        self._stack = contextlib.AsyncExitStack()
        self.url = ""
        """Where clients reach it, once started."""

    async def start(self) -> str:
        """Start everything and return the URL that clients use.

        Raises:
            ConfigError: A setting is wrong, or no port is free.
            StoreUnavailable: The cache is not there.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self.url

    async def stop(self) -> None:
        """Drain for at most ``drain_s`` seconds, then stop; a second call does nothing."""
        await self._stack.aclose()

    @property
    def broken(self) -> asyncio.Event:
        """Set when it can serve no longer and the process must end."""
        return self._service.broken

    async def _start(self) -> None:
        settings = self._settings
        self._data_dir = DataDir(Path(settings.data_dir) if settings.data_dir else None)
        self._refuse_twin()
        self._token = JoinToken(Path(settings.join_token_file) if settings.join_token_file else None, self._data_dir)
        self._cache = await open_cache(settings.cache, self._data_dir.path)
        self._stack.push_async_callback(self._cache.close)
        self._service = DistributorService(
            self._cache, self._core_settings, self._clock, size_in_bytes(self._settings.cache_limit)
        )
        self._loaders = Loaders(STATIC / "client.js", self._data_dir.path / "loaders")
        self._visiting = Visiting(self._cache, self._clock, self._loaders.current)
        self._managers = self._make_managers()
        self._clients = self._make_clients(self._cache)
        self._service.connect(self._clients, self._managers)
        await self._service.load()
        await self._visiting.start(self._managers)
        self._stack.push_async_callback(self._visiting.stop)
        listening = listen(settings.host, settings.port)
        self._stack.callback(listening.close)
        self.url = settings.public_url.rstrip("/") or url_of(self._reachable_host(), port_of(listening))
        self._service.start()
        self._stack.push_async_callback(self._service.stop)
        await self._serve(listening)
        await self._managers.start()
        self._stack.push_async_callback(self._managers.stop)
        self._stack.push_async_callback(self._leave)
        await self._announce(port_of(listening))
        self._data_dir.write_service(SERVICE, {"url": self.url, "name": self._name()})
        self._stack.callback(self._data_dir.remove_service, SERVICE)

    def _refuse_twin(self) -> None:
        """Refuse to share an embedded cache with a distributor that runs.

        Raises:
            ConfigError: One does.
        """
        twin = self._data_dir.read_service(SERVICE)
        if not self._settings.cache and twin is not None and twin["pid"] != os.getpid():
            raise ConfigError(
                "data directory",
                f"a distributor (process {twin['pid']}) uses {self._data_dir.path} already",
                "stop it, or choose another with --data-dir",
            )

    def _make_managers(self) -> Managers:
        found = ManagersSettings(
            urls=self._settings.manager_urls,
            browses=ZEROCONF in self._settings.manager,
            interfaces=self._settings.zeroconf_interface,
        )
        return Managers(found, load_keys(self._data_dir), self._service.submit, self._join, self._clock)

    def _make_clients(self, cache: DistributorCache) -> ClientLink:
        core = self._core_settings
        settings = ClientLinkSettings(
            name=self._name(),
            max_clients=self._settings.max_clients,
            hello_timeout_s=self._settings.hello_timeout_s,
            heartbeat_s=core.lease_s / LEASE_PART,
            max_result_bytes=core.max_result_bytes,
            max_state_bytes=core.max_state_bytes,
            public_url=self._settings.public_url,
        )
        standing, visiting = self._service.standing, self._visiting
        return ClientLink(
            settings,
            self._service,
            cache,
            self._siblings,
            self._clock,
            standing,
            visiting,
            self._service.keyring,
            # Pages of a distributor that is gone need this one most.
            self._managers.siblings_ever,
        )

    async def _serve(self, listening: socket.socket) -> None:
        app = web.Application(client_max_size=MAX_HEAD)
        self._clients.attach(app)
        metrics = Metrics(self._service.stats, self._clients, self._managers.states)
        status = Status(
            is_ready=lambda: self._service.is_well and not self._clients.is_draining,
            managers=self._managers.states,
            metrics=metrics.text,
            description=self._description(),
        )
        Kits(mirror=self._settings.kits).attach(app)
        description = self._description()
        Embedding(self._loaders, self._visiting, lambda: self.url, description, self._clock).attach(app)
        Helping(self._online_first, self._clock).attach(app)
        Web(Pages(), Workunits(self._cache), status).attach(app)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listening).start()

    def _online_first(self) -> list[str]:
        states = self._managers.states()
        return sorted(states, key=lambda url: not states[url])

    async def _leave(self) -> None:
        """Give back what is not done and say goodbye, while the links are still up."""
        self._clients.is_draining = True
        if not await self._service.drain(self._settings.drain_s):
            log.warning("not everything was handed back in time; its leases will run out")
        await self._clients.stop()

    async def _announce(self, port: int) -> None:
        if not self._settings.zeroconf:
            return
        interfaces = self._settings.zeroconf_interface or interfaces_for(self._settings.host)
        facts = {"v": str(PROTOCOL_VERSION), "url": self.url, "region": self._settings.region}
        announcement = Announcement(DISTRIBUTOR_TYPE, f"{self._name()} {port}", port, facts, interfaces, log.warning)
        await announcement.start()
        self._stack.push_async_callback(announcement.stop)

    def _join(self, cluster: str) -> Join:
        return Join(
            version=PROTOCOL_VERSION,
            distributor=self._service.distributor_id,
            name=self._name(),
            url=self.url,
            region=self._settings.region,
            max_clients=self._settings.max_clients,
            join_token=self._token.read(),
            software=f"disio/{__version__}",
            speaks=["clients", "matching", "story", "orders"],
            held=self._service.held(cluster),
        )

    def _siblings(self) -> list[str]:
        return [url for url in self._managers.siblings() if url.rstrip("/") != self.url]

    def _description(self) -> dict[str, str]:
        settings = self._settings
        facts = {"name": self._name(), "operator": settings.operator, "purpose": settings.purpose}
        facts |= {"contact": settings.contact, "privacy": settings.privacy or PRIVACY, "opt_out": OPT_OUT}
        return {**facts, "tasks_url": settings.tasks_url, "region": settings.region, "url": self.url}

    def _name(self) -> str:
        return self._settings.name or socket.gethostname()

    def _reachable_host(self) -> str:
        """Return the address other machines use when we listen on all."""
        host = self._settings.host
        return interfaces_for(host)[0] if host in ("", "0.0.0.0", "::") else host
