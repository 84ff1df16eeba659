"""What a client can be told: flags over ``DISIO_*`` environment over ``disio.toml`` over these defaults.

Rule: every setting is checked here, before anything is started.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from disio_shared.config import load_settings
from disio_shared.errors import ConfigError

MAX_CORES = 1024


class ClientSettings(msgspec.Struct, kw_only=True):
    """Settings of ``disio client start``."""

    distributor: str = ""
    """Base URL of the distributor."""
    cores: int = 0
    """Units to run at a time; 0 = all cores this process may use."""
    name: str = ""
    data_dir: str = ""
    """Empty = the user's place for application data."""
    log_level: str = "info"


def read_settings(flags: Mapping[str, Any]) -> ClientSettings:
    """Return checked settings; a flag that is None was not given.

    Raises:
        ConfigError: Something is wrong or missing.
    """
    settings = load_settings(ClientSettings, "client", flags)
    if not settings.distributor:
        raise ConfigError("--distributor", "is missing", "write --distributor http://HOST:PORT")
    if not _is_http_url(settings.distributor):
        raise ConfigError("--distributor", f"{settings.distributor!r} is no URL", "write http://HOST:PORT")
    if not 0 <= settings.cores <= MAX_CORES:
        raise ConfigError("--cores", f"{settings.cores} is not from 1 to {MAX_CORES}")
    return settings


def _is_http_url(text: str) -> bool:
    try:
        place = urlsplit(text)
        return place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        return False
