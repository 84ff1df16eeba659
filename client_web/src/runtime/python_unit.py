"""What runs inside the Python interpreter of a realm: it loads a unit once and calls it for each payload.

Rule: whatever a unit raises or returns ends here, as bytes in wire form or as a failure in words; nothing of it reaches JavaScript.
It needs no more of Pyodide than `start` says, so that any CPython can run its tests.
"""

import asyncio
import contextlib
import inspect
import json
import linecache
import random
import sys
import traceback
import types
from collections.abc import Awaitable, Callable
from typing import Any

UNIT_FILE = "workunit.py"
MAX_DEPTH = 200
MAX_ERROR_CHARS = 3_500
_RAW_MARK = 0
_PLAIN = frozenset({str, int, float, bool, type(None)})
_HINTS = {
    "set": "return sorted(x) or list(x)",
    "frozenset": "return sorted(x) or list(x)",
    "bytes": "bytes can only be the whole result",
    "bytearray": "bytes can only be the whole result",
    "memoryview": "bytes can only be the whole result",
    "generator": "return list(x)",
    "coroutine": "await it first",
}
_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_flushed = (sys.stdout, sys.stderr)


class ValueRefused(ValueError):
    """What was returned or saved is no JSON value and no bytes, or too large."""


class NoRun(Exception):
    """The module has nothing to call."""


class Unit:
    """What a unit is given beside its payload."""

    __slots__ = ("_give", "_link", "_max_bytes", "index", "state")

    def __init__(self, index: int, state: Any, link: Any, give: Callable[[bytes], Any], max_bytes: int) -> None:
        self.index, self.state = index, state
        self._link, self._give, self._max_bytes = link, give, max_bytes

    def save_state(self, state: Any) -> None:
        """Keep this for whoever runs the unit again, should this client go away."""
        self._link.save(self._give(encode_value(state, "state", self._max_bytes)))

    saveState = save_state  # noqa: N815  # the name that JavaScript units know

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
        max_result_bytes: Largest result.
        max_state_bytes: Largest saved state.
        memory_mb: The unit's memory limit, for what is said when it is reached.
    """

    def __init__(
        self, source: bytes, give: Callable[[bytes], Any], max_result_bytes: int, max_state_bytes: int, memory_mb: int
    ) -> None:
        self._give, self._memory_mb = give, memory_mb
        self._max_result_bytes, self._max_state_bytes = max_result_bytes, max_state_bytes
        self.problem = ""
        """Why it cannot run: kind and text like every failure, or nothing."""
        try:
            self._run = _run_of(source)
        except BaseException as error:
            self.problem = self._failure(error)

    def run(self, payload: Any, index: int, state: Any, link: Any, seed: float) -> Any:
        """Run one payload; return what ``give`` made of the result, a failure as text, or an awaitable of one of them."""
        random.seed(int(seed * (1 << 53)))
        try:
            resumed = None if state is None else decode_value(_bytes_of(state))
            unit = Unit(index, resumed, link, self._give, self._max_state_bytes)
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
        if isinstance(error, ValueRefused):
            return f"result\n{error}"
        if isinstance(error, NoRun):
            return f"error\n{error}"
        if isinstance(error, MemoryError):
            _let_go(error)
            return f"memory\nMemoryError: out of memory; the unit may use {self._memory_mb} MiB"
        try:
            return f"error\n{in_words(error)}"
        except BaseException:
            return f"error\n{type(error).__name__}: an error that cannot be shown"


def start(source: Any, max_result_bytes: int, max_state_bytes: int, memory_mb: int) -> Loaded:
    """Load a unit; called from JavaScript in Pyodide."""
    from pyodide.ffi import to_js  # type: ignore[import-not-found]

    _close_doors()
    return Loaded(source.to_bytes(), to_js, max_result_bytes, max_state_bytes, memory_mb)


def _close_doors() -> None:
    """Leave no module that stands for JavaScript."""
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


def _run_of(source: bytes) -> Callable[[Any, Unit], Any]:
    text = source.decode("utf-8-sig")
    linecache.cache[UNIT_FILE] = (len(text), None, text.splitlines(keepends=True), UNIT_FILE)
    module = types.ModuleType("workunit")
    module.__file__ = UNIT_FILE
    sys.modules["workunit"] = module
    exec(compile(text, UNIT_FILE, "exec", dont_inherit=True), module.__dict__)
    run = getattr(module, "run", None)
    if not callable(run):
        raise NoRun("it defines no function run; write `def run(payload, unit): ...`")
    return run  # type: ignore[no-any-return]


def _bytes_of(data: Any) -> bytes:
    return data if isinstance(data, bytes) else data.to_bytes()


def _flush() -> None:
    for stream in _flushed:
        with contextlib.suppress(Exception):
            stream.flush()


# Values


def decode_value(data: bytes) -> Any:
    """Return the value of a wire form: JSON text, or one zero byte and raw bytes."""
    if data[:1] == b"\0":
        return data[1:]
    return json.loads(data.decode())


def encode_value(value: Any, what: str, max_bytes: int) -> bytes:
    """Return a value in wire form.

    Args:
        value: A JSON value or bytes.
        what: How error texts name it.
        max_bytes: Its largest size.

    Raises:
        ValueRefused: It is neither, or too large.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        data = b"\0" + bytes(value)
    else:
        data = _json_bytes(value, what)
    if len(data) > max_bytes:
        raise ValueRefused(f"{what} is {len(data)} bytes; the limit is {max_bytes}")
    return data


