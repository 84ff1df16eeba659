"""What a slot needs of an engine, and the frames of one that is a process with pipes.

Rule: a slot knows engines by this surface alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from disio_client.engines import frames
from disio_shared.errors import UnavailableError

UNIT_MEMORY_MB = 512
"""Memory of one unit when the task does not say."""
MB = 1 << 20


class EngineUnavailable(UnavailableError):
    """No engine can be started on this machine."""

    code = "engine-unavailable"

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem + (f" ({remedy})" if remedy else ""))


class EngineDied(Exception):
    """The engine's process ended or talks nonsense; ``is_memory`` when it ran out of memory."""

    def __init__(self, problem: str, is_memory: bool = False) -> None:
        self.problem, self.is_memory = problem, is_memory
        super().__init__(problem)


class Engine(Protocol):
    """A running engine."""

    pid: int
    loaded: dict[str, str]
    """Hash to language of the code it has, the longest unused first."""
    kits: set[str]
    """Languages whose kit it has."""

    @property
    def is_ended(self) -> bool:
        """Tell whether it died or was killed."""
        raise NotImplementedError

    async def send(self, message: frames.ToEngine) -> None:
        """Hand it a message; raises EngineDied."""

    async def receive(self) -> frames.FromEngine:
        """Return its next message, safe to cancel; raises EngineDied."""
        raise NotImplementedError

    def used_bytes(self) -> int:
        """Return the memory that its units use, without what it and their language need themselves."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it at once."""

    async def close(self) -> None:
        """End it and wait until it is gone."""


class FrameStream:
    """Frames over the pipes of a process.

    Args:
        process: With pipes for stdin and stdout.
        obituary: Ends what is left of it and tells why it died.
    """

    def __init__(self, process: asyncio.subprocess.Process, obituary: Callable[[], Awaitable[EngineDied]]) -> None:
        assert process.stdin and process.stdout
        self._stdin, self._stdout, self._obituary = process.stdin, process.stdout, obituary
        self._body_size: int | None = None

    async def send(self, message: frames.ToEngine) -> None:
        """Write a message.

        Raises:
            EngineDied: The process is gone.
        """
        try:
            self._stdin.write(frames.encode(message))
            await self._stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise await self._obituary() from error

    async def receive(self) -> frames.FromEngine:
        """Return the next message; safe to cancel.

        Raises:
            EngineDied: The process is gone, or what it wrote is no message.
        """
        try:
            if self._body_size is None:
                (size,) = frames.LENGTH.unpack(await self._stdout.readexactly(frames.LENGTH.size))
                if size > frames.MAX_FRAME:
                    raise EngineDied(f"it wrote a frame of {size} bytes")
                self._body_size = size
            body = await self._stdout.readexactly(self._body_size)
        except asyncio.IncompleteReadError as error:
            raise await self._obituary() from error
        self._body_size = None
        try:
            return frames.decode(body)
        except ValueError as error:
            raise EngineDied(f"it wrote a frame that makes no sense: {error}") from error

    def close(self) -> None:
        """Close our end of its stdin."""
        self._stdin.close()
