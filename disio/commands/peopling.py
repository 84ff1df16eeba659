"""What ``disio user`` and ``disio token`` ask and print.

Rule: data goes to stdout, what was done to stderr.
"""

import time
from typing import Any
from urllib.parse import quote

import click

from disio import shapes
from disio.commands.asking import FAILURE, ask, confirmed
from disio.commands.signing import password_of
from disio.locating import Where
from disio.printing import emit, tell
from disio.showing import ago, columns, printable


def add_user(where: Where, name: str, role: str, password_file: str | None) -> int:
    """Make a user; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    body = {"name": name, "role": role, "password": password_of(password_file, f"Password of {name}", is_new=True)}
    made = ask(where, lambda manager: manager.json("POST", "/api/users", body))
    return _told(where, shapes.User, made, f"{name} is there, role {role}")


def show_users(where: Where) -> int:
    """Print users; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    found = ask(where, lambda manager: manager.json("GET", "/api/users"))
    if where.as_json:
        emit(shapes.Users, found)
        return 0
    rows = [(each["name"], each["role"], "disabled" if each["disabled"] else "") for each in found["items"]]
    for line in columns([("NAME", "ROLE", "STATE"), *rows]) if rows else ():
        click.echo(line)
    tell(f"{found['total']} users" if rows else "no users yet; make one: disio user add NAME --role admin")
    return 0


def change_user(where: Where, name: str, change: dict[str, Any]) -> int:
    """Change a user; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    found = ask(where, lambda manager: manager.json("PATCH", f"/api/users/{quote(name, safe='')}", change))
    state = "disabled" if found["disabled"] else "enabled"
    return _told(where, shapes.User, found, f"{name}: role {found['role']}, {state}; sessions of before are over")


def change_password(where: Where, name: str, password_file: str | None) -> int:
    """Give a user another password; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    return change_user(where, name, {"password": password_of(password_file, f"New password of {name}", is_new=True)})


def remove_user(where: Where, name: str, is_sure: bool) -> int:
    """Remove a user; return the exit status.

    Raises:
        ConfigError: Nobody can be asked whether that is wanted.
        DisioError: The manager is away or refuses.
    """
    if not confirmed(f"remove user {name} with all sessions and API tokens", is_sure):
        return FAILURE
    ask(where, lambda manager: manager.json("DELETE", f"/api/users/{quote(name, safe='')}"))
    return _told(where, shapes.RemovedUser, {"name": name, "removed": True}, f"{name} is gone")


def create_token(where: Where, label: str, role: str, days: float) -> int:
    """Make an API token and print its secret; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    body = {"label": label, "role": role, "days": days}
    made = ask(where, lambda manager: manager.json("POST", "/api/tokens", body))
    if where.as_json:
        emit(shapes.MadeToken, made)
        return 0
    click.echo(made["secret"])
    tell(f"token {made['id']}, role {made['role']}, ends in {days:g} days; the line on stdout is shown this once")
    return 0


def show_tokens(where: Where, of_all: bool) -> int:
    """Print API tokens; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    found = ask(where, lambda manager: manager.json("GET", "/api/tokens?all=true" if of_all else "/api/tokens"))
    if where.as_json:
        emit(shapes.ApiTokens, found)
        return 0
    now = time.time()
    rows = [
        (
            each["id"],
            each["owner"] or "-",
            each["role"],
            "ended" if each["expires_at"] <= now else f"in {ago(each['expires_at'] - now)}",
            "never" if each["used_at"] == each["created_at"] else f"{ago(now - each['used_at'])} ago",
            printable(each["label"]),
        )
        for each in found["items"]
    ]
    for line in columns([("ID", "OWNER", "ROLE", "ENDS", "USED", "LABEL"), *rows]) if rows else ():
        click.echo(line)
    tell(f"{found['total']} tokens")
    return 0


def revoke_token(where: Where, token: str) -> int:
    """Revoke an API token; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    ask(where, lambda manager: manager.json("DELETE", f"/api/tokens/{quote(token, safe='')}"))
    return _told(where, shapes.RevokedToken, {"id": token, "revoked": True}, f"{token} is worth nothing now")


def _told(where: Where, shape: type, value: dict[str, Any], text: str) -> int:
    if where.as_json:
        emit(shape, value)
    else:
        tell(printable(text))
    return 0
