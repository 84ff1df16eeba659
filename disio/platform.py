"""A whole disio on one machine: manager, distributor, dashboard and clients as child processes.

Rule: this is the one place that knows how the parts are started together; each part is its ordinary command.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from disio.processes import Service

ADMIN_TOKEN = "admin.token"


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """What to start.

    Attributes:
        data_dir: Holds everything; made when missing.
        clients: Client processes.
        cores: Units that each client runs at a time; 0 = the machine's cores shared among the clients.
        ports: Preferred ports of manager, link, distributor and dashboard; 0 = any.
        with_dashboard: Whether the dashboard is started.
        public_status: Whether everybody may see the status page.
    """

    data_dir: Path
    clients: int = 2
    cores: int = 0
    ports: tuple[int, int, int, int] = (8700, 8701, 8710, 8720)
    with_dashboard: bool = True
    public_status: bool = False


class Platform:
    """The running services."""

    def __init__(self, settings: PlatformSettings, on_event: Callable[[str], None] = lambda text: None) -> None:
        self.settings, self._on_event = settings, on_event
        self.services: dict[str, Service] = {}
        self.manager_url = self.distributor_url = self.dashboard_url = self.login_url = ""

    @property
    def token_file(self) -> Path:
        """Where the admin token lies."""
        return self.settings.data_dir / ADMIN_TOKEN

    async def start(self) -> None:
        """Start everything; on failure stop what runs.

        Raises:
            ServiceFailed: A part did not start.
        """
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            await self._start_services()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop clients first, then distributor and dashboard, the manager last."""
        clients = [service for name, service in self.services.items() if name.startswith("client")]
        await asyncio.gather(*(service.stop() for service in clients))
        for name in ("distributor", "dashboard", "manager"):
            if name in self.services:
                await self.services[name].stop()

    async def _start_services(self) -> None:
        rest, link, clients, board = (str(port) for port in self.settings.ports)
        shown = ("--public-status",) if self.settings.public_status else ()
        ready = await self._start("manager", "disio_manager", "--port", rest, "--zmq-port", link, *shown)
        self.manager_url = str(ready["url"])
        await asyncio.gather(self._start_distributor(clients), self._start_dashboard(board))
        await asyncio.gather(*(self._start_client(number) for number in range(1, self.settings.clients + 1)))

    async def _start_distributor(self, port: str) -> None:
        options = ["--manager", self.manager_url, "--port", port]
        if self.settings.public_status:
            options += ["--tasks-url", f"{self.manager_url}/status"]
        ready = await self._start("distributor", "disio_distributor", *options)
        self.distributor_url = str(ready["url"])

    async def _start_dashboard(self, port: str) -> None:
        if not self.settings.with_dashboard:
            return
        ready = await self._start("dashboard", "disio_dashboard", "--manager", self.manager_url, "--port", port)
        self.dashboard_url, self.login_url = str(ready["url"]), str(ready.get("login_url", ready["url"]))

    async def _start_client(self, number: int) -> None:
        cores = self.settings.cores or max(1, _cores() // self.settings.clients)
        name = f"client-{number}" if self.settings.clients > 1 else "client"
        await self._start(
            name, "disio_client", "--distributor", self.distributor_url, "--cores", str(cores), "--name", name
        )

    async def _start(self, name: str, module: str, *options: str) -> dict[str, object]:
        folder = self.settings.data_dir / name if name.startswith("client") else self.settings.data_dir
        verb = () if module == "disio_client" else ("start",)
        argv = ["-m", module, *verb, *options, "--data-dir", str(folder), "--json", "--log-level", "warning"]
        service = Service(name, argv, _environment(os.environ), self._on_event)
        self.services[name] = service
        ready = await service.start()
        _pin_ports(service, ready, options)
        return ready


def _pin_ports(service: Service, ready: Mapping[str, object], options: tuple[str, ...]) -> None:
    """Make a service that ends come back where its peers look for it."""
    if "--port" in options:
        service.pin_option("--port", str(urlsplit(str(ready["url"])).port))
    if "--zmq-port" in options:
        service.pin_option("--zmq-port", str(ready["zmq_port"]))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings of ours, which would reach services they were not meant for."""
    return {key: value for key, value in environment.items() if not key.startswith("DISIO_")}
