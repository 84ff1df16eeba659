"""Real processes of a whole disio, started, killed and started again by tests.

Rule: a test waits for facts; whatever it started is gone afterwards, and nothing may have crashed by itself.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

from disio.rest import ManagerClient
from tests.waiting import patient, wait_until_sync

START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 25.0
FoundT = TypeVar("FoundT")

NOOP = "export default () => null"
SQUARE = "export default (n) => n * n"


class Started:
    """One service process."""

    def __init__(self, name: str, argv: list[str], log: Path) -> None:
        self.name, self.argv, self.log = name, argv, log
        self.ready: dict[str, Any] = {}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
        self.stdout = log.with_suffix(".out")
        with self.stdout.open("wb") as out, log.open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, *argv], stdout=out, stderr=err, env=environment, start_new_session=True
            )

    @property
    def url(self) -> str:
        """Return the URL of the ready line."""
        return str(self.ready["url"])

    def wait_ready(self) -> "Started":
        """Wait for the ready line."""
        wait_until_sync(self._is_ready, START_TIMEOUT_S, on_timeout=self.tail)
        return self

    def _is_ready(self) -> bool:
        """Look for the ready line; a process that has ended will not print it any more."""
        for line in self.stdout.read_bytes().splitlines(keepends=True):
            if b'"ready"' in line and line.endswith(b"\n"):
                self.ready = msgspec.json.decode(line)
                return True
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.tail()}"
        return False

    def kill(self) -> None:
        """kill -9, the process alone; what it started must end by itself."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(patient(STOP_TIMEOUT_S))

    def ends(self) -> bool:
        """Ask it to stop; return whether it did within the time, and kill it when not."""
        if self.process.poll() is not None:
            return True
        self.process.terminate()
        try:
            self.process.wait(patient(STOP_TIMEOUT_S))
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        assert self.ends(), f"{self.name} did not stop:\n{self.tail()}"
        return self.process.returncode

    def children(self) -> list[int]:
        """Return the pids of all its descendants."""
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else "(no log)"


class Env:
    """A set of services under one folder.

    Args:
        folder: Holds data directories and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Started] = []

    def start(self, name: str, module: str, *options: str) -> Started:
        """Start a service and wait until it serves."""
        return self.launch(name, module, *options).wait_ready()

    def launch(self, name: str, module: str, *options: str) -> Started:
        """Start a service without waiting."""
        verb = () if module == "disio_client" else ("start",)
        argv = ["-m", module, *verb, "--json", *options]
        service = Started(name, argv, self.folder / f"{name}.log")
        self.started.append(service)
        return service

    def manager(self, *options: str, name: str = "manager", port: int = 0, zmq_port: int = 0) -> Started:
        """Start a manager with its own data directory."""
        ports = ("--port", str(port), "--zmq-port", str(zmq_port))
        return self.start(name, "disio_manager", "--data-dir", str(self.folder / name), *ports, *_seen(options))

    def manager_again(self, killed: Started, *options: str) -> Started:
        """Start a killed manager again, on the same data and ports."""
        port = int(killed.url.rsplit(":", 1)[1])
        return self.manager(*options, name=killed.name, port=port, zmq_port=int(killed.ready["zmq_port"]))

    def distributor(self, manager: str, *options: str, name: str = "distributor", port: int = 0) -> Started:
        """Start a distributor of a manager (URL or ``zeroconf``)."""
        data = ("--data-dir", str(self.folder / name), "--manager", manager, "--port", str(port))
        return self.start(name, "disio_distributor", *data, *_seen(options))

    def distributor_again(self, killed: Started, manager: str, *options: str) -> Started:
        """Start a killed distributor again, on the same data and port."""
        return self.distributor(manager, *options, name=killed.name, port=int(killed.url.rsplit(":", 1)[1]))

    def client(self, distributor: str, *options: str, cores: int = 2, name: str = "client") -> Started:
        """Start a CLI client."""
        data = ("--data-dir", str(self.folder / name), "--cores", str(cores), "--name", name)
        return self.start(name, "disio_client", "--distributor", distributor, *data, *options)

    def rest(self, manager: Started) -> ManagerClient:
        """Return a REST client with the manager's admin token."""
        return ManagerClient.from_files(manager.url, self.folder / manager.name / "admin.token")

    def stop(self) -> None:
        """Stop everything, newest first, and look for crashes."""
        left = [pid for service in self.started if service.process.poll() is None for pid in service.children()]
        stubborn = [service for service in reversed(self.started) if not service.ends()]
        assert not stubborn, "\n".join(f"{service.name} did not stop:\n{service.tail()}" for service in stubborn)
        for service in self.started:
            assert "Traceback" not in service.tail(), f"{service.name} logged a traceback:\n{service.tail()}"
        alive = [pid for pid in left if _is_alive(pid)]
        assert not alive, f"left behind: {[psutil.Process(pid).cmdline() for pid in alive]}"

    def dump(self) -> str:
        """Return the ends of all logs, for a failed wait."""
        return "\n".join(f"--- {service.name}\n{service.tail()[-2500:]}" for service in self.started)


def _seen(options: tuple[str, ...]) -> tuple[str, ...]:
    """Announce a service only where the test is about that: others on this machine would find it too."""
    is_about_it = any("zeroconf" in option for option in options)
    return options if is_about_it else (*options, "--no-zeroconf")


def _is_alive(pid: int) -> bool:
    """Tell whether a process lives on; one that is about to end gets a moment."""
    try:
        psutil.Process(pid).wait(timeout=5)
    except psutil.TimeoutExpired:
        return True
    except psutil.NoSuchProcess:
        return False
    return False


def task(source: str, payloads: dict[str, Any], **policy: Any) -> dict[str, Any]:
    """Return a small task document."""
    return {
        "name": "test",
        "workunit": {"language": "javascript", "source": source},
        "payloads": payloads,
        "policy": policy,
    }


def at_least(key: str, least: int) -> Callable[[dict[str, Any]], bool]:
    """Return a condition on a task's JSON."""
    return lambda seen: int(seen[key]) >= least
