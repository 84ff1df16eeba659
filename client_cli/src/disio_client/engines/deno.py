"""One Deno process that runs our host script, without any permission.

Rule: units reach it only as data in frames, never as a file or a main module; it is ended by SIGKILL of its process
group, because a busy worker does not stop by itself. It has no directory of its own, so that nothing is left behind.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

import psutil

from disio_client.engines import frames
from disio_client.engines.base import MB, UNIT_MEMORY_MB, EngineDied, EngineUnavailable, FrameStream
from disio_client.engines.builtins import import_map

HOST_SCRIPT = Path(__file__).parent.parent / "static" / "engine-host.mjs"
START_S = 20.0
HEAP_MB = 512
"""Limit of the JavaScript heap."""
ISOLATE_MB = 530
"""What V8 reserves for each isolate: the host, the realm, and the realm before it, which ends a little later."""
DATA_MB = 3 * ISOLATE_MB + HEAP_MB + 256
"""RLIMIT_DATA on Linux: also bounds array buffers and WebAssembly memory."""
ROOM_MB = {"python": 3200}
"""What DATA_MB has to be for a language, beside what its unit may use: Pyodide reserves much and uses little of it."""
REALM_MB = {"python": 1000}
"""What one more realm of it needs."""
MAX_DATA_MB = 16_384
"""What it can be made at most."""
OWN_MB = {"python": 600}
"""Resident memory that a realm of a language may take beside its units."""
KEEP_MB = 256
"""What realms may take that are kept for later, unless it is said."""
STDERR_CHARS = 8_000
"""What is kept of an engine's last words."""
OUT_OF_MEMORY = ("out of memory", "heap limit")
"""What an engine says before it dies of its heap; traces of any length follow."""


class DenoEngine:
    """A running engine; made by ``start``. Surface and messages are those of ``base.Engine``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr
        self.pid = process.pid
        self._process = process
        self._stream = FrameStream(process, self._obituary)
        self._last_words = ""
        self._ran_out = False
        """It said that its memory is used up."""
        self._listener = asyncio.create_task(self._listen(process.stderr))
        self._usage = psutil.Process(process.pid)
        self.idle_bytes = self._start_bytes = 0
        """Memory that is not its units': that of the process before it ran anything, and what languages and realms
        need that are there beside the one that runs."""
        self._realms: list[str] = []
        """Languages of the realms that take much."""
        self._last = ("", "")
        """Task and work unit of the run before."""
        self._data_mb = DATA_MB
        self._loading_mb = 0
        """What the language of a run may take for itself while its code is loaded."""
        self.kits: set[str] = set()
        self.loaded: dict[str, str] = {}
        self.is_ended = False

    @classmethod
    async def start(cls, keep_mb: int = KEEP_MB) -> "DenoEngine":
        """Start a process and wait until it is ready.

        Args:
            keep_mb: What realms may take, all together, that it keeps for tasks which come again.

        Raises:
            EngineUnavailable: It does not start.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(keep_mb),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=HOST_SCRIPT.anchor,
                env=_environment(),
                start_new_session=True,
                limit=1 << 20,
            )
        except OSError as error:
            raise EngineUnavailable(f"Deno does not start: {error}", "reinstall disio-client") from error
        engine = cls(process)
        try:
            _limit(process.pid, DATA_MB)
            async with asyncio.timeout(START_S):
                first = await engine.receive()
        except (EngineDied, TimeoutError, psutil.Error, OSError) as error:
            await engine.close()
            raise EngineUnavailable(f"the engine does not start: {error or 'no answer'}") from error
        except BaseException:
            engine.kill()
            raise
        if not isinstance(first, frames.Ready):
            await engine.close()
            raise EngineUnavailable("the engine does not start: its first frame is not ready")
        engine.idle_bytes = engine._start_bytes = engine.memory_bytes()
        return engine

    async def send(self, message: frames.ToEngine) -> None:
        """Write a message, and let the process have before a run what its units need.

        Raises:
            EngineDied: The process is gone.
        """
        if isinstance(message, frames.Run):
            self._account(message)
        await self._stream.send(message)

    async def receive(self) -> frames.FromEngine:
        """Return the next message; safe to cancel.

        Raises:
            EngineDied: The process is gone, or what it wrote is no message.
        """
        message = await self._stream.receive()
        if isinstance(message, frames.Realms):
            self._realms = message.languages
        elif self._loading_mb and isinstance(message, frames.SIGNS_OF_LIFE):
            # What it has loaded by now is its own and not its unit's.
            self.idle_bytes = self._own_bytes()
            self._loading_mb = 0
        return message

    def memory_bytes(self) -> int:
        """Return the resident memory of the process; 0 when it is gone."""
        try:
            return int(self._usage.memory_info().rss)
        except psutil.Error:
            return 0

    def used_bytes(self) -> int:
        """Return the resident memory beyond what the process, and realms beside that of its units, need."""
        if not self._realms:
            self.idle_bytes = self._own_bytes()
        return self.memory_bytes() - self.idle_bytes - self._loading_mb * MB

    def _own_bytes(self) -> int:
        """Return what is its own of the memory that it takes now, when nothing of that is a unit's.

        Where no realm is left that takes much, its own only gets less: it is given back some time after a realm ended.
        """
        most = self._start_bytes + sum(OWN_MB.get(language, 0) for language in self._realms) * MB
        return max(self._start_bytes, min(self.memory_bytes(), most if self._realms else self.idle_bytes))

    def _account(self, run: frames.Run) -> None:
        """Let the process have what units of this run need, and tell that from what it has taken before."""
        language = self.loaded.get(run.workunit, "")
        self._make_room(language, run.memory_mb or UNIT_MEMORY_MB)
        self._loading_mb = OWN_MB.get(language, 0)
        if self._last != (run.task, run.workunit):
            self._last = (run.task, run.workunit)
            self.idle_bytes = self._own_bytes()

    def _make_room(self, language: str, memory_mb: int) -> None:
        """Let the process have the data segment that units of this language need; never less than before."""
        wanted = DATA_MB
        if language in ROOM_MB:
            beside = REALM_MB[language] * len(self._realms)
            wanted = min(MAX_DATA_MB, ROOM_MB[language] + beside + memory_mb)
        if wanted > self._data_mb and not self.is_ended:
            self._data_mb = wanted
            _limit(self.pid, wanted)

    def kill(self) -> None:
        """End the process and its group at once."""
        self.is_ended = True
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """End the process and wait until it is gone."""
        self.kill()
        await self._process.wait()
        await asyncio.gather(self._listener, return_exceptions=True)
        self._stream.close()

    async def _obituary(self) -> EngineDied:
        """End what is left of the process and tell why it died, as far as it said."""
        await self.close()
        line = _telling_line(self._last_words)
        problem = f"exit status {self._process.returncode}" + (f": {line[:300]}" if line else "")
        return EngineDied(problem, self._ran_out)

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(4096):
            before, said = self._last_words, chunk.decode(errors="replace")
            heard = (before[-max(map(len, OUT_OF_MEMORY)) :] + said).lower()
            self._ran_out = self._ran_out or any(sign in heard for sign in OUT_OF_MEMORY)
            self._last_words = (before + said)[-STDERR_CHARS:]


