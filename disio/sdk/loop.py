"""One event loop in a thread of its own, for programs that have none.

Rule: the thread never keeps a process alive, and Ctrl-C ends the waiting at once: what was waited for is cancelled.
"""

import asyncio
import atexit
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from disio_shared.errors import DisioError

STOP_S = 2.0
"""Seconds that the loop gets to come to its end when the process ends."""
LOOK_S = 0.2 if os.name == "nt" else None
"""Seconds after which the waiting looks up: on Windows a lock does not hear of Ctrl-C."""
AnswerT = TypeVar("AnswerT")


class NotHere(DisioError):
    """The calling thread cannot wait for this loop."""

    code = "not-here"


class Loop:
    """An event loop that runs in a thread of its own from its making until ``stop``."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.closing: set[Callable[[], Coroutine[Any, Any, None]]] = set()
        """What is done before it ends."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="disio-sdk", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs, in this process: a fork has no threads but its own."""
        return self.process == os.getpid() and self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, AnswerT], timeout_s: float | None = None) -> AnswerT:
        """Return what some work gives, or raise what it raises.

        Raises:
            NotHere: This is the loop's own thread, or a fork of the process that made it.
            TimeoutError: It took longer.
        """
        future = self.start(work)
        try:
            return _waited(future, timeout_s)
        except BaseException:
            future.cancel()
            raise

    def start(self, work: Coroutine[Any, Any, AnswerT]) -> "concurrent.futures.Future[AnswerT]":
        """Begin some work; return what it will give.

        Raises:
            NotHere: As above.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise NotHere("this would wait for itself: use disio.AsyncClient inside of coroutines")
        if not self.is_alive:
            work.close()
            raise NotHere("the client was closed, or is that of another process: call disio.connect() here")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called in the loop, soon."""
        if self.is_alive:
            self._loop.call_soon_threadsafe(function)

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some last work, and wait for it where that is possible: a generator may be collected in any thread."""
        if not self.is_alive:
            work.close()
        elif threading.current_thread() is self._thread:
            asyncio.run_coroutine_threadsafe(work, self._loop)
        else:
            self.run(work)

    def stop(self) -> None:
        """Cancel what is left and end the thread."""
        if self.is_alive:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_S)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._close())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    async def _close(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.gather(*(close() for close in list(self.closing)), return_exceptions=True)


def _waited(future: "concurrent.futures.Future[AnswerT]", timeout_s: float | None) -> AnswerT:
    if LOOK_S is None or timeout_s is not None:
        return future.result(timeout_s)
    while True:
        done, _ = concurrent.futures.wait([future], LOOK_S)
        if done:
            return future.result()


_lock = threading.Lock()
_shared: Loop | None = None


def shared_loop() -> Loop:
    """Return the loop of this process, started when it is first asked for."""
    global _shared
    with _lock:
        if _shared is None or not _shared.is_alive:
            _shared = Loop()
            atexit.register(_shared.stop)
        return _shared
