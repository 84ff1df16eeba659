"""Services of one machine as child processes: started, watched, started again, stopped.

Rule: no child outlives its parent. A child is asked to stop first, killed when it does not, and on Linux the kernel
ends it when the parent dies without a word.
"""

import asyncio
import contextlib
import random
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

import msgspec

from disio_shared.backoff import Backoff
from disio_shared.children import BOUND_TO_PARENT
from disio_shared.errors import DisioError

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
MAX_LINE = 1 << 20


class ServiceFailed(DisioError):
    """A service ended before it was ready, or took too long."""

    code = "service-failed"

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        super().__init__(f"{name} did not start: {problem}")


class Service:
    """One child process that prints a ready line as a JSON object on stdout.

    Args:
        name: For people.
        argv: Arguments after the interpreter, such as ``["-m", "disio_manager", "start", "--json"]``.
        env: The whole environment of the child.
        on_event: Told, for people, when the child ends by itself and when it is back.
    """

    def __init__(
        self, name: str, argv: Sequence[str], env: Mapping[str, str], on_event: Callable[[str], None] = lambda _: None
    ) -> None:
        self.name, self._argv, self._env, self._on_event = name, list(argv), dict(env), on_event
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self.ready: dict[str, object] = {}

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def start(self) -> dict[str, object]:
        """Start and wait for the ready line; return it.

        Raises:
            ServiceFailed: It ended first, or was not ready within a minute.
        """
        await self._launch()
        self._watch = asyncio.create_task(self._keep_alive(), name=f"watch {self.name}")
        return self.ready

    def pin_option(self, option: str, value: str) -> None:
        """Give an option this value in later starts (a port that was found free stays the service's port)."""
        self._argv[self._argv.index(option) + 1] = value

    async def stop(self) -> None:
        """Stop the child: SIGTERM, and SIGKILL when it takes longer than 15 s."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _launch(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._argv,
            env=self._env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE,
            start_new_session=True,
            preexec_fn=BOUND_TO_PARENT,
        )
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                self.ready = await self._ready_line(self._process)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise ServiceFailed(self.name, f"not ready after {READY_TIMEOUT_S:.0f} s") from None

    async def _ready_line(self, process: asyncio.subprocess.Process) -> dict[str, object]:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                decoded = msgspec.json.decode(line, type=dict[str, object])
            except msgspec.DecodeError:
                continue
            if "ready" in decoded:
                return decoded
        raise ServiceFailed(self.name, f"exit status {await process.wait()}, see its message above")

    async def _keep_alive(self) -> None:
        """Read the child's stdout to its end; start it again when it ends by itself."""
        backoff = Backoff(0.5, 10.0, random.uniform)
        while True:
            assert self._process is not None
            await self._drain(self._process)
            status = await self._process.wait()
            if self._stopping:
                return
            delay = backoff.next_s()
            self._on_event(f"{self.name} ended ({_how(status)}); starting it again in {delay:.1f} s")
            await asyncio.sleep(delay)
            with contextlib.suppress(ServiceFailed):
                await self._launch()
                backoff.reset()
                self._on_event(f"{self.name} is back")

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while await process.stdout.read(65536):
            pass


def _how(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
