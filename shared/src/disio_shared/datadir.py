"""The data directory: secrets, the embedded databases, and where running services say how to reach them.

Rule: a secret is readable by its owner alone from the moment it exists, and is never half written.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from disio_shared.errors import ConfigError

ENVIRONMENT_NAME = "DISIO_DATA_DIR"
ADMIN_TOKEN = "admin.token"
JOIN_TOKEN = "join.token"
CURVE_KEYS = "curve.json"


def default_path() -> Path:
    """Return ``DISIO_DATA_DIR``, or this user's place for application data."""
    named = os.environ.get(ENVIRONMENT_NAME)
    return Path(named) if named else Path(platformdirs.user_data_dir("disio", appauthor=False))


class DataDir:
    """One data directory, made when it is not there.

    Args:
        path: Where; None = ``default_path()``.

    Raises:
        ConfigError: It cannot be made or written to.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = (path or default_path()).expanduser().absolute()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise ConfigError("data directory", f"{self.path} is not writable", "choose another with --data-dir")

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """Return the text of a secret file; the first caller's ``make`` decides it.

        Two processes that ask at the same time get the same text.

        Raises:
            ConfigError: The file is empty, or cannot be read or written.
        """
        path = self.path / name
        try:
            if not path.exists():
                self._create(path, make())
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable(error) from error
        if not text:
            raise ConfigError(str(path), "is empty", "delete it, and a new one is made")
        return text

    def replace_secret(self, name: str, text: str) -> None:
        """Put another text in the place of a secret.

        Raises:
            ConfigError: It cannot be written.
        """
        try:
            self._replace(self.path / name, text)
        except OSError as error:
            raise self._unusable(error) from error

    def write_service(self, service: str, facts: Mapping[str, Any]) -> None:
        """Say that ``service`` runs in this process: write ``{service}.json`` with the pid and ``facts``.

        Raises:
            ConfigError: It cannot be written.
        """
        try:
            self._replace(self.path / f"{service}.json", json.dumps({"pid": os.getpid(), **facts}, indent=2) + "\n")
        except OSError as error:
            raise self._unusable(error) from error

    def read_service(self, service: str) -> dict[str, Any] | None:
        """Return what the running ``service`` wrote, or None when none runs (a stale file counts as none)."""
        facts = self._read(service)
        return facts if facts is not None and _is_alive(facts["pid"]) else None

    def remove_service(self, service: str) -> None:
        """Take ``{service}.json`` away, if it is this process's own."""
        facts = self._read(service)
        if facts is not None and facts["pid"] == os.getpid():
            (self.path / f"{service}.json").unlink(missing_ok=True)

    def _read(self, service: str) -> dict[str, Any] | None:
        try:
            facts = json.loads((self.path / f"{service}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return facts if isinstance(facts, dict) and isinstance(facts.get("pid"), int) else None

    def _create(self, path: Path, text: str) -> None:
        """Make the file whole under another name, then give it its name unless somebody was quicker."""
        draft = self._draft(path, text)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def _replace(self, path: Path, text: str) -> None:
        os.replace(self._draft(path, text), path)

    def _draft(self, path: Path, text: str) -> Path:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        return draft

    def _unusable(self, error: Exception) -> ConfigError:
        return ConfigError("data directory", f"{self.path}: {error}", "choose another with --data-dir")


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    if os.name == "nt":
        return _is_alive_on_windows(pid)
    with contextlib.suppress(PermissionError):  # somebody else's process is alive too
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def _is_alive_on_windows(pid: int) -> bool:
    """Ask for the process; on Windows ``os.kill(pid, 0)`` would end it."""
    import ctypes  # needed here only

    query_limited_information, still_active = 0x1000, 259
    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 - the attribute exists on Windows alone
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
