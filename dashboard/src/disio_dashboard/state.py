"""What one running dashboard keeps between requests.

Rule: everything is in the application's own state; the package has no module-level variables.
"""

from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from disio_dashboard.clusters import Places
from disio_dashboard.sessions import FailureLimiter, LoginLinks, SessionTable
from disio_dashboard.settings import Settings
from disio_dashboard.upstream import Upstream
from disio_shared.clock import Clock, SystemClock
from disio_shared.datadir import DataDir


@dataclass
class State:
    """The tables and the ways to the managers."""

    settings: Settings
    token: str | None
    """The admin token of the default manager; None: people sign in with it, and each session uses what was typed."""
    static_dir: Path
    data_dir: DataDir
    places: Places
    clock: Clock = field(default_factory=SystemClock)
    sessions: SessionTable = field(default_factory=SessionTable)
    links: LoginLinks = field(default_factory=LoginLinks)
    failures: FailureLimiter = field(default_factory=FailureLimiter)

    @property
    def upstream(self) -> Upstream:
        """Return the way to the manager for who chose none; nothing of who chose another goes there."""
        return self.places.default.upstream

    def now(self) -> float:
        """Return the time the tables go by, in seconds."""
        return self.clock.steady()


STATE: web.AppKey[State] = web.AppKey("state", State)
