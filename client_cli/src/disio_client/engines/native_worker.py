"""The process that runs native Python units: engine messages on what were its stdin and stdout.

Rule: before it has any unit code it sets its limits and moves the pipes away from descriptors 0 to 2, so that nothing
a unit prints, by whatever means, gets between the frames. Standard library and ``msgpack`` alone: it starts quickly.
"""

import contextlib
import faulthandler
import io
import os
import platform
import select
import struct
import sys
import threading
from typing import Any, BinaryIO

import msgpack  # type: ignore[import-untyped]

from disio_client.engines.native_limits import Reserve, limit_process
from disio_client.engines.native_runner import EXIT_LOST, Message, Runner
from disio_client.engines.python_module import UNIT_FILE

_LENGTH = struct.Struct("<I")
NO_MEMORY = b"out of memory\n"
"""A worker's last words when a traceback could not be made."""
MAX_SPILL = 1 << 20
"""Bytes read back of what was written to descriptors 1 and 2."""


class Pipe:
    """Writes frames; whole ones, from whichever thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock = descriptor, threading.RLock()

    def send(self, messages: list[Message]) -> None:
        """Write messages; without a client to read them the process ends."""
        data = memoryview(b"".join(map(_frame, messages)))
        try:
            with self._lock:
                while data:
                    data = data[os.write(self._descriptor, data) :]
        except OSError:
            os._exit(EXIT_LOST)


class Spill(io.RawIOBase):
    """What ``sys.stdout`` and ``sys.stderr`` write into: lines for the log of the unit that runs now."""

    def __init__(self, worker: "Worker", descriptor: int) -> None:
        super().__init__()
        self._worker, self._descriptor = worker, descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        taken = bytes(data)
        self._worker.log(taken)
        return len(taken)


class Worker:
    """One realm: the code that came with ``load``, and its runs."""

    def __init__(self, source: BinaryIO, pipe: Pipe, log: int) -> None:
        self._source, self._pipe, self._log = source, pipe, log
        self._runner: Runner | None = None
        self.reserve = Reserve()
        self._outputs = (_as_text(Spill(self, 1)), _as_text(Spill(self, 2)))
        sys.stdout, sys.stderr = self._outputs

    def serve(self) -> None:
        """Answer messages until the client closes the pipe."""
        self._pipe.send([{"type": "ready", "runtime": f"CPython {platform.python_version()}"}])
        while message := self._receive():
            if message["type"] == "load":
                self._runner = Runner(message["code"], self._pipe.send, self._drain, self.reserve)
            elif message["type"] == "run" and self._runner is not None:
                self._runner.run(message)

    def log(self, data: bytes) -> None:
        """Write to the log of the unit that runs now."""
        if self._runner is not None:
            self._runner.log(data.decode(errors="replace"))

    def _receive(self) -> Message | None:
        head = self._source.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        body = self._source.read(_LENGTH.unpack(head)[0])
        message: Message = msgpack.unpackb(body, strict_map_key=False)
        return message

    def _drain(self) -> None:
        """Take what is left in buffers, and what other means than ``sys.stdout`` wrote to descriptors 1 and 2."""
        for output in self._outputs:
            with contextlib.suppress(ValueError, OSError):  # a unit may have closed it
                output.flush()
        with contextlib.suppress(OSError):
            if os.fstat(self._log).st_size:
                os.lseek(self._log, 0, os.SEEK_SET)
                self.log(os.read(self._log, MAX_SPILL))
                os.ftruncate(self._log, 0)


def main() -> None:
    """Serve one client.

    The first argument is ``bound`` when the kernel ends this process with its client, else ``watch``.
    """
    is_watching = sys.argv[1:2] == ["watch"] and hasattr(select, "poll")
    sys.argv[:] = [UNIT_FILE]
    limit_process()
    source, sink, log = os.dup(0), os.dup(1), os.dup(2)
    if is_watching:
        threading.Thread(target=_end_with_client, args=(source,), daemon=True).start()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(log, 1)
    faulthandler.enable(log)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _forget(source, sink))
    worker = Worker(os.fdopen(source, "rb", closefd=False), Pipe(sink), log)
    try:
        worker.serve()
    except MemoryError:  # a unit has left so little that the worker cannot work
        worker.reserve.free()
        os.write(log, NO_MEMORY)
        os._exit(1)
    except BaseException as error:  # what a unit put in the worker's way; its stderr would lead into the unit's log
        os.write(log, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
        os._exit(1)
    os._exit(0)


def _forget(*descriptors: int) -> None:
    """A process that a unit forks has no part in the talk with the client."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _end_with_client(source: int) -> None:
    """Wait until the other end of the pipe is closed, whatever the unit does meanwhile, and end."""
    poll = select.poll()
    poll.register(source, 0)  # a closed pipe is told unasked
    poll.poll()
    os._exit(EXIT_LOST)


def _frame(message: Message) -> bytes:
    body: bytes = msgpack.packb(message)
    return _LENGTH.pack(len(body)) + body


def _as_text(raw: Spill) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True)