def _json_bytes(value: Any, what: str) -> bytes:
    try:
        data = _to_json(value).encode()
        problem = "" if type(value) in _PLAIN or _is_regular(value) else "it is no JSON value"
    except (TypeError, ValueError, RecursionError) as error:
        data, problem = b"", str(error)
    if problem:
        _explain(value, what, 0)
        raise ValueRefused(f"{what} cannot be written as JSON: {problem}")
    return data


def _is_regular(value: Any) -> bool:
    """Tell whether what json wrote says what was meant: it turns keys of other types into strings."""
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            return False
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                if not all(isinstance(key, str) for key in item):
                    return False
                below += [inner for inner in item.values() if type(inner) not in _PLAIN]
            elif isinstance(item, list | tuple):
                below += [inner for inner in item if type(inner) not in _PLAIN]
        level, depth = below, depth + 1
    return True


def _explain(value: Any, path: str, depth: int) -> None:
    """Raise for the first thing in a value that JSON cannot hold, with its place."""
    if depth > MAX_DEPTH:
        raise ValueRefused(f"{path[:60]}... is cyclic or nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        _explain_text(value, path)
    elif isinstance(value, float):
        if value - value != 0:
            raise ValueRefused(f"{path} is {value}, which JSON cannot hold")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueRefused(f"a key of {path} is {_short(key)} ({type(key).__name__}); keys are str, so use str(x)")
            _explain_text(key, f"a key of {path}")
            _explain(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            _explain(inner, f"{path}[{at}]", depth + 1)
    elif value is not None and not isinstance(value, int):
        name = type(value).__name__
        hint = _HINTS.get(name, "return str(x) or a dict of its parts")
        raise ValueRefused(f"{path} is of type {name}, which JSON cannot hold; {hint}")


def _explain_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueRefused(f"{path} is a string with half a surrogate pair, which UTF-8 cannot hold") from None


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:40] + "..."


# Errors


def in_words(error: BaseException) -> str:
    """Return an error as its submitter should read it: places in the unit only, the message last."""
    if isinstance(error, SystemExit):
        return f"SystemExit: the unit called exit({error.code!r}); return a result, or raise an error"
    report = traceback.TracebackException.from_exception(error, lookup_lines=False)
    _strip(report, set())
    text = "".join(report.format()).strip("\n")
    head = "Traceback (most recent call last):\n"
    if text.startswith(head) and not text.startswith(head + "  File"):
        text = text.removeprefix(head)
    text += _missing_module_hint(error)
    return text if len(text) <= MAX_ERROR_CHARS else "...\n" + text[-MAX_ERROR_CHARS:]


def _missing_module_hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return " (a work unit has Python's standard library and nothing else)"
    return ""


def _strip(report: traceback.TracebackException | None, seen: set[int]) -> None:
    """Leave out frames of the interpreter, of this file and of the library, also of the errors that led here."""
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    kept = [frame for frame in report.stack if frame.filename == UNIT_FILE]
    report.stack = traceback.StackSummary.from_list(kept)
    _strip(report.__cause__, seen)
    _strip(report.__context__, seen)
    for inner in report.exceptions or ():
        _strip(inner, seen)


def _let_go(error: BaseException) -> None:
    """Free what the frames that ended by this error hold."""
    trace = error.__traceback__
    while trace is not None:
        with contextlib.suppress(RuntimeError):
            trace.tb_frame.clear()
        trace = trace.tb_next
    error.__traceback__ = None
