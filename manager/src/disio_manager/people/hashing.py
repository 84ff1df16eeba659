"""Password hashes: argon2id, in threads.

Rule: two are worked out at a time and few wait, so that strangers who guess take neither the memory nor the threads of
the manager; an unknown name costs as much time as a wrong password.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from disio_manager.people.names import normal
from disio_shared.errors import UnavailableError

PASSES, MEMORY_KIB, LANES = 3, 32_768, 1
"""More than the least that OWASP asks for (2 passes over 19 MiB); one lane, so that a hash takes one thread.

Measured on two busy cores: 0.2 to 0.26 s each."""
AT_A_TIME = 2
MAX_WAITING = 32
AnswerT = TypeVar("AnswerT")


class TooManySigningIn(UnavailableError):
    """Too many passwords wait to be checked."""

    code = "too-many-waiting"

    def __init__(self) -> None:
        super().__init__(f"{MAX_WAITING} passwords wait to be checked already: try again in a moment")


class Verdict(NamedTuple):
    """What came of checking a password."""

    is_right: bool
    is_outdated: bool = False
    """It is right, and was hashed with other parameters than today's."""


class Hasher:
    """Makes and checks hashes.

    Args:
        passes: Over the memory.
        memory_kib: That a hash takes while it is worked out.
    """

    def __init__(self, passes: int = PASSES, memory_kib: int = MEMORY_KIB) -> None:
        self._argon = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._threads = ThreadPoolExecutor(AT_A_TIME, "passwords")
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return a password's hash in the PHC format.

        Raises:
            TooManySigningIn: No place is free, nor one to wait in.
        """
        async with self._place():
            return await self._in_thread(self._hash, password)

    async def check(self, password: str, kept: str | None) -> Verdict:
        """Compare a password with a hash; with None (there is no such user) as slowly, and in vain.

        Raises:
            TooManySigningIn: No place is free, nor one to wait in.
        """
        async with self._place():
            return await self._in_thread(self._check, password, kept)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        return self._argon.hash(normal(password))

    def _check(self, password: str, kept: str | None) -> Verdict:
        if kept is None:
            self._nobody = self._nobody or self._argon.hash("nobody's password")
        try:
            self._argon.verify(kept or self._nobody or "", normal(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return Verdict(is_right=False)
        if kept is None:
            return Verdict(is_right=False)
        return Verdict(is_right=True, is_outdated=self._argon.check_needs_rehash(kept))

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise TooManySigningIn
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    async def _in_thread(self, work: Callable[..., AnswerT], *given: str | None) -> AnswerT:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
