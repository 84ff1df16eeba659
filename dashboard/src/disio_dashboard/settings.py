"""What a dashboard is told at start.

Rule: a setting is checked here, once; the rest of the package trusts it.
"""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from disio_shared.datadir import ADMIN_TOKEN
from disio_shared.errors import ConfigError

DEFAULT_MANAGER = "http://127.0.0.1:8700"
ZEROCONF = "zeroconf"
LOCAL = "local"
MAX_MANAGERS = 32
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one dashboard is run."""

    data_dir: str | None = None
    manager: str | list[str] | None = None
    """URL of the manager, ``local``: what ``manager.json`` in the data directory says, ``zeroconf``: those that
    announce themselves; or several of these, as a list or with commas. None: ``local``."""
    token_file: str | None = None
    """Holds the admin token of the first manager; None: ``admin.token`` in the data directory, if it is there."""
    host: str = "127.0.0.1"
    port: int = 8720
    """0: any free port. A taken one: the next free one."""
    public_url: str | None = None
    """What people type when a proxy stands in front; ``https`` makes the cookie Secure."""
    log_level: str = "info"
    zeroconf_interface: str | None = None
    """IPv4 address on which managers are looked for; None: all of this machine's."""

    def __post_init__(self) -> None:
        if len(self.managers) > MAX_MANAGERS:
            raise ConfigError("--manager", f"{len(self.managers)} managers", f"name {MAX_MANAGERS} at most")
        for one in self.managers:
            if one not in (ZEROCONF, LOCAL):
                _check_url("--manager", one, f"http://HOST:PORT, {LOCAL} or {ZEROCONF}")
        if self.public_url is not None:
            _check_url("--public-url", self.public_url, "https://NAME")
        if not 0 <= self.port <= 65_535:
            raise ConfigError("--port", f"{self.port} is not a port", "use 0 to 65535")

    @property
    def managers(self) -> tuple[str, ...]:
        """Return the managers that were asked for, each once, in their order."""
        asked = self.manager.split(",") if isinstance(self.manager, str) else self.manager or [LOCAL]
        return tuple(dict.fromkeys(one.strip() for one in asked))

    @property
    def is_secure(self) -> bool:
        """Tell whether browsers reach the dashboard by https."""
        return self.public_url is not None and self.public_url.startswith("https:")

    @property
    def public_host(self) -> str | None:
        """Return the host name people type, without port, or None."""
        return urlsplit(self.public_url).hostname if self.public_url else None


def read_token(token_file: str | None, data_dir: Path) -> str | None:
    """Return the admin token in ``token_file``, else in the data directory, else None.

    Raises:
        ConfigError: ``token_file`` was given and holds no token.
    """
    place = Path(token_file) if token_file else data_dir / ADMIN_TOKEN
    try:
        token = place.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        if token_file is None:
            return None
        raise ConfigError("--token-file", f"no file {place}", "name the manager's admin.token") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("--token-file", f"cannot read {place}: {error}") from error
    if not token:
        raise ConfigError("--token-file", f"{place} is empty", "name the manager's admin.token")
    return token


def _check_url(setting: str, url: str, remedy: str) -> None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise ConfigError(setting, f"{url!r} is not a URL", f"use {remedy}")
