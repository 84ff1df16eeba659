"""The client, put together: session, connection, code, slots.

Rule: the only place that names concrete parts; it decides nothing.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from disio_client import __version__
from disio_client import events as ev
from disio_client.connection import Connection
from disio_client.engines.deno import DenoEngine, check_installed
from disio_client.engines.native import NativeEngine, find_walls
from disio_client.engines.native_walls import IN_WORDS, Walls
from disio_client.identity import Identities
from disio_client.kits import KitMissing, Kits
from disio_client.leaving import Leaving
from disio_client.machine import default_cores, kept_memory_mb, unit_memory_mb
from disio_client.private import PrivateFolder
from disio_client.reporter import Reporter
from disio_client.runner import Slot, StartEngine
from disio_client.session import Session
from disio_client.workunits import Workunits
from disio_shared.abilities import NATIVE, in_words
from disio_shared.backoff import Backoff
from disio_shared.clock import SystemClock
from disio_shared.datadir import DataDir
from disio_shared.errors import RefusedError, StoreUnavailable
from disio_shared.messages import PROTOCOL_VERSION, Hello
from disio_shared.shell import Shell

LANGUAGES = ["javascript", "wasm", "python"]
BACKOFF_FIRST_S, BACKOFF_CEILING_S = 0.5, 30.0


class NotLetIn(RefusedError):
    """The distributor refused this client for good."""

    code = "not-let-in"

    def __init__(self, url: str, reason_code: str, reason: str) -> None:
        self.url, self.reason_code, self.reason = url, reason_code, reason
        super().__init__(f"the distributor at {url} does not let this client in: {reason} ({reason_code})")


def _print_line(line: str) -> None:
    print(line, flush=True)


class ClientApp:
    """One client of one distributor.

    Args:
        distributor_url: Base URL, http or https.
        cores: Units to run at a time; 0 = all cores this process may use.
        name: For people.
        data_dir: Where the identity is kept; None = the default.
        is_json: The ready line as a JSON object.
        write: Puts one line on stdout.
        trusted: Clusters whose managers may run native Python here.
    """

    def __init__(
        self,
        distributor_url: str,
        cores: int = 0,
        name: str = "",
        data_dir: Path | None = None,
        is_json: bool = False,
        write: Callable[[str], None] = _print_line,
        trusted: Sequence[str] = (),
    ) -> None:
        self._url = distributor_url.rstrip("/")
        self._cores = cores or default_cores()
        self._trusted = list(dict.fromkeys(trusted))
        self._hello = Hello(
            version=PROTOCOL_VERSION,
            kind="cli",
            name=name[:100],
            languages=LANGUAGES + [NATIVE + cluster for cluster in self._trusted],
            cores=self._cores,
            memory_mb=unit_memory_mb(self._cores),
            software=f"disio-client {__version__}",
        )
        self._data_dir = data_dir
        self._clock = SystemClock()
        self._reporter = Reporter(is_json, write, self._clock)
        self._slots: list[Slot] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.Task[None] | None = None
        """Runs the session."""
        self._ended: asyncio.Future[None] | None = None
        self._shell: Shell[ev.Event, ev.Change, ev.Command] | None = None
        self._private: PrivateFolder | None = None
        """Where native units work."""

    async def run(self) -> None:
        """Work until ``stop``.

        Raises:
            DisioError: No engine can be started, the data directory cannot be used, or the distributor refused us.
        """
        check_installed()
        self._ended = asyncio.get_running_loop().create_future()
        self._identities = Identities(DataDir(self._data_dir).path, self._url)
        timeout = aiohttp.ClientTimeout(total=None, connect=15)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            try:
                await self._start(http)
                await self._ended
            finally:
                await self._close()
                self._reporter.sum_up()

    async def stop(self, finish: bool = True) -> None:
        """Leave in good order; ``run`` returns when it is done, at the latest some 10 s later.

        Args:
            finish: Give running units a few seconds to end by themselves.
        """
        if self._ended is None or self._shell is None:
            self.abort()
            return
        self._shell.post(ev.LeaveAsked(Leaving.PATIENCE_S if finish else 0.0))

    def abort(self) -> None:
        """End the engines at once, and ``run`` with them."""
        for slot in self._slots:
            slot.kill()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def _start(self, http: aiohttp.ClientSession) -> None:
        self._workunits = Workunits(http)
        self._kits = Kits(http, DataDir(self._data_dir).path / "kits")
        code, start_native = self._workunits.code, await self._native()
        start = partial(DenoEngine.start, kept_memory_mb(self._cores))
        self._slots = [
            Slot(number, start, code, self._report, self._clock, self._kits.files, start_native)
            for number in range(self._cores)
        ]
        for slot in self._slots:
            await slot.prepare()
        session = Session(self._hello, self._cores, random.uniform)
        self._shell = Shell(
            load=partial(_as_loaded, session),
            store=self._identities,
            perform=self._perform,
            tick=ev.Tick,
            clock=self._clock,
        )
        await self._shell.start()
        backoff = Backoff(BACKOFF_FIRST_S, BACKOFF_CEILING_S, random.uniform)
        self._connection = Connection(self._identities, http, self._submit, backoff, self._reporter.say)
        self._loop = self._spawn(self._shell.run())
        for slot in self._slots:
            self._spawn(slot.serve())
        self._spawn(self._connection.run())

    async def _native(self) -> StartEngine | None:
        """Return how native units are run here, and say what that means; None = they are not."""
        if not self._trusted:
            return None
        self._private = await PrivateFolder.make()
        walls = await find_walls(self._private.path)
        print(_warning(self._trusted, walls), file=sys.stderr, flush=True)
        return partial(NativeEngine.start, self._private.path, walls)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_ended)
        return task

    def _on_task_ended(self, task: asyncio.Task[Any]) -> None:
        """A part that fails ends the client, with its error."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        if self._ended is None or self._ended.done():
            return
        if error is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(error)

    async def _close(self) -> None:
        for slot in self._slots:
            slot.kill()
        # The loop that handles events ends last: the others hand in a last one while they end.
        others = [task for task in self._tasks if task is not self._loop]
        for tasks in (others, [self._loop] if self._loop else []):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for slot in self._slots:
            await slot.close()
        if self._private is not None:
            await self._private.remove()

    # Between the parts

    async def _report(self, event: ev.Event) -> None:
        """Hand a slot's event to the session; waits while the session is busy."""
        if isinstance(event, ev.UnitsDone):
            self._reporter.count(len(event.indexes), 0)
        elif isinstance(event, ev.UnitsFailed):
            self._reporter.count(0, len(event.indexes))
            self._reporter.say(ev.Say("failed", f"a unit failed: {event.errors[0][:200]}"))
        await self._submit(event)

    async def _submit(self, event: ev.Event) -> None:
        """Have the session handle an event; one that comes while the client stops is of no use to anybody."""
        if self._shell is None or self._loop is None or self._loop.done():
            return
        with contextlib.suppress(StoreUnavailable):
            await self._shell.submit(event)

    def _perform(self, command: ev.Command) -> None:
        match command:
            case ev.Send():
                self._connection.send(command.message, None)
            case ev.SendAcked():
                self._connection.send(command.message, command.number)
            case ev.StartRun():
                self._slots[command.slot].start(command)
            case ev.StopSlot():
                self._slots[command.slot].stop()
            case ev.FetchCode():
                self._spawn(self._fetch(command.workunit, command.language))
            case ev.ReleaseCode():
                self._workunits.release(command.workunit)
            case _:
                self._perform_rest(command)

    def _perform_rest(self, command: ev.Command) -> None:
        match command:
            case ev.Say():
                self._reporter.say(command)
            case ev.Reconnect():
                self._connection.reconnect(command)
            case ev.Welcomed():
                self._connection.welcomed()
                self._reporter.ready(self._identities.url, command.distributor)
            case ev.GiveUp():
                self._end(NotLetIn(self._identities.url, command.code, command.reason))
            case ev.Left():
                self._end()

    async def _fetch(self, workunit: str, language: str) -> None:
        """Get code, and the files of its language before it: without them it could not run."""
        try:
            await self._kits.fetch(self._identities.url, language)
        except KitMissing as error:
            self._reporter.say(ev.Say("kit", f"no {in_words(language)} yet: {error}"))
            await self._submit(ev.CodeMissing(workunit, str(error), error.is_final, language))
            return
        await self._submit(await self._workunits.fetch(self._identities.url, workunit))


def _warning(clusters: list[str], walls: Walls) -> str:
    """Return what trusting means, in one line."""
    who = f"the managers of {'cluster' if len(clusters) == 1 else 'clusters'} {', '.join(clusters)}"
    return f"disio client: {who} may run any program on this computer as this user, {IN_WORDS[walls]}"


async def _as_loaded(session: Session) -> Session:
    """Return the session: it lives as long as the process, there is nothing to load it from."""
    return session
