"""What a unit must not touch: ports that hear everything, secrets in files, a process that notes every signal.

Rule: each canary is tried out by a test of its own, so that its silence means something.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import patient

ANSWER = (
    b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: text/javascript\r\nContent-Length: 16\r\n\r\n"
    b"export default 1"
)
READ_S = 2.0
OBEDIENT = """
import os, signal, sys
def note(number, frame): os.write(1, b"%d\\n" % number)
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try: signal.signal(number, note)
    except OSError: pass
os.write(1, b"up\\n")
while True: signal.pause()
"""


@dataclass
class Ears(asyncio.DatagramProtocol):
    """A TCP and a UDP port on loopback that note whoever comes."""

    heard: list[str] = field(default_factory=list)
    tcp: int = 0
    udp: int = 0

    async def open(self) -> "Ears":
        """Listen on two free ports."""
        self._server = await asyncio.start_server(self._on_connection, "127.0.0.1", 0)
        self.tcp = self._server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.udp = self._datagrams.get_extra_info("sockname")[1]
        return self

    def close(self) -> None:
        """Stop listening."""
        self._server.close()
        self._datagrams.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Note a datagram."""
        self.heard.append(f"udp {data[:80]!r}")

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = len(self.heard)
        self.heard.append("tcp")
        try:
            async with asyncio.timeout(READ_S):
                self.heard[at] = f"tcp {(await reader.readline())[:200]!r}"
                writer.write(ANSWER)
                await writer.drain()
        except (TimeoutError, OSError):
            pass
        finally:
            writer.close()


class Nest:
    """A home directory, a variable and a process that nobody has any business with.

    Args:
        folder: An empty directory of the test's own.
    """

    def __init__(self, folder: Path) -> None:
        self.secret = f"canary-{secrets.token_hex(12)}"
        self.home = folder / "home"
        self.file = self.home / ".ssh" / "id_canary"
        self.file.parent.mkdir(parents=True)
        for path in (self.file, self.home / ".bashrc", self.home / "notes.json"):
            path.write_text(f'"{self.secret}"')
            os.utime(path, (1, 2))  # older than its content: a read would show
        self._before = self._look()
        self._bird = subprocess.Popen([sys.executable, "-c", OBEDIENT], stdout=subprocess.PIPE)
        assert self._bird.stdout is not None
        assert self._bird.stdout.readline() == b"up\n"

    @property
    def environment(self) -> dict[str, str]:
        """What a client is started with."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
        return {**kept, "HOME": str(self.home), "CANARY": self.secret, "XDG_DATA_HOME": str(self.home.parent / "xdg")}

    @property
    def pid(self) -> int:
        """The process that notes signals."""
        return self._bird.pid

    def changes(self) -> list[str]:
        """Return what was read or changed in the home, and what happened to the process."""
        seen = [] if self._look() == self._before else [f"home: {self._before} became {self._look()}"]
        return seen + ([] if self._bird.poll() is None else [f"the process ended: {self._bird.returncode}"])

    def close(self) -> list[int]:
        """End the process and return the signals that it had got."""
        if self._bird.poll() is None:
            self._bird.send_signal(signal.SIGKILL)
        out, _ = self._bird.communicate(timeout=patient(10))
        return [int(line) for line in out.split()]

    def _look(self) -> dict[str, tuple[float, float, str]]:
        files = sorted(path for path in self.home.rglob("*") if path.is_file())
        facts = [path.stat() for path in files]  # before the reading, which shows
        texts = [path.read_text() for path in files]
        for path, fact in zip(files, facts, strict=True):
            os.utime(path, (fact.st_atime, fact.st_mtime))
        return {
            str(path): (fact.st_atime, fact.st_mtime, text)
            for path, fact, text in zip(files, facts, texts, strict=True)
        }


def descendants(pid: int) -> list[psutil.Process]:
    """Return every process under one; none when it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
