"""The managers this dashboard knows, and which of them are one cluster.

Rule: a manager is known by its address alone. What a cluster calls itself only groups what is shown: who signed in at
an address, or whose token it is, is known to that address and to no other.
"""

import asyncio
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from disio_dashboard.finding import ZeroconfAddress
from disio_dashboard.settings import LOCAL, ZEROCONF, Settings
from disio_dashboard.upstream import FileAddress, FixedAddress, Upstream, decoded
from disio_shared.datadir import DataDir
from disio_shared.discovery import MANAGER_TYPE, ManagerAddress
from disio_shared.errors import ManagerUnreachable

MAX_FOUND = 32
"""Managers that are kept of those that announce themselves; gone ones make room, then no more are taken in."""
LOOK_S = 5.0
"""For so long it is taken as told whether a manager answers."""
LOOK_TIMEOUT_S = 2.0
MAX_TITLE = 60
FIRST_FOUND = "found"
ENDING = 6
"""Characters at the end of an announced name that make it unique on the network."""


class _Link(msgspec.Struct):
    """What every manager tells everybody, as far as it is read here."""

    cluster: str = ""


@dataclass
class Place:
    """One manager: an address, and what is known of it."""

    key: str
    upstream: Upstream
    title: str = ""
    is_own: bool = False
    """The dashboard's own token is this manager's."""
    is_found: bool = False
    """It announced itself: nobody named it."""
    cluster: str = ""
    """What its cluster says it is; nothing is trusted for it."""
    is_there: bool = True
    """It answered when it was last looked at, and did not say goodbye since."""
    names: set[str] = field(default_factory=set)
    """Under which it announces itself now."""
    looked_at: float = float("-inf")

    @property
    def address(self) -> str:
        """Return host and port, for people; nothing while they are not known."""
        return urlsplit(self.upstream.known).netloc

    async def look(self, now: float) -> None:
        """Ask whether it is there, and of which cluster; no secret goes with that."""
        if now - self.looked_at < LOOK_S:
            return
        self.looked_at = now
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                status, told = await self.upstream.ask("GET", "/api/link", "")
            self.is_there = status == 200
            self.cluster = decoded(told, _Link).cluster[:MAX_TITLE] if status == 200 else self.cluster
        except (ManagerUnreachable, TimeoutError):
            self.is_there = False


class Places:
    """All managers, those that were named first.

    Args:
        settings: Which are named, and whether others are looked for.
        data_dir: Where a manager of this machine writes its address.
    """

    def __init__(self, settings: Settings, data_dir: DataDir) -> None:
        asked, interface = settings.managers, settings.zeroconf_interface
        self._finder: ZeroconfAddress | None = None
        self._places: dict[str, Place] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.left_out = 0
        """Announced managers for which there was no room."""
        if ZEROCONF in asked:
            self._finder = ZeroconfAddress((interface,) if interface else (), self._found, self._lost)
        for one in asked:
            if one == LOCAL:
                self._add(Place(LOCAL, Upstream(FileAddress(data_dir)), "This machine"))
            elif one != ZEROCONF:
                self._add(Place(key_of(one), Upstream(FixedAddress(one))))
        if self._finder is not None and not self._places:
            self._add(Place(FIRST_FOUND, Upstream(self._finder), is_found=True))
        self.default.is_own = True

    def _add(self, place: Place) -> None:
        self._places[place.key] = place

    def __iter__(self) -> Iterator[Place]:
        """Go through them in their order."""
        return iter(list(self._places.values()))

    @property
    def default(self) -> Place:
        """Return the manager for who chose none."""
        return next(iter(self._places.values()))

    @property
    def are_many(self) -> bool:
        """Tell whether there is anything to choose, or may be soon."""
        return len(self._places) > 1 or self._finder is not None

    def get(self, key: str) -> Place | None:
        """Return a manager by its key."""
        return self._places.get(key)

    async def open(self) -> None:
        """Begin to look for managers, if that is asked for."""
        if self._finder is not None:
            await self._finder.start()

    async def close(self) -> None:
        """End every call."""
        if self._finder is not None:
            await self._finder.close()
        for place in self:
            await place.upstream.close()
        if self._closing:
            await asyncio.wait(self._closing)

    async def look(self, now: float) -> None:
        """Look at all of them."""
        await asyncio.gather(*(place.look(now) for place in self))

    def _found(self, manager: ManagerAddress) -> None:
        place = next((each for each in self if each.upstream.known == manager.url), None)
        if place is None:
            if not self._has_room():
                self.left_out += 1
                return
            place = Place(key_of(manager.url), Upstream(FixedAddress(manager.url)), is_found=True)
            self._add(place)
        place.names.add(manager.name)
        place.is_there, place.cluster = True, place.cluster or manager.cluster[:MAX_TITLE]
        if place.is_found:
            place.title = _label(manager.name)

    def _lost(self, name: str) -> None:
        for place in self:
            if name in place.names:
                place.names.discard(name)
                # A goodbye can be wrong: the next look tells.
                place.looked_at = float("-inf")
                place.is_there = bool(place.names) or not place.is_found

    def _has_room(self) -> bool:
        found = [place for place in self if place.is_found and not place.is_own]
        gone = [place for place in found if not place.names and not place.is_there]
        if len(found) >= MAX_FOUND and gone:
            dropped = asyncio.get_running_loop().create_task(self._places.pop(gone[0].key).upstream.close())
            self._closing.add(dropped)
            dropped.add_done_callback(self._closing.discard)
            return True
        return len(found) < MAX_FOUND


def key_of(url: str) -> str:
    """Return by what an address is called in cookies and forms."""
    return hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:12]


def grouped(places: Collection[Place], preferred: Collection[str]) -> list[list[Place]]:
    """Return the managers of each cluster, the one that stands for it first.

    That is one in ``preferred`` (where somebody signed in, the chosen one first), else one that was named rather than
    found (anybody can announce any cluster), else one that answers. A manager that tells no cluster is one by itself.
    """
    clusters: dict[str, list[Place]] = {}
    for place in places:
        clusters.setdefault(place.cluster or f"at {place.key}", []).append(place)
    order = list(preferred)

    def rank(place: Place) -> tuple[int, bool, bool]:
        return order.index(place.key) if place.key in order else len(order), place.is_found, not place.is_there

    return [sorted(members, key=rank) for members in clusters.values()]


def _label(name: str) -> str:
    """Return what a manager calls itself when it announces itself."""
    label = name.removesuffix(f".{MANAGER_TYPE}")[:-ENDING].strip()
    return "".join(letter for letter in label if letter.isprintable())[:MAX_TITLE]
