"""What a dashboard is told at start.

Rule: a setting is checked here, once; the rest of the package trusts it.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from disio_shared.errors import ConfigError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8720
DEFAULT_MANAGER = "http://127.0.0.1:8700"
ZEROCONF = "zeroconf"
STATIC_DIR = Path(__file__).parent / "static"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def default_data_dir() -> Path:
    """Return the per-user place where disio keeps its data."""
    return Path(platformdirs.user_data_dir("disio", appauthor=False))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one dashboard is run."""

    data_dir: Path = field(default_factory=default_data_dir)
    manager: str | None = None
    """URL of the manager, ``zeroconf``, or None: what ``manager.json`` in the data directory says."""
    token: str | None = None
    """The manager's admin token; None: people sign in with it, and each session uses the one that was typed."""
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    """0 or a taken port: the next free one."""
    public_url: str | None = None
    """What people type when a proxy stands in front; ``https`` makes the cookie Secure."""
    static_dir: Path = STATIC_DIR

    def __post_init__(self) -> None:
        if self.manager is not None and self.manager != ZEROCONF:
            _check_url("--manager", self.manager, f"http://HOST:PORT or {ZEROCONF}")
        if self.public_url is not None:
            _check_url("--public-url", self.public_url, "https://NAME")
        if not 0 <= self.port <= 65_535:
            raise ConfigError("--port", f"{self.port} is not a port", "use 0 to 65535")

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach the dashboard."""
        if self.host in LOOPBACK_NAMES:
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_secure(self) -> bool:
        """Tell whether browsers reach the dashboard by https."""
        return self.public_url is not None and self.public_url.startswith("https:")

    @property
    def public_host(self) -> str | None:
        """Return the host name people type, without port, or None."""
        return urlsplit(self.public_url).hostname if self.public_url else None


def read_token(path: Path | None, data_dir: Path) -> str | None:
    """Return the admin token in ``path``, else in the data directory, else None.

    Raises:
        ConfigError: ``path`` was given and holds no token.
    """
    place = path or data_dir / "admin.token"
    try:
        token = place.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        if path is None:
            return None
        raise ConfigError("--token-file", f"no file {place}", "name the manager's admin.token") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("--token-file", f"cannot read {place}: {error}") from error
    if not token:
        raise ConfigError("--token-file", f"{place} is empty", "name the manager's admin.token")
    return token


def _check_url(setting: str, url: str, remedy: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(setting, f"{url!r} is not a URL", f"use {remedy}")
