"""Settings of the distributor.

Rule: every field is an environment variable and a line of ``disio.toml``; those people change often are flags too.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from disio_shared.errors import ConfigError

DEFAULT_PORT = 8710
ZEROCONF = "zeroconf"
"""In place of a manager's URL: find managers on the local network."""
MAX_PROCESSES = 64
MIN_CACHE = 16 << 20
_SIZE = re.compile(r"(\d{1,15})\s*(|K|M|G|T)(?:i?B)?", re.IGNORECASE)
_POWERS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class DistributorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can choose."""

    manager: list[str] = msgspec.field(default_factory=lambda: [ZEROCONF])
    """Base URLs of managers, and ``zeroconf`` to look for them on the local network."""
    cache: str = ""
    """Cache URL; empty = SQLite in the data directory."""
    cache_limit: str = "10GiB"
    """What the cache may take: bytes, or a number with KiB, MiB, GiB or TiB; less if its disk has less."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """The next free one when taken, 0 = any."""
    public_url: str = ""
    """Where clients reach us; empty = host and port."""
    region: str = ""
    name: str = ""
    """For people; empty = this machine's name."""
    operator: str = ""
    """Who runs it, shown in /.well-known/disio.json."""
    purpose: str = ""
    """What it computes for, shown there too."""
    contact: str = ""
    """How volunteers reach who runs it, shown there too."""
    privacy: str = ""
    """What volunteers should know of their data, shown there too; empty = what disio itself does."""
    tasks_url: str = ""
    """A page that tells volunteers what is computed, shown there and in the box; empty = none."""
    max_clients: int = 10_000
    processes: int = 1
    """Distributors side by side on consecutive ports."""
    data_dir: str = ""
    """Empty = the user's place for application data."""
    join_token_file: str = ""
    """Empty = ``join.token`` in the data directory, when it is there."""
    zeroconf: bool = True
    """Announce this distributor on the local network."""
    zeroconf_interface: list[str] = []
    """IPv4 addresses to announce and browse on; empty = follows ``host``, and browses on all."""
    hello_timeout_s: float = 10.0
    """Seconds a connection has to say Hello."""
    drain_s: float = 10.0
    """Seconds a stop may take to bring in results and hand blocks back."""
    kits: str = ""
    """URL of a mirror that clients get the files of languages (Python) from; empty = from this distributor."""
    log_level: str = "info"
    json: bool = False
    """Machine-readable ready line and logs."""

    @property
    def manager_urls(self) -> list[str]:
        """Return the managers that were named."""
        return [url for url in self.manager if url != ZEROCONF]


def check_settings(settings: DistributorSettings) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigError: Names the setting.
    """
    urls = [("--manager", url, f"give http://host:port or {ZEROCONF}") for url in settings.manager_urls]
    urls.append(("--public-url", settings.public_url, "give the URL that clients use, such as https://d.example.org"))
    urls.append(("--kits", settings.kits, "give a mirror such as https://cdn.jsdelivr.net/npm/pyodide@314.0.7"))
    urls.append(("--tasks-url", settings.tasks_url, "give a public page such as https://d.example.org/status"))
    for setting, url, remedy in urls:
        if url or setting == "--manager":
            _check_url(setting, url, remedy)
    if size_in_bytes(settings.cache_limit) < MIN_CACHE:
        raise ConfigError("--cache-limit", f"{settings.cache_limit} is too little", "give 16MiB or more")
    if not settings.manager:
        raise ConfigError("--manager", "names nobody", f"give a URL or {ZEROCONF}")
    rules = [
        ("--port", 0 <= settings.port < 65536, "must be from 0 (any free one) to 65535"),
        ("--max-clients", 1 <= settings.max_clients <= 1_000_000, "must be from 1 to 1000000"),
        ("--processes", 1 <= settings.processes <= MAX_PROCESSES, f"must be from 1 to {MAX_PROCESSES}"),
        ("--name", len(settings.name) <= 100 and settings.name.isprintable(), "at most 100 printable characters"),
        ("--region", len(settings.region) <= 100 and settings.region.isprintable(), "at most 100 printable characters"),
        ("--operator", len(settings.operator) <= 200 and settings.operator.isprintable(), "at most 200 characters"),
        ("--purpose", len(settings.purpose) <= 500 and settings.purpose.isprintable(), "at most 500 characters"),
        ("--contact", len(settings.contact) <= 200 and settings.contact.isprintable(), "at most 200 characters"),
        ("--privacy", len(settings.privacy) <= 2_000, "at most 2000 characters"),
        ("hello_timeout_s", 0.05 <= settings.hello_timeout_s <= 600, "must be from 0.05 to 600 seconds"),
        ("drain_s", 0 <= settings.drain_s <= 600, "must be from 0 to 600 seconds"),
    ]
    for setting, is_fine, problem in rules:
        if not is_fine:
            raise ConfigError(setting, problem)
    if settings.join_token_file and not Path(settings.join_token_file).is_file():
        raise ConfigError("--join-token-file", f"there is no file {settings.join_token_file}")


def size_in_bytes(text: str) -> int:
    """Return the bytes that a size such as ``500MiB`` means.

    Raises:
        ConfigError: It is none.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ConfigError("--cache-limit", f"{text!r} is no size", "give bytes, or a number with MiB or GiB")
    return int(found[1]) << _POWERS[found[2].upper()]


def _check_url(setting: str, url: str, remedy: str) -> None:
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_fine = False
    if not is_fine:
        raise ConfigError(setting, f"{url!r} is no URL", remedy)
