"""What each distributor calls this client: id and secret, one file per distributor.

Rule: the file is readable by its owner alone from the moment it exists, and is replaced whole.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from disio_client.events import Change, IdentityGiven
from disio_shared.errors import ConfigError


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    distributor: str
    """URL the identity is for."""
    client_id: str = ""
    secret: str = ""


class Identities:
    """The files of one data directory, and which distributor is the present one.

    Args:
        data_dir: An existing directory.
        url: The distributor to begin with.

    Raises:
        ConfigError: The directory for the files cannot be made.
    """

    def __init__(self, data_dir: Path, url: str) -> None:
        self._dir = data_dir / "client"
        self.url = url
        try:
            self._dir.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _unusable(self._dir, error) from error

    def _path(self) -> Path:
        return self._dir / f"identity-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}.json"

    def read(self) -> Identity:
        """Return what the present distributor calls this client; empty when it does not know it."""
        try:
            identity = msgspec.json.decode(self._path().read_bytes(), type=Identity)
        except (OSError, msgspec.DecodeError):
            return Identity(distributor=self.url)
        return identity if identity.distributor == self.url else Identity(distributor=self.url)

    async def commit(self, changes: Sequence[Change]) -> None:
        """Write what changed.

        Raises:
            ConfigError: The file cannot be written.
        """
        for change in changes:
            if isinstance(change, IdentityGiven):
                new = Identity(distributor=self.url, client_id=change.client_id, secret=change.secret)
                if new != self.read():
                    self._write(new)
            else:
                self._path().unlink(missing_ok=True)

    def _write(self, identity: Identity) -> None:
        path = self._path()
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(identity))
            os.replace(draft, path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError("data directory", f"{path}: {error}", "choose another with --data-dir")