def _telling_line(words: str) -> str:
    """Return the line that says most of what an engine wrote: never a place in a trace, which names folders here."""
    lines = [line.strip("# \t") for line in words.splitlines() if not line.startswith((" ", "\t"))]
    fatal = [line for line in lines if any(sign in line.lower() for sign in OUT_OF_MEMORY)]
    return next(iter(fatal or [line for line in reversed(lines) if line]), "")


def check_installed() -> None:
    """Look for what an engine needs.

    Raises:
        EngineUnavailable: Something is missing; says what to do.
    """
    if not HOST_SCRIPT.is_file():
        raise EngineUnavailable("web bundles are not built: run make web")
    _deno()


def _deno() -> str:
    try:
        import deno  # type: ignore[import-untyped]

        return str(deno.find_deno_bin())
    except (ImportError, OSError) as error:
        raise EngineUnavailable("Deno is not installed", "run: pip install deno") from error


def _command(keep_mb: int) -> list[str]:
    # setpriv (util-linux) makes the kernel end the engine with us; without it, the host ends when its stdin closes.
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [
        *([setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []),
        _deno(),
        "run",
        "--no-config",
        "--no-lock",
        "--no-remote",
        "--no-npm",
        "--no-prompt",
        "--unstable-worker-options",
        f"--import-map={import_map()}",
        f"--v8-flags=--max-old-space-size={HEAP_MB},--expose-gc",
        str(HOST_SCRIPT),
        str(keep_mb),
    ]


def _environment() -> dict[str, str]:
    # No directory can be made below a file: Deno then keeps its caches in memory.
    clean = {"DENO_DIR": str(HOST_SCRIPT / "none"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"}
    if sys.platform == "win32":  # without it Windows starts no process
        clean["SYSTEMROOT"] = os.environ.get("SYSTEMROOT", "")
    return clean


def _limit(pid: int, data_mb: int) -> None:
    """Bound the data segment from outside: no code runs between fork and exec."""
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (data_mb * MB, MAX_DATA_MB * MB))
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
