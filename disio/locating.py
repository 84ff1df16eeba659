"""Where the manager is that a command means, and with which token it may be asked.

Rule: what the command line or the environment names comes first, then the data directory of this machine.
"""

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from disio import clicking as click
from disio_shared.errors import ConfigError, ManagerUnreachable, NotAuthorized

TIMEOUT_S, MAX_TIMEOUT_S = 30.0, 86_400.0
"""Seconds that one answer of a manager may take: unless something else is said, and at most."""


class Seconds(click.FloatRange):
    """A time in seconds, from the least to the most; what floats know beside numbers is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        seconds = float(super().convert(value, param, ctx))
        return seconds if math.isfinite(seconds) else self.fail(f"{value} is no time in seconds.", param, ctx)


class Where(NamedTuple):
    """Which manager a command means, and how it is asked."""

    manager: str | None = None
    token_file: Path | None = None
    data_dir: Path | None = None
    as_json: bool = False
    timeout_s: float = TIMEOUT_S
    """Of one request."""


def manager_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that asks a manager the options of all of them; it is called with ``where``, made of these."""
    timeout = click.option(
        "--timeout",
        "timeout_s",
        type=Seconds(0.001, MAX_TIMEOUT_S),
        default=TIMEOUT_S,
        show_default=True,
        metavar="S",
        help="Seconds that the manager may take to answer a request.",
    )
    return place_options(timeout(command))


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--manager``, ``--token-file``, ``--data-dir`` and ``--json``, for one that has its own time."""

    @functools.wraps(command)
    def located(
        manager: str | None,
        token_file: Path | None,
        data_dir: Path | None,
        as_json: bool,
        timeout_s: float = TIMEOUT_S,
        **options: Any,
    ) -> Any:
        return command(where=Where(manager, token_file, data_dir, as_json, timeout_s), **options)

    choices = (
        click.option("--manager", metavar="URL", envvar="DISIO_MANAGER", help="The manager [default: this machine's]."),
        click.option(
            "--token-file",
            type=click.Path(dir_okay=False, path_type=Path),
            envvar="DISIO_TOKEN_FILE",
            help="A file with a token [default: that of disio login, else admin.token in the data directory].",
        ),
        data_dir_option("Where a manager of this machine keeps its token."),
        json_option(),
    )
    decorated: Callable[..., Any] = located
    for option in reversed(choices):
        decorated = option(decorated)
    return decorated


def data_dir_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--data-dir`` with a help text."""
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--data-dir", type=kind, envvar="DISIO_DATA_DIR", help=text)


def json_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout.")


def locate(manager: str | None, token_file: Path | None, data_dir: Path | None) -> tuple[str, Path]:
    """Return a manager's URL and the file with a token: what is named, that of ``disio login``, or its admin token.

    Raises:
        ConfigError: What is named is no URL.
        ManagerUnreachable: None is named and none runs on this machine.
        NotAuthorized: There is no token file.
    """
    from disio_shared.datadir import ADMIN_TOKEN

    url, signed_in = locate_login(manager, data_dir)
    token = token_file or (signed_in if os.path.isfile(signed_in) else signed_in.parent.parent / ADMIN_TOKEN)
    if not os.path.isfile(token):
        problem = f"there is no token file {token}"
        raise NotAuthorized(
            f"{problem}: sign in (disio login), copy admin.token from the manager, or give --token-file"
        )
    return url, token


def locate_login(manager: str | None, data_dir: Path | None) -> tuple[str, Path]:
    """Return a manager's URL, and the file in which ``disio login`` keeps its session there.

    Raises:
        ConfigError: What is named is no URL.
        ManagerUnreachable: None is named and none runs on this machine.
    """
    from disio.logins import login_file
    from disio_shared.addresses import is_http_url  # here: completion does without
    from disio_shared.datadir import default_path

    place = data_dir or default_path()
    if manager is None:
        manager = _running_on(place)
    elif not is_http_url(manager):
        raise ConfigError("--manager", f"{manager!r} is no URL", "write http://HOST:PORT")
    return manager, login_file(place, manager)


def _running_on(place: Path) -> str:
    """Return the URL of the manager that works on a data directory."""
    from disio_shared.datadir import DataDir

    facts = DataDir(place).read_service("manager") if os.path.isdir(place) else None
    if facts is None or not isinstance(facts.get("url"), str):
        problem = "no manager works on this data directory; start one (disio up), or name one with --manager"
        raise ManagerUnreachable(str(place), problem)
    return str(facts["url"])
