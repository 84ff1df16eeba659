"""What ``disio login``, ``logout`` and ``whoami`` do.

Rule: the secret of a session is written to its file, and shown nowhere.
"""

import asyncio
import sys
from pathlib import Path

import click

from disio import shapes
from disio.commands.asking import ask
from disio.locating import Where, locate_login
from disio.printing import emit, tell
from disio.rest import ManagerClient, RestProblem
from disio.rest.transport import token_in
from disio.showing import printable
from disio_shared.datadir import DataDir
from disio_shared.errors import ConfigError, NotAuthorized

MAX_PASSWORD_BYTES = 4_096


def sign_in(where: Where, name: str, password_file: str | None) -> int:
    """Begin a session and keep it; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    url, file = locate_login(where.manager, where.data_dir)
    body = {"name": name, "password": password_of(password_file)}

    async def asked() -> dict[str, object]:
        async with ManagerClient(url, "none", where.timeout_s) as manager:
            return await manager.json("POST", "/api/login", body)

    made = asyncio.run(asked())
    DataDir(file.parent).replace_secret(file.name, str(made["secret"]))
    if where.as_json:
        emit(shapes.Who, {"manager": url, "name": made["name"], "role": made["role"], "how": "session"})
    else:
        tell(f"signed in at {url} as {made['name']}, role {made['role']}")
    return 0


def sign_out(where: Where) -> int:
    """End the session that is kept; return the exit status.

    Raises:
        DisioError: The manager is away.
    """
    url, file = locate_login(where.manager, where.data_dir)
    was_there = file.is_file()
    if was_there:
        secret = token_in(file)

        async def asked() -> None:
            async with ManagerClient(url, secret, where.timeout_s) as manager:
                await manager.json("POST", "/api/logout")

        try:
            asyncio.run(asked())
        except (NotAuthorized, RestProblem) as error:  # over already
            if getattr(error, "status", error.http_status) not in (401, 403):
                raise
        file.unlink(missing_ok=True)
    if where.as_json:
        emit(shapes.SignedOut, {"manager": url, "signed_out": was_there})
    else:
        tell(f"signed out of {url}" if was_there else f"nobody was signed in at {url}")
    return 0


def show_who(where: Where) -> int:
    """Print who calls; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """

    async def asked(manager: ManagerClient) -> dict[str, object]:
        me = await manager.me()
        return {"manager": manager.url, **{key: me[key] for key in ("name", "role", "how")}}

    found = ask(where, asked)
    if where.as_json:
        emit(shapes.Who, found)
    else:
        click.echo(f"{printable(str(found['name']))} {found['role']}")
        tell(f"at {found['manager']}, by {HOW[str(found['how'])]}")
    return 0


HOW = {"machine": "the manager's own token", "session": "name and password", "token": "an API token"}


def password_of(password_file: str | None, what: str = "Password", *, is_new: bool = False) -> str:
    """Return a password: from a file, or as somebody types it.

    Raises:
        ConfigError: The file cannot be read, or nobody can be asked.
    """
    if password_file is None:
        if not sys.stdin.isatty():
            raise ConfigError("--password-file", "nobody can be asked here", "name a file, or - for stdin")
        return str(click.prompt(what, hide_input=True, err=True, confirmation_prompt=is_new))
    try:
        if password_file == "-":
            text = sys.stdin.buffer.readline(MAX_PASSWORD_BYTES)
        else:
            with Path(password_file).open("rb") as file:
                text = file.readline(MAX_PASSWORD_BYTES)
        return text.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("--password-file", f"{password_file} cannot be read: {error}", "name another file") from error
