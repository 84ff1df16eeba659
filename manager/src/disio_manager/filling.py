"""Grants whose payloads are files get them on their way out.

Rule: messages to one session keep their order, so a cancel never overtakes the Grant it is about; a Grant that cannot
be filled is dropped like one that the network lost: its leases end, and the distributor asks again.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from disio_manager.archives import Archives
from disio_manager.core.commands import Read, Send
from disio_shared import messages
from disio_shared.errors import DisioError
from disio_shared.logs import LineBudget, logger

MAX_READING = 2
"""Grants filled at a time, all sessions together; each has at most ``CoreSettings.max_grant_bytes``, or one block."""
MAX_WAITING = 1_000
"""Messages that wait behind a session's Grant."""


class Filler:
    """Passes messages on in order, Grants with their files.

    Args:
        archives: Where the files are.
        tell: Sends a message that is whole; must not raise or block.
        give_up: Told of a session for which too much waits: it is to end.
        steady: Returns steady seconds, for how often the log tells of trouble.
    """

    def __init__(
        self,
        archives: Archives,
        tell: Callable[[Send], None],
        give_up: Callable[[str], None],
        steady: Callable[[], float],
    ) -> None:
        self._archives, self._tell, self._give_up, self._steady = archives, tell, give_up, steady
        self._waiting: dict[str, deque[Send]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = asyncio.Semaphore(MAX_READING)
        self._lines = LineBudget()
        self._log = logger("manager.filling")

    def send(self, command: Send) -> None:
        """Send a message, at once when nothing is to be read for it and none waits before it."""
        waiting = self._waiting.get(command.session)
        if waiting is None and not command.reads:
            self._tell(command)
            return
        if waiting is None:
            waiting = self._waiting[command.session] = deque()
            task = asyncio.create_task(self._pass_on(command.session, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(waiting) < MAX_WAITING:
            waiting.append(command)
            return
        waiting.clear()
        self._give_up(command.session)

    def stop(self) -> None:
        """Send nothing more of what waits."""
        for task in self._tasks:
            task.cancel()
        self._waiting.clear()

    async def _pass_on(self, session: str, waiting: "deque[Send]") -> None:
        try:
            while waiting:
                whole = await self._filled(waiting[0])
                if waiting:  # else the session was given up
                    waiting.popleft()
                    if whole is not None:
                        self._tell(whole)
        finally:
            self._waiting.pop(session, None)

    async def _filled(self, command: Send) -> Send | None:
        """Return a message with what it lacks, or None when that cannot be read."""
        grant = command.message
        if not command.reads or not isinstance(grant, messages.Grant):
            return command
        blocks = list(grant.blocks)
        try:
            async with self._reading:
                for read in command.reads:
                    blocks[read.at] = await self._with_files(blocks[read.at], read)
        except DisioError as error:
            hidden = self._lines.take(self._steady())
            if hidden is not None:
                self._log.error("files cannot be handed out", problem=str(error), not_shown=hidden)
            return None
        return Send(command.session, msgspec.structs.replace(grant, blocks=blocks))

    async def _with_files(self, block: messages.BlockGrant, read: Read) -> messages.BlockGrant:
        values = [b""] * (block.stop - block.start)
        at = 0
        files = await self._archives.payloads(read.blob, read.runs)
        for start, stop in read.runs:
            values[start - block.start : stop - block.start] = files[at : at + stop - start]
            at += stop - start
        return msgspec.structs.replace(block, payloads=values)
