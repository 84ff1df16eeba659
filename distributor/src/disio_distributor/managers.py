"""Which managers there are, and one link to each.

Rule: a manager that the operator named is tried for ever, one that was found or that another one told of as long as
that holds; two addresses of one manager (the same key) make one link.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import zmq

from disio_distributor.core.commands import SendManager
from disio_distributor.core.events import Event
from disio_distributor.link import CurveKeys, ManagerLink
from disio_shared import messages
from disio_shared.clock import Clock
from disio_shared.datadir import JOIN_TOKEN, DataDir
from disio_shared.discovery import ManagerAddress, ManagerBrowser
from disio_shared.errors import ConfigError
from disio_shared.logs import logger

MAX_LINKS = 64
MAX_TOLD = 16
"""Managers of one cluster that are linked to because another one told of them."""
MAX_URL = 300
FORGET_S = 600.0
"""How long a manager that nobody names any more is tried."""
SWEEP_S = 30.0
KEYS_FILE = "distributor-curve.json"

log = logger("distributor.managers")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagersSettings:
    """Where managers are looked for."""

    urls: Sequence[str]
    """Base URLs of managers."""
    browses: bool
    """Look for managers by zeroconf too."""
    interfaces: Sequence[str]
    """IPv4 addresses zeroconf listens on; empty = all."""


def load_keys(data_dir: DataDir) -> CurveKeys:
    """Return this distributor's own key pair, made at first use.

    Raises:
        ConfigError: The file is damaged.
    """
    text = data_dir.secret(KEYS_FILE, _fresh_keys)
    try:
        keys = json.loads(text)
        return CurveKeys(str(keys["public"]), str(keys["secret"]))
    except (ValueError, KeyError, TypeError) as error:
        path = data_dir.path / KEYS_FILE
        raise ConfigError(str(path), f"does not read: {error}", "delete it, and a new one is made") from error


def _fresh_keys() -> str:
    public, secret = zmq.curve_keypair()
    return json.dumps({"public": public.decode(), "secret": secret.decode()})


class JoinToken:
    """The join token, read anew for each try: it may appear or change while we run.

    Args:
        path: Its file; None = ``join.token`` in the data directory, when it is there.

    Raises:
        ConfigError: The named file cannot be read.
    """

    def __init__(self, path: Path | None, data_dir: DataDir) -> None:
        self._path = path or data_dir.path / JOIN_TOKEN
        if path is not None and not path.is_file():
            raise ConfigError("--join-token-file", f"there is no file {path}")

    def read(self) -> str:
        """Return the token, or an empty text when there is none."""
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""


class Managers:
    """All links.

    Args:
        settings: Where to look.
        keys: Our key pair.
        submit: Takes events, and returns when what follows is durable.
        join: Makes the first message of a session, given the manager's cluster.
        clock: Steady time.
    """

    def __init__(
        self,
        settings: ManagersSettings,
        keys: CurveKeys,
        submit: Callable[[Event], Awaitable[None]],
        join: Callable[[str], messages.Join],
        clock: Clock,
    ) -> None:
        self._settings, self._keys, self._submit, self._join, self._clock = settings, keys, submit, join, clock
        self._links: dict[str, ManagerLink] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._found: dict[str, str] = {}
        self._told: dict[str, list[str]] = {}
        """By link, what its manager said last of the others of its cluster."""
        self._sweeper: asyncio.Task[None] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._browser: ManagerBrowser | None = None

    async def start(self) -> None:
        """Begin to look for managers and to link to them, without waiting."""
        self._http = aiohttp.ClientSession()
        self._sweeper = asyncio.create_task(self._sweep_for_ever())
        for url in self._settings.urls:
            self._add(url)
        if self._settings.browses:
            self._browser = ManagerBrowser(self._settings.interfaces, self._was_found, self._was_lost, log.warning)
            await self._browser.start()

    async def stop(self) -> None:
        """Close every link."""
        if self._browser is not None:
            await self._browser.stop()
        tasks = [*self._tasks.values(), *([self._sweeper] if self._sweeper is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)
        self._tasks.clear()
        self._links.clear()
        if self._http is not None:
            await self._http.close()

    def perform(self, command: SendManager) -> None:
        """Send a message over its link; dropped when that is down."""
        link = self._links.get(command.link)
        if link is not None:
            link.send(command.message)

    def hearers(self, word: str) -> dict[str, int]:
        """Return the links that are online to managers that hear something, each with the number of its session."""
        return {url: link.admissions for url, link in self._links.items() if link.is_online and word in link.hears}

    def tell(self, url: str, message: messages.Sites) -> None:
        """Send a message over a link; dropped when that is down."""
        link = self._links.get(url)
        if link is not None:
            link.send(message)

    def restart(self) -> None:
        """Begin new sessions on all links: the core has forgotten the old ones."""
        for url, task in list(self._tasks.items()):
            task.cancel()
            self._tasks[url] = asyncio.create_task(self._links[url].run())

    def siblings(self) -> list[str]:
        """Return base URLs of other distributors, best first, as last heard."""
        return list(dict.fromkeys(url for link in self._links.values() for url in link.siblings))

    def siblings_ever(self) -> list[str]:
        """Return base URLs of all distributors that managers named lately, those that are gone among them."""
        return list(dict.fromkeys(url for link in self._links.values() for url in link.siblings_ever))

    def states(self) -> dict[str, bool]:
        """Return URL to whether its link is online."""
        return {url: link.is_online for url, link in self._links.items()}

    def _add(self, url: str, cluster: str = "") -> None:
        """Link to a manager, of one cluster alone if that is given."""
        url = url.rstrip("/")
        if url in self._links or len(self._links) >= MAX_LINKS or self._http is None:
            return
        link = ManagerLink(
            url, self._keys, self._http, self._submit, self._join, self._claim, self._was_told, self._clock, cluster
        )
        self._links[url] = link
        self._tasks[url] = asyncio.create_task(link.run())

    def _drop(self, url: str) -> None:
        del self._links[url]
        self._told.pop(url, None)
        self._tasks.pop(url).cancel()

    def _claim(self, link: ManagerLink, curve_key: str) -> bool:
        """Give a manager to one link alone: the one that is up, else of those that try the one named first."""
        others = list(self._links.values())
        rivals = [other for other in others if other is not link and other.curve_key == curve_key]
        if link not in others or any(rival.is_online for rival in rivals):
            return False
        return all(others.index(link) < others.index(rival) for rival in rivals)

    def _was_told(self, link: ManagerLink, urls: list[str]) -> None:
        """Link to the other managers of a cluster, as one of them names them."""
        self._told[link.url] = [url.rstrip("/") for url in urls[:MAX_TOLD] if _is_url(url)]
        for url in self._told[link.url]:
            if url not in self._links and self._has_room(link.cluster):
                log.info("manager named by another one", manager=url, cluster=link.cluster)
                self._add(url, link.cluster)

    def _has_room(self, cluster: str) -> bool:
        """Tell whether hearsay may add a link to a cluster; one that is of no use any more makes room."""
        by_hearsay = [url for url, link in self._links.items() if link.expected == cluster]
        if len(by_hearsay) < MAX_TOLD:
            return True
        named = self._named()
        useless = next((url for url in by_hearsay if url not in named and not self._links[url].is_online), None)
        if useless is not None:
            self._drop(useless)
        return useless is not None

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """Forget managers that nobody names any more and that have been unreachable for ten minutes."""
        wanted = self._named()
        since = self._clock.steady() - FORGET_S
        for url, link in list(self._links.items()):
            if url not in wanted and not link.is_online and link.offline_since <= since:
                self._drop(url)

    def _named(self) -> set[str]:
        """Return the managers that the operator, zeroconf or another manager names."""
        told = {url for urls in self._told.values() for url in urls}
        return told | {url.rstrip("/") for url in self._settings.urls} | set(self._found.values())

    def _was_found(self, address: ManagerAddress) -> None:
        url = address.url.rstrip("/")
        log.info("manager found by zeroconf", manager=url, cluster=address.cluster)
        self._found[address.name] = url
        self._add(url)

    def _was_lost(self, name: str) -> None:
        """Forget a manager that said goodbye; a link that works, or that somebody named, stays."""
        url = self._found.pop(name, "")
        link = self._links.get(url)
        named = {given.rstrip("/") for given in self._settings.urls} | {
            each for urls in self._told.values() for each in urls
        }
        if link is not None and not link.is_online and url not in named:
            self._drop(url)


def _is_url(url: str) -> bool:
    """Tell whether a manager may be linked to there."""
    try:
        parts = urlsplit(url)
        return len(url) <= MAX_URL and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
