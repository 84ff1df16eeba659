"""WebAssembly text around what a unit computes: a WASI command that has read all of its standard input.

Rule: no library and no toolchain; a unit is text in this folder, and `wasmtime.wat2wasm` makes it binary.
"""

from __future__ import annotations

IN = 65536
"""Where the input lies: its length is in $n."""
PAGES = 64

_COMMAND = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  {imports}
  (memory (export "memory") {pages})
  (global $n (mut i32) (i32.const 0))
  (data (i32.const 1024) "{data}")
  (func $read_all
    (loop $more
      (i32.store (i32.const 0) (i32.add (i32.const {at}) (global.get $n)))
      (i32.store (i32.const 4) (i32.const 65536))
      (if (i32.eqz (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (then
          (global.set $n (i32.add (global.get $n) (i32.load (i32.const 8))))
          (br_if $more (i32.load (i32.const 8)))))))
  (func $write_to (param $fd i32) (param $from i32) (param $size i32)
    (loop $more
      (if (i32.gt_s (local.get $size) (i32.const 0))
        (then
          (i32.store (i32.const 0) (local.get $from))
          (i32.store (i32.const 4) (local.get $size))
          (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
          (local.set $from (i32.add (local.get $from) (i32.load (i32.const 8))))
          (local.set $size (i32.sub (local.get $size) (i32.load (i32.const 8))))
          (br $more)))))
  (func $write (param $from i32) (param $size i32)
    (call $write_to (i32.const 1) (local.get $from) (local.get $size)))
  {more}
  (func (export "_start") {locals}
    (call $read_all)
    {body}))
"""


def command(body: str, *, locals: str = "", data: str = "", more: str = "", imports: str = "") -> str:
    """Return a module: `$n` input bytes lie at IN, `data` lies at 1024, `$write from size` writes to stdout."""
    return _COMMAND.format(body=body, locals=locals, data=data, more=more, imports=imports, at=IN, pages=PAGES)


def f64_fold(term: str, count: int, more: str = "") -> str:
    """Return a module that writes the 8 bytes of the sum of `term` (an f64 of $k, an i32) over $k from 1 to `count`."""
    return command(
        f"""(local.set $k (i32.const 1))
    (loop $next
      (local.set $sum (f64.add (local.get $sum) {term}))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $next (i32.le_s (local.get $k) (i32.const {count}))))
    (f64.store (i32.const 16) (local.get $sum))
    (call $write (i32.const 16) (i32.const 8))""",
        locals="(local $k i32) (local $sum f64)",
        more=more,
    )


def constant(text: str, *, fd: int = 1) -> str:
    """Return a module that writes `text`, whatever comes in."""
    return command(write_text(text, fd), data=escaped(text))


def write_text(text: str, fd: int = 1) -> str:
    """Return the call that writes the first bytes of the data, as many as `text` has."""
    return f"(call $write_to (i32.const {fd}) (i32.const 1024) (i32.const {len(text.encode())}))"


def escaped(text: str) -> str:
    """Return `text` as the inside of a WAT string."""
    return "".join(f"\\{byte:02x}" for byte in text.encode())


ECHO = command(f"(call $write (i32.const {IN}) (global.get $n))")
"""Writes what it reads."""
