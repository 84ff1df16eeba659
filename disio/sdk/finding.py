"""Which manager is meant, and the token for it.

Rule: what is given comes first, then the environment, then the data directory of this machine: as for the commands.
"""

import os
from pathlib import Path

from disio.rest import ManagerClient
from disio.rest.transport import token_in
from disio_shared.addresses import is_http_url
from disio_shared.datadir import ADMIN_TOKEN, DataDir, default_path
from disio_shared.errors import ConfigError, ManagerUnreachable

Place = str | os.PathLike[str]


def find_manager(
    manager: str | None, token: str | None, token_file: Place | None, data_dir: Place | None, timeout_s: float
) -> ManagerClient:
    """Return a client of the manager that is meant, not connected yet.

    Raises:
        ConfigError: What is named is no URL.
        ManagerUnreachable: None is named and none runs on this machine.
        NotAuthorized: There is no token.
    """
    place = Path(data_dir or os.environ.get("DISIO_DATA_DIR") or default_path())
    url = manager or os.environ.get("DISIO_MANAGER") or _running_on(place)
    if not is_http_url(url):
        raise ConfigError("the manager", f"{url!r} is no URL", "write http://HOST:PORT")
    file = token_file or os.environ.get("DISIO_TOKEN_FILE") or place / ADMIN_TOKEN
    return ManagerClient(url, token or token_in(Path(file)), timeout_s)


def _running_on(place: Path) -> str:
    facts = DataDir(place).read_service("manager") if place.is_dir() else None
    if facts is None or not isinstance(facts.get("url"), str):
        problem = "no manager works on this data directory; start one (disio up), or name one: connect('http://...')"
        raise ManagerUnreachable(str(place), problem)
    return str(facts["url"])
