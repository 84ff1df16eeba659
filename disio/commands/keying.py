"""What ``disio keys`` reads and writes.

Rule: a data directory that is not there is not made.
"""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import click

from disio import shapes
from disio.printing import emit, tell
from disio.showing import columns
from disio_shared.datadir import ADMIN_TOKEN, CURVE_KEYS, JOIN_TOKEN, DataDir, default_path
from disio_shared.errors import ConfigError, ConflictError, NotFoundError
from disio_shared.ids import fresh_secret

FILES = {
    "admin": (ADMIN_TOKEN, "commands the manager, over REST"),
    "join": (JOIN_TOKEN, "lets distributors of other machines join"),
    "curve": (CURVE_KEYS, "tells distributors that it is this manager"),
    "webhook": ("webhook.secret", "signs what webhooks are sent"),
}
"""By name: file, and what it is for."""
NEXT = {
    "admin": "a dashboard and programs on other machines need the file again",
    "join": "distributors on other machines need the file again",
}
SHOWN = 12
"""Characters of a fingerprint."""


class NoKeys(NotFoundError):
    """A directory has no secret."""

    kind = "keys in"


class InUse(ConflictError):
    """A manager works with the keys."""

    code = "in-use"


def show_keys(data_dir: Path | None, as_json: bool) -> int:
    """Print which keys there are; return the exit status.

    Raises:
        NoKeys: There are none.
        ConfigError: One cannot be read.
    """
    folder = _folder(data_dir)
    found = list(_found(folder))
    if not found:
        raise NoKeys(f"{folder}: no manager has been started there")
    if as_json:
        emit(shapes.Keys, {"folder": str(folder), "keys": found})
        return 0
    rows = [(key.name, key.fingerprint, "yes" if key.private else "NO", FILES[key.name][1], key.file) for key in found]
    for line in columns([("NAME", "FINGERPRINT", "PRIVATE", "WHAT IT DOES", "FILE"), *rows]):
        click.echo(line)
    for key in found:
        if not key.private:
            tell(f"others of this machine may read {key.file}: chmod 600 it, and rotate it")
    return 0


def rotate_key(name: str, data_dir: Path | None, as_json: bool) -> int:
    """Put a new token in the place of an old one; return the exit status.

    Raises:
        NoKeys: There is none.
        InUse: The manager runs.
        ConfigError: It cannot be written.
    """
    folder, (file, _) = _folder(data_dir), FILES[name]
    if not (folder / file).is_file():
        raise NoKeys(f"{folder}: no manager has been started there")
    data = DataDir(folder)
    facts = data.read_service("manager")
    if facts is not None:
        raise InUse(f"the manager {facts.get('url')} (pid {facts['pid']}) works with it: stop it, and rotate it then")
    data.replace_secret(file, fresh_secret())
    tell(f"{folder / file} is new; the next start of the manager takes it, and {NEXT[name]}")
    if as_json:
        emit(shapes.Key, next(key for key in _found(folder) if key.name == name))
    return 0


def _folder(data_dir: Path | None) -> Path:
    return (data_dir or default_path()).expanduser().absolute()


def _found(folder: Path) -> Iterator[shapes.Key]:
    for name, (file, _) in FILES.items():
        path = folder / file
        try:
            text, mode = path.read_bytes(), path.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigError(str(path), f"cannot be read: {error.strerror or error}", "see to its rights") from error
        fingerprint = hashlib.sha256(text.strip()).hexdigest()[:SHOWN]
        is_private = not mode & (stat.S_IRWXG | stat.S_IRWXO)
        yield shapes.Key(name=name, file=str(path), fingerprint=fingerprint, private=is_private)
