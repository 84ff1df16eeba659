"""A real server as a child process: its own port and folder, ended by its pid.

The port and the folder outlive a stop, so a started-again server is the same server.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.waiting import patient, wait_until_sync

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


def free_port() -> int:
    """A loopback TCP port nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """One server program that is started, stopped and killed on one loopback port."""

    def __init__(self, name: str, url: str, port: int, folder: Path, command: Callable[[int, Path], list[str]]) -> None:
        self.url = url
        self.port = port
        self.folder = folder
        self._name = name
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server has printed so far."""
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and return when it accepts connections."""
        if self._process is not None:
            raise RuntimeError(f"{self._name} is running already")
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                self._command(self.port, self.folder), cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_until_sync(self._accepts, START_TIMEOUT_S, on_timeout=lambda: f"{self._name}: {self.log[-2000:]}")

    def stop(self) -> None:
        """End the server as an operator would; harmless when it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._reap()

    def kill(self) -> None:
        """End the server as a power cut would; harmless when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def _reap(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(patient(STOP_TIMEOUT_S))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(patient(STOP_TIMEOUT_S))
        self._process = None

    def _accepts(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._name} ended with {self._process.returncode}: {self.log[-2000:]}")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
