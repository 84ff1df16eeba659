"""Grants whose payloads are stored get them on their way out.

Rule: messages to one session keep their order, so a cancel never overtakes the Grant it is about; a Grant that cannot
be filled is dropped like one that the network lost: its leases end, and the distributor asks again.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from disio_manager.core.commands import Read, Send
from disio_manager.sources import Sources
from disio_shared import messages
from disio_shared.errors import DisioError
from disio_shared.logs import LineBudget, logger

MAX_READING = 2
"""Grants filled at a time, all sessions together; each has at most ``CoreSettings.max_grant_bytes``, or one block."""
MAX_WAITING = 1_000
"""Messages that wait behind a session's Grant."""
MAX_SENT_BYTES = 48 << 20
"""Bytes of payloads in one message, unless it is a single block: how large they are is told of chunks of them, so there
may be more than were reckoned with."""


class Filler:
    """Passes messages on in order, Grants with their payloads.

    Args:
        sources: Where the payloads are.
        tell: Sends a message that is whole; must not raise or block.
        give_up: Told of a session for which too much waits: it is to end.
        steady: Returns steady seconds, for how often the log tells of trouble.
    """

    def __init__(
        self,
        sources: Sources,
        tell: Callable[[Send], None],
        give_up: Callable[[str], None],
        steady: Callable[[], float],
    ) -> None:
        self._sources, self._tell, self._give_up, self._steady = sources, tell, give_up, steady
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
                    for part in whole:
                        self._tell(part)
        finally:
            self._waiting.pop(session, None)

    async def _filled(self, command: Send) -> list[Send]:
        """Return a message with what it lacks, as several when it is too large; nothing when that cannot be read."""
        grant = command.message
        if not command.reads or not isinstance(grant, messages.Grant):
            return [command]
        blocks = list(grant.blocks)
        try:
            async with self._reading:
                for read in command.reads:
                    blocks[read.at] = await self._with_payloads(blocks[read.at], read)
        except DisioError as error:
            hidden = self._lines.take(self._steady())
            if hidden is not None:
                self._log.error("payloads cannot be handed out", problem=str(error), not_shown=hidden)
            return []
        return [Send(command.session, part) for part in _parts(grant, blocks)]

    async def _with_payloads(self, block: messages.BlockGrant, read: Read) -> messages.BlockGrant:
        values = [b""] * (block.stop - block.start)
        at = 0
        found = await self._sources.payloads(read.spec, read.runs)
        for start, stop in read.runs:
            values[start - block.start : stop - block.start] = found[at : at + stop - start]
            at += stop - start
        return msgspec.structs.replace(block, payloads=values)


def _parts(grant: messages.Grant, blocks: list[messages.BlockGrant]) -> list[messages.Grant]:
    """Return a Grant with these blocks, or several with some each: all but the first one answer no Ask any more."""
    parts: list[list[messages.BlockGrant]] = [[]]
    size = 0
    for block in blocks:
        added = sum(map(len, block.payloads))
        if parts[-1] and size + added > MAX_SENT_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(block)
        size += added
    first, *others = (msgspec.structs.replace(grant, blocks=part) for part in parts)
    return [first, *(msgspec.structs.replace(other, tasks=[]) for other in others)]
