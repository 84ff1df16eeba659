"""What runs inside the Python interpreter of a realm: it loads a unit once and calls it for each payload.

Rule: whatever a unit raises or returns ends here, as bytes in wire form or as a failure in words.
It needs no more of Pyodide than `start` says, so that any CPython can run its tests. What it has in common with native
Python it imports from the CLI client; the build brings it along (python.ts).
"""

import asyncio
import contextlib
import inspect
import random
import sys
import types
from collections.abc import Awaitable, Callable
from typing import Any

from disio_client.engines.python_module import describe, kind_of, load_run
from disio_client.engines.python_values import decode_value, encode_value

_NO_PACKAGES = " (a work unit has Python's standard library and nothing else)"
_flushed = (sys.stdout, sys.stderr)


class Unit:
    """What a unit is given beside its payload."""

    __slots__ = ("_give", "_link", "index", "state")

    def __init__(self, index: int, state: Any, link: Any, give: Callable[[bytes], Any]) -> None:
        self.index, self.state = index, state
        self._link, self._give = link, give

    def save_state(self, state: Any) -> None:
        """Keep this for whoever runs the unit again, should this client go away."""
        self._link.save(self._give(encode_value(state, "state")))

    saveState = save_state

    def progress(self, fraction: float) -> None:
        """Tell how far the unit is, 0 to 1."""
        self._link.progress(float(fraction))

    def log(self, *parts: object) -> None:
        """Write a line of log."""
        self._link.log(" ".join(map(str, parts)))

    def random(self) -> float:
        """Return a number in [0, 1): the same sequence for the same task and index in every language and client."""
        return float(self._link.random())


class Loaded:
    """A unit's module and its ``run``.

    Args:
        source: The code, UTF-8.
        give: Makes bytes into what goes back to the caller.
        max_result_bytes: Largest result; 0 = the client's own limit.
        memory_mb: The unit's memory limit, for what is said when it is reached.
    """

    def __init__(self, source: bytes, give: Callable[[bytes], Any], max_result_bytes: int, memory_mb: int) -> None:
        self._give, self._memory_mb, self._max_result_bytes = give, memory_mb, max_result_bytes
        self.problem = ""
        """Why it cannot run: kind and text like every failure, or nothing."""
        try:
            self._run = load_run(source)
        except BaseException as error:
            self.problem = self._failure(error)

    def run(self, payload: Any, index: int, state: Any, link: Any, seed: float) -> Any:
        """Run one payload; return what ``give`` made of the result, a failure as text, or an awaitable of these."""
        random.seed(int(seed * (1 << 53)))
        try:
            resumed = None if state is None else decode_value(_bytes_of(state))
            unit = Unit(index, resumed, link, self._give)
            value = self._run(decode_value(_bytes_of(payload)), unit)
            if inspect.isawaitable(value):
                return self._finish(value)
            return self._give(encode_value(value, "result", self._max_result_bytes))
        except BaseException as error:
            return self._failure(error)
        finally:
            _flush()

    async def _finish(self, value: Awaitable[Any]) -> Any:
        try:
            return self._give(encode_value(await value, "result", self._max_result_bytes))
        except BaseException as error:
            return self._failure(error)
        finally:
            _flush()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    def _failure(self, error: BaseException) -> str:
        """Return kind and text, a line end between them."""
        kind = kind_of(error)
        if kind == "memory":
            _let_go(error)
            return f"memory\nMemoryError: out of memory; the unit may use {self._memory_mb} MiB"
        hint = _NO_PACKAGES if isinstance(error, ModuleNotFoundError) else ""
        return f"{kind}\n{describe(error)}{hint}"


def start(source: Any, max_result_bytes: int, memory_mb: int) -> Loaded:
    """Load a unit; called from JavaScript in Pyodide."""
    from pyodide.ffi import to_js  # type: ignore[import-not-found]

    _close_doors()
    return Loaded(source.to_bytes(), to_js, max_result_bytes, memory_mb)


def _close_doors() -> None:
    """Leave no module that stands for JavaScript, and none that is only here for this file."""
    for name in [name for name in sys.modules if name.startswith("disio_client")]:
        del sys.modules[name]
    for finder in sys.meta_path:
        doors = getattr(finder, "jsproxies", None)
        if isinstance(doors, dict):
            doors.clear()
    sys.modules.pop("js", None)
    # asyncio.run of Pyodide asks it for a setting.
    inside = types.ModuleType("pyodide_js._api")
    inside.config = types.SimpleNamespace(enableRunUntilComplete=False)  # type: ignore[attr-defined]
    outside = types.ModuleType("pyodide_js")
    outside._api = inside  # type: ignore[attr-defined]
    sys.modules["pyodide_js"], sys.modules["pyodide_js._api"] = outside, inside
    for stream in _flushed:
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _bytes_of(data: Any) -> bytes:
    return data if isinstance(data, bytes) else data.to_bytes()


def _flush() -> None:
    for stream in _flushed:
        with contextlib.suppress(Exception):
            stream.flush()


def _let_go(error: BaseException) -> None:
    """Free what the frames that ended by this error hold."""
    trace = error.__traceback__
    while trace is not None:
        with contextlib.suppress(RuntimeError):
            trace.tb_frame.clear()
        trace = trace.tb_next
    error.__traceback__ = None
