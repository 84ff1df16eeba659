"""What a client can be told: flags over ``DISIO_*`` environment over ``disio.toml`` over these defaults.

Rule: every setting is checked here, before anything is started.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from disio_shared.abilities import LANGUAGES, MAX_ABILITIES, NATIVE, is_ability
from disio_shared.addresses import is_http_url
from disio_shared.config import load_settings
from disio_shared.errors import ConfigError

MAX_CORES = 1024
MAX_TRUSTED = MAX_ABILITIES - len(LANGUAGES)
"""Clusters that one client trusts: it announces each as an ability."""


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
    trust_native: list[str] = []
    """Ids of clusters whose managers may run native Python here."""


def read_settings(flags: Mapping[str, Any]) -> ClientSettings:
    """Return checked settings; a flag that is None was not given.

    Raises:
        ConfigError: Something is wrong or missing.
    """
    try:
        settings = load_settings(ClientSettings, "client", flags)
    except FileNotFoundError as error:  # disio.toml is looked for in it
        raise ConfigError("working directory", "is gone", "change into one that is there") from error
    if not settings.distributor:
        raise ConfigError("--distributor", "is missing", "write --distributor http://HOST:PORT")
    if not is_http_url(settings.distributor):
        raise ConfigError("--distributor", f"{settings.distributor!r} is no URL", "write http://HOST:PORT")
    if not 0 <= settings.cores <= MAX_CORES:
        raise ConfigError("--cores", f"{settings.cores} is not from 1 to {MAX_CORES}")
    if not settings.name.isprintable():
        raise ConfigError("--name", f"{settings.name!r} has characters that cannot be shown", "write another one")
    _check_data_dir(settings.data_dir)
    _check_trusted(settings.trust_native)
    return settings


def _check_data_dir(path: str) -> None:
    try:
        Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError("--data-dir", f"{path}: {error}", "name it from the root on: /...") from error


def _check_trusted(clusters: list[str]) -> None:
    remedy = "write the id of the managers' cluster, as `disio doctor` and GET /api/link of a manager tell it"
    for cluster in clusters:
        if not is_ability(NATIVE + cluster):
            raise ConfigError("--trust-native", f"{cluster!r} is no id of a cluster", remedy)
    if len(set(clusters)) > MAX_TRUSTED:
        raise ConfigError("--trust-native", f"{len(set(clusters))} clusters are over the limit of {MAX_TRUSTED}")
