"""What one running dashboard keeps between requests.

Rule: everything is in the application's own state; the package has no module-level variables.
"""

from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from disio_dashboard.sessions import FailureLimiter, LoginLinks, SessionTable
from disio_dashboard.settings import Settings
from disio_dashboard.upstream import Upstream
from disio_shared.clock import Clock, SystemClock
from disio_shared.datadir import DataDir


@dataclass
class State:
    """The tables and the way to the manager."""

    settings: Settings
    token: str | None
    """The manager's admin token; None: people sign in with it, and each session uses the one that was typed."""
    static_dir: Path
    data_dir: DataDir
    upstream: Upstream
    clock: Clock = field(default_factory=SystemClock)
    sessions: SessionTable = field(default_factory=SessionTable)
    links: LoginLinks = field(default_factory=LoginLinks)
    failures: FailureLimiter = field(default_factory=FailureLimiter)

    def now(self) -> float:
        """Return the time the tables go by, in seconds."""
        return self.clock.steady()


STATE: web.AppKey[State] = web.AppKey("state", State)
