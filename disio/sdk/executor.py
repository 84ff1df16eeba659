"""``client.executor()``: an executor as those of ``concurrent.futures``, on a cluster.

Rule: futures are the standard library's own, and it is as executors are there: what was not begun can be cancelled, the
interpreter waits at its end for what was submitted, and nothing is taken after ``shutdown``.
"""

import concurrent.futures
import concurrent.futures.thread  # before the registration below, so that name look-ups still work when it is called
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from disio.sdk.errors import BadArgument, CannotShip
from disio.sdk.functions import Work, shipped
from disio.sdk.options import Options, sized_payload
from disio.sdk.pool import CallItem, Pool
from disio.sdk.units import Runtime, WorkUnit

MOST_FUNCTIONS = 1_000
"""Functions whose source is kept."""
ArgsT = ParamSpec("ArgsT")
ResultT = TypeVar("ResultT")


class Executor(concurrent.futures.Executor):
    """Runs calls on a cluster; made by ``Client.executor``.

    Args:
        pool: Feeds them.
        runtime: Where functions run that do not say so themselves.
        options: Fields of the policy of their tasks.
    """

    def __init__(self, pool: Pool, runtime: Runtime, options: Options) -> None:
        self._pool, self._runtime, self._options = pool, runtime, options
        self._units: dict[Any, WorkUnit] = {}
        self._lock = threading.Lock()
        _pools.add(pool)
        weakref.finalize(self, pool.retire).atexit = False

    def submit(
        self, fn: Callable[ArgsT, ResultT], /, *args: ArgsT.args, **kwargs: ArgsT.kwargs
    ) -> "concurrent.futures.Future[ResultT]":
        """Have a function called; return the future of what it gives.

        Args:
            fn: Defined with ``def``, or one of Python's own.
            args: JSON values; or one ``bytes`` and nothing else.
            kwargs: JSON values.

        Raises:
            CannotShip: The function cannot be written down.
            BadArgument: An argument is nothing that JSON can hold.
            RuntimeError: After ``shutdown``, or at the end of the interpreter.
        """
        payload, size = _payload_of(args, kwargs)
        return self._add(lambda: self._unit_of(fn), payload, size)

    def submit_unit(self, unit: WorkUnit, payload: bytes) -> "concurrent.futures.Future[Any]":
        """Have a work unit run on one payload; return the future of the ``bytes`` that it gives.

        Raises:
            BadArgument: The payload is too large.
            RuntimeError: As in ``submit``.
        """
        return self._add(lambda: unit, *sized_payload(payload, "the payload"))

    def _add(self, unit: Callable[[], WorkUnit], payload: Any, size: int) -> "concurrent.futures.Future[Any]":
        with self._lock:
            if _is_ending:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            if self._pool.is_closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future: concurrent.futures.Future[Any] = concurrent.futures.Future()
            self._pool.add(CallItem(future, unit(), payload, size))
            return future

    def abort(self) -> None:
        """Take no more calls and end all others, those that are computed too."""
        self.shutdown(wait=False, cancel_futures=True)
        self._pool.abort()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls.

        Args:
            wait: Return only when all that were submitted have ended.
            cancel_futures: Cancel those that were not begun.
        """
        with self._lock:
            self._pool.close()
        if cancel_futures:
            self._pool.cancel()
        if wait:
            self._pool.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what was submitted; but not after Ctrl-C, which ends all waiting, at the interpreter's end too."""
        is_interrupted = isinstance(error, KeyboardInterrupt)
        if is_interrupted:
            _pools.discard(self._pool)
        self.shutdown(wait=not is_interrupted, cancel_futures=is_interrupted)

    def _unit_of(self, function: Callable[..., Any]) -> WorkUnit:
        """Return a function's work unit: its source is read once."""
        try:
            unit = self._units.get(function)
        except TypeError as error:
            raise CannotShip(type(function).__name__, "it", "is no function: send one made with def") from error
        if unit is None:
            runtime, options = self._runtime, {**self._options}
            inner = function
            if isinstance(function, Work):
                runtime, options, inner = function.runtime, {**self._options, **function.options}, function.function
            unit = shipped(inner, "call", runtime, options)  # type: ignore[arg-type]
            if len(self._units) >= MOST_FUNCTIONS:
                self._units.clear()
            self._units[function] = unit
        return unit


def _payload_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, int]:
    """Return the payload that a call is, and its bytes.

    Raises:
        BadArgument: An argument is nothing that JSON can hold.
    """
    if len(args) == 1 and not kwargs and isinstance(args[0], bytes | bytearray | memoryview):
        return sized_payload(args[0], "args[0]")
    size = 0
    for place, value in [*((f"args[{at}]", each) for at, each in enumerate(args)), *kwargs.items()]:
        if isinstance(value, bytes | bytearray | memoryview):
            raise BadArgument(f"{place} is bytes, which can only be the one argument of a call; send text instead")
        size += sized_payload(value, place)[1]
    return {"args": list(args), "kwargs": kwargs}, size


def _end() -> None:
    """Wait for what was submitted: the interpreter ends."""
    global _is_ending
    _is_ending = True
    for pool in list(_pools):
        pool.close()
    for pool in list(_pools):
        pool.wait()


_is_ending = False
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()
# As the executors of the standard library do it: functions of atexit come too late, when no thread can be started.
threading._register_atexit(_end)  # type: ignore[attr-defined]
