"""What one running dashboard keeps between requests.

Rule: everything is in the application's own state; the package has no module-level variables.
"""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from disio_dashboard.sessions import FailureLimiter, LoginLinks, SessionTable
from disio_dashboard.settings import Settings
from disio_dashboard.upstream import Upstream


@dataclass
class State:
    """The tables and the way to the manager."""

    settings: Settings
    upstream: Upstream
    sessions: SessionTable = field(default_factory=SessionTable)
    links: LoginLinks = field(default_factory=LoginLinks)
    failures: FailureLimiter = field(default_factory=FailureLimiter)

    def now(self) -> float:
        """Return the time the tables go by, in seconds."""
        return asyncio.get_running_loop().time()


STATE: web.AppKey[State] = web.AppKey("state", State)
