"""Runs the native Python units of one task, one at a time, and reports what became of them, as runtime/runner.ts does.

Rule: every index of a run gets exactly one answer. Answers of quick units share a message; an answer waits for company
at most ``GATHER_S``, and never behind a unit that follows a slow one.
Imports the standard library alone: it runs in the worker process.
"""

import gc
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from disio_client.engines.native_limits import Reserve, limit_memory
from disio_client.engines.native_random import seeded_random
from disio_client.engines.native_unit import RunningUnit
from disio_client.engines.python_module import MODULE, describe, kind_of, load_run
from disio_client.engines.python_values import decode_value, encode_value

if TYPE_CHECKING:
    import asyncio

GATHER_S = 0.020
"""Seconds an answer may wait for others."""
SLOW_S = 0.001
"""A unit of at least this many seconds is worth a message of its own."""
EXIT_LOST = 70
"""Exit status: the worker is of no use any more, the client starts another one."""

Message = dict[str, Any]


class Runner:
    """The unit of one task: its code, loaded once, and the unit that runs now.

    Args:
        code: Python source.
        send: Writes messages to the client.
        drain: Hands everything to ``log`` that was written to stdout and stderr so far.
        reserve: Is there while a unit runs, and free while it is told that its memory is used up.
    """

    def __init__(
        self, code: bytes, send: Callable[[list[Message]], None], drain: Callable[[], None], reserve: Reserve
    ) -> None:
        self._code, self._send, self._drain, self._reserve = code, send, drain, reserve
        self._function: Callable[[Any, RunningUnit], Any] | None = None
        self._was_loaded = False
        self._current: RunningUnit | None = None
        self._answers: list[Message] = []
        self._flushed_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def log(self, text: str) -> None:
        """Write lines to the log of the unit that runs now; what is written while none runs is dropped."""
        for line in text.splitlines():
            if self._current is not None:
                self._current.log(line)

    def run(self, message: Message) -> None:
        """Run the units of a ``run`` message."""
        token, indexes = message["token"], message["indexes"]
        problem = self._ensure_loaded(message["memory_mb"])
        if problem is not None:
            count = len(indexes)
            failed = {"type": "failed", "token": token, "indexes": indexes}
            self._send([failed | {"errors": [problem[0]] * count, "kinds": [problem[1]] * count}])
        else:
            self._send([{"type": "loaded", "token": token}])
            self._run_all(message)
        self._send([{"type": "finished", "token": token}])

    # Loading

    def _ensure_loaded(self, memory_mb: int) -> tuple[str, str] | None:
        """Load the code unless it is; return error text and failure kind when it does not load."""
        if self._function is not None:
            return None
        try:
            self._reserve.keep()
            limit_memory(memory_mb, is_loading=True)
            self._function = load_run(self._code)
            limit_memory(memory_mb, is_loading=False)
        except BaseException as error:
            self._reserve.free()
            if self._was_loaded:  # what earlier units left behind is in the way
                os._exit(EXIT_LOST)
            return f"the work unit does not load: {describe(error)}", kind_of(error)
        finally:
            self._drain()
        self._was_loaded = True
        return None

    def _unload(self) -> None:
        """Forget what the code keeps, after a unit had used its memory up: the next unit finds it new."""
        self._function = None
        sys.modules.pop(MODULE, None)
        gc.collect()

    # Running

    def _run_all(self, message: Message) -> None:
        self._flushed_at = time.perf_counter()
        is_single, token = message["single"], message["token"]
        for index, payload in zip(message["indexes"], message["payloads"], strict=True):
            if self._ensure_loaded(message["memory_mb"]) is not None:
                os._exit(EXIT_LOST)
            if is_single:
                self._send([{"type": "started", "token": token, "index": index}])
            self._run_one(message, index, payload)
            if is_single:
                self._flush()
        self._flush()

    def _run_one(self, message: Message, index: int, payload: bytes) -> None:
        started = time.perf_counter()
        token, terms = message["token"], message["terms"]
        state = message["states"].get(index)
        unit = RunningUnit(message["task"], token, index, state, terms["max_log_bytes"], self._send_one)
        self._current = unit
        # Replicas agree on what the standard generator draws, too, and with those in the sandbox.
        random.seed(int(seeded_random(message["task"], index)() * (1 << 53)))
        kind = ""
        value: bytes | str
        try:
            assert self._function is not None
            result = self._function(decode_value(payload), unit)
            if hasattr(type(result), "__await__"):
                self._flush()  # it may take long: what was answered before goes out now
                result = self._settled(result)
            value = encode_value(result, "result", terms["max_result_bytes"])
        except BaseException as error:
            kind = kind_of(error)
            if kind == "memory":
                self._reserve.free()
                traceback.clear_frames(error.__traceback__)
            value = describe(error)
        self._drain()
        unit.end()
        self._current = None
        seconds = time.perf_counter() - started
        self._answer(token, index, value, kind, seconds)
        if kind == "memory":
            self._unload()

    def _settled(self, awaitable: Any) -> Any:
        """Return what an ``async def run`` returns; tasks that it left behind are ended with it."""
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        loop = self._loop

        async def awaited() -> Any:
            try:
                return await awaitable
            finally:
                left = asyncio.all_tasks() - {asyncio.current_task()}
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

        return loop.run_until_complete(awaited())

    # Answers

    def _answer(self, token: str, index: int, value: bytes | str, kind: str, seconds: float) -> None:
        """Note a result, or the error text of a failure of this kind."""
        if kind:
            failed = {"type": "failed", "token": token, "indexes": [index], "errors": [value], "kinds": [kind]}
            self._answers.append(failed)
        else:
            self._done(token)["indexes"].append(index)
            self._answers[-1]["values"].append(value)
            self._answers[-1]["seconds"].append(seconds)
        if seconds >= SLOW_S or time.perf_counter() - self._flushed_at >= GATHER_S:
            self._flush()

    def _done(self, token: str) -> Message:
        if not self._answers or self._answers[-1]["type"] != "done":
            self._answers.append({"type": "done", "token": token, "indexes": [], "values": [], "seconds": []})
        return self._answers[-1]

    def _flush(self) -> None:
        answers, self._answers = self._answers, []
        if answers:
            self._send(answers)
        self._flushed_at = time.perf_counter()

    def _send_one(self, message: Message) -> None:
        self._send([message])
