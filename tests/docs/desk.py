"""A person's desk: a home of its own, a disio that runs there, and a shell that does what the pages say.

Rule: what a page says is run as it stands; only the addresses of the services become those that they really have.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.docs.fences import ROOT
from tests.waiting import wait_until_sync

LIMIT_S = 120
START_S = 90
STOP_S = 60
SERVES = re.compile(r"^ready .*|Ctrl-C stops everything", re.MULTILINE)
MODULES = {"disio": "disio", "disio-client": "disio_client"}
CHECKOUT = ("docs", "examples")
"""What pages take from the checkout in which they are read."""
REMEMBER = '{ export -p; declare -f; printf "cd %q\\n" "$PWD"; } > "$DISIO_DESK_STATE"'


class Served:
    """A program that runs while others do."""

    def __init__(self, place: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.place, self._process, self._log = place, process, log

    def said(self) -> str:
        """Return what it printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait(self) -> None:
        """Wait until it says that it serves."""

        def is_serving() -> bool:
            assert self._process.poll() is None, f"{self.place} ended:\n{self.said()}"
            return bool(SERVES.search(self.said()))

        wait_until_sync(is_serving, START_S, on_timeout=self.said)

    def stop(self) -> str:
        """Press Ctrl-C; return what is wrong with how it ended."""
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            status = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            return f"{self.place} did not stop"
        trouble = [] if status == 130 else [f"ended with {status}"]
        return f"{self.place}: {', '.join(trouble)}\n{self.said()}" if trouble else ""


class Desk:
    """The desk.

    Args:
        folder: For everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.programs = self.home / ".venv" / "bin"
        self.programs.mkdir(parents=True)
        for name, module in MODULES.items():
            self._program(name, f'exec "{sys.executable}" -m {module} "$@"')
        self._program("python", f'exec "{sys.executable}" "$@"')
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("DISIO_", "XDG_"))}
        self.environment = {
            **keep,
            "HOME": str(self.home),
            "PATH": f"{self.programs}:{keep['PATH']}",
            "DISIO_DATA_DIR": str(self.home / "disio-data"),
        }
        self.addresses: dict[str, str] = {}
        self._served: list[Served] = []

    def _program(self, name: str, line: str) -> None:
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        file.chmod(0o755)

    def room(self, page: str) -> Path:
        """Return the directory in which a page is followed: the README's is where everything was started."""
        room = self.home if page == "README.md" else self.folder / page.replace("/", "-")
        room.mkdir(exist_ok=True)
        for name in CHECKOUT:
            if not (room / name).is_symlink():
                (room / name).symlink_to(ROOT / name)
        return room

    def as_here(self, text: str) -> str:
        """Return text with the addresses that services have here."""
        for usual, real in self.addresses.items():
            text = text.replace(usual, real)
        return text

    def serve(self, place: str, text: str, page: str) -> None:
        """Start what a fence starts, and wait until it serves."""
        log = self.folder / f"served-{len(self._served)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-euc", self.as_here(text)], cwd=self.room(page), env=self.environment, stdout=out,
                stderr=out, start_new_session=True,
            )  # fmt: skip
        self._served.append(Served(place, process, log))
        self._served[-1].wait()
        if not self.addresses:
            shown = dict(re.findall(r"✓ (\w+) +(http://\S+)", self._served[-1].said()))
            usual = {"manager": 8700, "distributor": 8710, "dashboard": 8720}
            self.addresses = {f"http://127.0.0.1:{usual[name]}": url for name, url in shown.items()}

    def follow(self, text: str, page: str) -> "Followed":
        """Run what a fence says in the page's shell, which remembers directory, functions and what it exported."""
        state = self.folder / f"state-{page.replace('/', '-')}"
        before = f". {shlex.quote(str(state))}\n" if state.exists() else ""
        script = f"{before}set -eu\n{self.as_here(text)}\n{REMEMBER}\n"
        environment = {**self.environment, "DISIO_DESK_STATE": str(state)}
        return self.run(["bash", "-c", script], page, environment)

    def run(self, command: list[str], page: str, environment: Mapping[str, str] | None = None) -> "Followed":
        """Run a command in a page's directory."""
        done = subprocess.run(
            command, cwd=self.room(page), env=environment or self.environment, capture_output=True, text=True,
            timeout=LIMIT_S, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return Followed(done.returncode, done.stdout, done.stderr)

    def api(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        """Make a call of REST; return its status and its answer."""
        token = (self.home / "disio-data" / "admin.token").read_text(encoding="ascii").strip()
        command = ["curl", "-sS", "-X", method, "-H", f"Authorization: Bearer {token}", "-w", "\n%{http_code}"]
        command += ["-H", "Content-Type: application/json", "--data-binary", json.dumps(body)] if body else []
        done = self.run([*command, self.as_here(f"http://127.0.0.1:8700{path}")], "README.md")
        assert done.status == 0, done.err
        answer, _, status = done.out.rpartition("\n")
        return int(status), json.loads(answer) if answer else None

    def stop(self) -> list[str]:
        """Stop what serves, the newest first; return what is wrong with how it ended."""
        return [trouble for trouble in [served.stop() for served in reversed(self._served)] if trouble]


class Followed:
    """What came of a command."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def __str__(self) -> str:
        return f"status {self.status}\n{self.out}\n{self.err}"
