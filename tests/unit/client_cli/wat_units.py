"""WebAssembly units as text, for tests of what runs them.

Rule: each is a whole unit and does one thing; ``wasm`` makes the bytes that a submitter would send.
"""

import functools
import struct

import wasmtime

_BASE = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  %(imports)s
  (memory (export "memory") %(pages)s)
  (global $calls (mut i32) (i32.const 0))
  (global $size (mut i32) (i32.const 0))
  ;; All of standard input to address 1024; its length to $size.
  (func $read (local $got i32)
    (global.set $size (i32.const 0))
    (loop $more
      (i32.store (i32.const 0) (i32.add (i32.const 1024) (global.get $size)))
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $got (i32.load (i32.const 8)))
      (global.set $size (i32.add (global.get $size) (local.get $got)))
      (br_if $more (local.get $got))))
  (func $write (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  ;; The result of ProcessStdio, with its length before it.
  (func $answer (param $at i32) (param $length i32)
    (i32.store (i32.const 16) (local.get $length))
    (call $write (i32.const 1) (i32.const 16) (i32.const 4))
    (call $write (i32.const 1) (local.get $at) (local.get $length)))
  (func $first (result i32) (i32.load8_u (i32.const 1024)))
  %(body)s)"""


@functools.cache
def wasm(body: str, pages: str = "40", imports: str = "") -> bytes:
    """Return the unit with these functions; ``pages`` is what its memory's limits are."""
    text = _BASE % {"body": body, "pages": pages, "imports": imports}
    return bytes(wasmtime.wat2wasm(text))


@functools.cache
def wat(text: str) -> bytes:
    """Return the module that this text says."""
    return bytes(wasmtime.wat2wasm(text))


ECHO = """(func (export "_start") (call $read) (call $write (i32.const 1) (i32.const 1024) (global.get $size)))"""

_UPPER = """(func $upper (local $at i32) (local $end i32) (local $c i32)
    (local.set $at (i32.const 1024))
    (local.set $end (i32.add (i32.const 1024) (global.get $size)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $c (i32.load8_u (local.get $at)))
      (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26))
        (then (i32.store8 (local.get $at) (i32.sub (local.get $c) (i32.const 32)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))))"""

UPPER = (
    _UPPER
    + """(func (export "_start")
    (call $read) (call $upper) (call $write (i32.const 1) (i32.const 1024) (global.get $size)))"""
)

UPPER_REACTOR = (
    _UPPER
    + """(func (export "ProcessStdio") (param i32)
    (call $read) (call $upper) (call $answer (i32.const 1024) (global.get $size)))"""
)

SUM = """;; The sum of the whole numbers in the input, in decimal.
  (func (export "_start") (local $at i32) (local $end i32) (local $c i32) (local $n i64) (local $sum i64)
    (local $to i32)
    (call $read)
    (local.set $at (i32.const 1024))
    (local.set $end (i32.add (i32.const 1024) (global.get $size)))
    (loop $next
      (local.set $c (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
      (if (i32.and (i32.lt_u (local.get $c) (i32.const 10)) (i32.lt_u (local.get $at) (local.get $end)))
        (then (local.set $n (i64.add (i64.mul (local.get $n) (i64.const 10)) (i64.extend_i32_u (local.get $c)))))
        (else (local.set $sum (i64.add (local.get $sum) (local.get $n))) (local.set $n (i64.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.le_u (local.get $at) (local.get $end))))
    (local.set $to (i32.const 1000))
    (loop $digit
      (local.set $to (i32.sub (local.get $to) (i32.const 1)))
      (i32.store8 (local.get $to) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $sum) (i64.const 10)))))
      (local.set $sum (i64.div_u (local.get $sum) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $sum) (i64.const 0))))
    (call $write (i32.const 1) (local.get $to) (i32.sub (i32.const 1000) (local.get $to))))"""

# What each first letter of the input does; anything else is echoed.
_DEEDS = """(data (i32.const 512) "no such luck\\0a")
  (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func $deed (local $n i32)
    (if (i32.eq (call $first) (i32.const 120 (; x ;)))
      (then (call $write (i32.const 2) (i32.const 512) (i32.const 13)) (call $exit (i32.const 3))))
    (if (i32.eq (call $first) (i32.const 117 (; u ;))) (then unreachable))
    (if (i32.eq (call $first) (i32.const 101 (; e ;)))
      (then (call $write (i32.const 2) (i32.const 512) (i32.const 13)) unreachable))
    (if (i32.eq (call $first) (i32.const 109 (; m ;))) (then (drop (i32.load (i32.const 0x7fffffff)))))
    (if (i32.eq (call $first) (i32.const 100 (; d ;))) (then (drop (i32.div_u (i32.const 1) (local.get $n)))))
    (if (i32.eq (call $first) (i32.const 115 (; s ;))) (then (drop (call $deep (i32.const 0)))))
    (if (i32.eq (call $first) (i32.const 108 (; l ;))) (then (loop $for_ever (br $for_ever))))
    (if (i32.eq (call $first) (i32.const 103 (; g ;)))
      (then (loop $grow (br_if $grow (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable))
    (if (i32.eq (call $first) (i32.const 98 (; b ;)))
      (then (loop $on (call $write (i32.const 1) (i32.const 0) (i32.const 65536)) (br $on))))
    (if (i32.eq (call $first) (i32.const 48 (; 0 ;))) (then (call $exit (i32.const 0)))))"""

DEEDS = (
    _DEEDS
    + """(func (export "_start") (call $read) (call $deed)
    (call $write (i32.const 1) (i32.const 1024) (global.get $size)))"""
)

DEEDS_REACTOR = (
    _DEEDS
    + """(func (export "_initialize") (global.set $calls (i32.const 100)))
  ;; A digit for how often this instance was called, and the input.
  (func (export "ProcessStdio") (param i32)
    (call $read) (call $deed)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 1023) (i32.sub (global.get $calls) (i32.const 52)))
    (call $answer (i32.const 1023) (i32.add (global.get $size) (i32.const 1))))"""
)

# TinyGo's programs set themselves up in _start, and some exit from it.
STARTED_REACTOR = """(func (export "_start") (global.set $calls (i32.const 7)) (call $exit (i32.const 0)))
  (func (export "ProcessStdio") (param i32)
    (i32.store8 (i32.const 1024) (i32.add (global.get $calls) (i32.const 48)))
    (call $answer (i32.const 1024) (i32.const 1)))"""

# s: too short for its length; l: too long; n: nothing.
LIAR_REACTOR = """(func (export "ProcessStdio") (param i32)
    (call $read)
    (if (i32.eq (call $first) (i32.const 110)) (then return))
    (i32.store (i32.const 16) (i32.add (global.get $size) (i32.sub (i32.const 111) (call $first))))
    (call $write (i32.const 1) (i32.const 16) (i32.const 4))
    (call $write (i32.const 1) (i32.const 1024) (global.get $size)))"""

RANDOM = """(func (export "_start")
    (drop (call $random (i32.const 1024) (i32.const 40)))
    (call $write (i32.const 1) (i32.const 1024) (i32.const 40)))"""

RANDOM_REACTOR = """(func (export "ProcessStdio") (param i32)
    (drop (call $random (i32.const 1024) (i32.const 40)))
    (call $answer (i32.const 1024) (i32.const 40)))"""

# Three looks at the clock, with a sleep of 5 s before the last one.
CLOCK = """(func (export "_start")
    (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 1024)))
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 1032)))
    (i32.store (i32.const 2064) (i32.const 1))
    (i64.store (i32.const 2072) (i64.const 5000000000))
    (drop (call $poll (i32.const 2048) (i32.const 3072) (i32.const 1) (i32.const 8)))
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 1040)))
    (call $write (i32.const 1) (i32.const 1024) (i32.const 24)))"""

DISIO = """
  (import "disio" "progress" (func $progress (param f64)))
  (import "disio" "save_state" (func $save_state (param i32 i32)))
  (import "disio" "state_size" (func $state_size (result i32)))
  (import "disio" "state" (func $state (param i32)))
  (import "disio" "index" (func $index (result i64)))"""

# Saves its input as its state; its result is the state it found, and then its index as one digit.
RESUME = """(func (export "_start") (local $n i32)
    (call $progress (f64.const 0.25))
    (call $read)
    (call $save_state (i32.const 1024) (global.get $size))
    (local.set $n (call $state_size))
    (call $state (i32.const 2048))
    (i32.store8 (i32.add (i32.const 2048) (local.get $n)) (i32.add (i32.const 48) (i32.wrap_i64 (call $index))))
    (call $write (i32.const 1) (i32.const 2048) (i32.add (local.get $n) (i32.const 1))))"""

# How many pages of 64 KiB it gets, in decimal.
PAGES = """(func (export "_start") (local $n i32) (local $to i32)
    (loop $grow (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (local.set $n (memory.size))
    (local.set $to (i32.const 1000))
    (loop $digit
      (local.set $to (i32.sub (local.get $to) (i32.const 1)))
      (i32.store8 (local.get $to) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $digit (local.get $n)))
    (call $write (i32.const 1) (local.get $to) (i32.sub (i32.const 1000) (local.get $to))))"""


def _vectors(*pieces: tuple[int, int]) -> str:
    """Return addresses and lengths as the bytes of a data segment."""
    return "".join(f"\\{byte:02x}" for piece in pieces for byte in struct.pack("<2I", *piece))


# Reads into pieces of 3, 0 and 4 bytes; answers with how many came, the last piece, the first one, and its size.
PIECES = f"""(func (export "_start")
    (drop (call $fd_read (i32.const 0) (i32.const 64) (i32.const 3) (i32.const 8)))
    (drop (call $fd_write (i32.const 1) (i32.const 96) (i32.const 3) (i32.const 12)))
    (call $write (i32.const 1) (i32.const 12) (i32.const 4)))
  (data (i32.const 64) "{_vectors((1024, 3), (4096, 0), (2048, 4))}")
  (data (i32.const 96) "{_vectors((8, 4), (2048, 4), (1024, 3))}")"""

# Asks for the impossible and answers with the error numbers it got, one byte each.
HOSTILE = """(func $note (param $errno i32)
    (i32.store8 (i32.add (i32.const 1024) (global.get $size)) (local.get $errno))
    (global.set $size (i32.add (global.get $size) (i32.const 1))))
  (func (export "_start")
    (call $note (call $fd_read (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 8)))
    (call $note (call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 64) (i32.const 0x7fffffff))
    (i32.store (i32.const 68) (i32.const -1))
    (call $note (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 8)))
    (call $note (call $fd_read (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 8)))
    (call $note (call $fd_write (i32.const 1) (i32.const 72) (i32.const 1) (i32.const -1)))
    (call $note (call $fd_write (i32.const 0) (i32.const 72) (i32.const 1) (i32.const 8)))
    (call $note (call $fd_read (i32.const 1) (i32.const 72) (i32.const 1) (i32.const 8)))
    (call $note (call $fd_write (i32.const 77) (i32.const 72) (i32.const 1) (i32.const 8)))
    (call $note (call $random (i32.const -1) (i32.const -1)))
    (call $note (call $clock (i32.const 0) (i64.const 1) (i32.const -4)))
    (call $note (call $clock (i32.const 99) (i64.const 1) (i32.const 80)))
    (call $note (call $poll (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)))
    (call $note (call $poll (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 8)))
    (call $note (call $args_get (i32.const -1) (i32.const -1)))
    (call $note (call $prestat (i32.const 3) (i32.const 0)))
    (call $note (call $open (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 11) (i32.const 0)
                      (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 80)))
    (call $note (call $shutdown (i32.const 3) (i32.const 0)))
    (call $write (i32.const 1) (i32.const 1024) (global.get $size)))
  (data (i32.const 512) "/etc/passwd")"""

HOSTILE_IMPORTS = """
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $shutdown (param i32 i32) (result i32)))"""
