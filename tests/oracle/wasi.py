"""A WebAssembly unit run by wasmtime alone: what its answer should be.

Rule: nothing of disio is used here. The streams are held here, since wasmtime itself connects units with files and
pipes only; every other call of WASI preview 1 is its own.
"""

import struct
from dataclasses import dataclass, field

import wasmtime

TRAPPED = -1
"""Exit status of a unit that trapped."""
EBADF = 8
FUEL = 2_000_000_000
"""Instructions, about, after which a unit that goes on counts as trapped."""
WASI = "wasi_snapshot_preview1"

_config = wasmtime.Config()
_config.consume_fuel = True
_engine = wasmtime.Engine(_config)


@dataclass
class Ran:
    """How a unit ended, and what it wrote. Of ``ProcessStdio`` the output is without the length before it."""

    exit: int
    stdout: bytes
    stderr: bytes


@dataclass
class _Streams:
    """Standard input as far as it is not read, and what was written to 1 and 2."""

    stdin: bytes = b""
    written: dict[int, bytearray] = field(default_factory=lambda: {1: bytearray(), 2: bytearray()})

    def read(self, caller: wasmtime.Caller, fd: int, vectors: int, count: int, size_at: int) -> int:
        if fd != 0:
            return EBADF
        memory, total = _memory(caller), 0
        for at, length in _vectors(caller, memory, vectors, count):
            part, self.stdin = self.stdin[:length], self.stdin[length:]
            memory.write(caller, part, at)
            total += len(part)
        memory.write(caller, struct.pack("<I", total), size_at)
        return 0

    def write(self, caller: wasmtime.Caller, fd: int, vectors: int, count: int, size_at: int) -> int:
        if fd not in self.written:
            return EBADF
        memory, total = _memory(caller), 0
        for at, length in _vectors(caller, memory, vectors, count):
            self.written[fd] += memory.read(caller, at, at + length)
            total += length
        memory.write(caller, struct.pack("<I", total), size_at)
        return 0


class Bare:
    """A compiled unit; ``ProcessStdio`` of one instance is called again and again until it fails."""

    def __init__(self, wasm: bytes) -> None:
        self._module = wasmtime.Module(_engine, wasm)
        self._is_reactor = any(export.name == "ProcessStdio" for export in self._module.exports)
        self._streams = _Streams()
        self._kept: tuple[wasmtime.Store, wasmtime.Instance] | None = None

    def run(self, stdin: bytes) -> Ran:
        """Run one payload.

        Raises:
            wasmtime.WasmtimeError: The module cannot be linked: it imports something that WASI does not have.
            ValueError: What ProcessStdio wrote is not a length and so many bytes.
        """
        store, instance = self._kept or self._started()
        self._kept = None
        streams = self._streams
        streams.stdin = stdin
        for written in streams.written.values():
            written.clear()
        arguments = [len(stdin)] if self._is_reactor else []
        status = _call(store, instance, "ProcessStdio" if self._is_reactor else "_start", *arguments)
        stdout = bytes(streams.written[1])
        if self._is_reactor and status == 0:
            self._kept = store, instance
            stdout = _unframed(stdout)
        return Ran(status, stdout, bytes(streams.written[2]))

    def _started(self) -> tuple[wasmtime.Store, wasmtime.Instance]:
        linker = wasmtime.Linker(_engine)
        linker.allow_shadowing = True
        linker.define_wasi()
        i32 = wasmtime.ValType.i32()
        kind = wasmtime.FuncType([i32] * 4, [i32])
        linker.define_func(WASI, "fd_read", kind, self._streams.read, access_caller=True)
        linker.define_func(WASI, "fd_write", kind, self._streams.write, access_caller=True)
        store = wasmtime.Store(_engine)
        store.set_fuel(FUEL)
        store.set_wasi(wasmtime.WasiConfig())
        instance = linker.instantiate(store, self._module)
        exports = instance.exports(store)
        first = next((name for name in ("_initialize", "_start") if name in exports), None)
        if self._is_reactor and first is not None:
            _call(store, instance, first)
        return store, instance


def run(wasm: bytes, stdin: bytes) -> Ran:
    """Run one payload of a command, or the first one of a module with ``ProcessStdio``."""
    return Bare(wasm).run(stdin)


def _call(store: wasmtime.Store, instance: wasmtime.Instance, name: str, *arguments: int) -> int:
    function = instance.exports(store)[name]
    assert isinstance(function, wasmtime.Func)
    store.set_fuel(FUEL)
    try:
        function(store, *arguments)
    except wasmtime.ExitTrap as ended:
        return int(ended.code)
    except (wasmtime.Trap, wasmtime.WasmtimeError):
        return TRAPPED
    return 0


def _memory(caller: wasmtime.Caller) -> wasmtime.Memory:
    memory = caller.get("memory")
    assert isinstance(memory, wasmtime.Memory)
    return memory


def _vectors(caller: wasmtime.Caller, memory: wasmtime.Memory, at: int, count: int) -> list[tuple[int, int]]:
    raw = bytes(memory.read(caller, at, at + 8 * count))
    return list(struct.iter_unpack("<II", raw))


def _unframed(written: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", written)
    if len(written) != 4 + length:
        raise ValueError(f"announced {length} bytes, wrote {len(written) - 4}")
    return written[4:]
