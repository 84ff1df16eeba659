"""WebAssembly units, as text, that try what WASI has beyond standard input and output.

Rule: each call's error number goes to the result: an answer of 0 (success) to a call that gives access is an escape.
"""

from wasmtime import wat2wasm

from .cases import Case

COMMAND = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  %(imports)s
  (memory (export "memory") 2)
  (data (i32.const 1024) "{\\22code\\22:\\22GOT      \\22}")
  (data (i32.const 1100) "{\\22code\\22:\\22refused: errno\\22}")
  (data (i32.const 1200) "/etc/passwd")
  (func $say (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
  (func $answer (local $n i32)
    ;; {"n": D}: the digit is at 6, or at 5 when there is no space
    (local.set $n (i32.sub (i32.load8_u (i32.add (i32.const 2048) (i32.const %(digit)s))) (i32.const 48)))
    (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 2)) (i32.const 1)))
    (if (i32.ge_u (local.get $n) (i32.const 10))
      (then
        (i32.store8 (i32.const 900) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
        (i32.store8 (i32.const 901) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
        (call $say (i32.const 900) (i32.const 2)))
      (else
        (i32.store8 (i32.const 900) (i32.add (i32.const 48) (local.get $n)))
        (call $say (i32.const 900) (i32.const 1)))))
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
    (if (i32.lt_u (i32.load (i32.const 16)) (i32.const 12))
      (then (call $answer))
      (else
        (if (i32.eqz %(attempt)s)
          (then (call $say (i32.const 1024) (i32.const 20)))
          (else (call $say (i32.const 1100) (i32.const 25))))))))
"""
WASI = '(import "wasi_snapshot_preview1" "%s" (func $try (param %s) (result i32)))'
DIGIT_AT = 6
"""Where the payload's number stands in ``{"n": 3}``."""


def wasm(name: str, call: str, params: str, attempt: str) -> Case:
    """Return a case that makes one WASI call."""
    text = COMMAND % {"imports": WASI % (call, params), "attempt": attempt, "digit": DIGIT_AT}
    return Case(name, "wasm", bytes(wat2wasm(text)), is_text=True)


I4, I9 = "i32 i32 i32 i32", "i32 i32 i32 i32 i32 i64 i64 i32 i32"
OPEN = (
    "(call $try (i32.const %d) (i32.const 1) (i32.const 1200) (i32.const 11) (i32.const 0)"
    " (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 64))"
)
READ = "(block (result i32) (i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.const 64)) %s)"
WASM = [
    *(wasm(f"path-open-{fd}", "path_open", I9, OPEN % fd) for fd in (3, 4, -1)),
    *(
        wasm(
            f"read-{fd}",
            "fd_pread",
            "i32 i32 i32 i64 i32",
            READ % f"(call $try (i32.const {fd}) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 64))",
        )
        for fd in (1, 3, 5)
    ),
    wasm("preopens", "fd_prestat_get", "i32 i32", "(call $try (i32.const 3) (i32.const 64))"),
    wasm("listing", "fd_readdir", "i32 i32 i32 i64 i32",
         "(call $try (i32.const 3) (i32.const 8192) (i32.const 64) (i64.const 0) (i32.const 64))"),
    wasm("sock-recv", "sock_recv", "i32 i32 i32 i32 i32 i32",
         "(call $try (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64) (i32.const 68))"),
    wasm("sock-send", "sock_send", "i32 i32 i32 i32 i32",
         "(call $try (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64))"),
    wasm("sock-accept", "sock_accept", "i32 i32 i32", "(call $try (i32.const 3) (i32.const 0) (i32.const 64))"),
]  # fmt: skip
"""Arguments and environment are empty rather than refused, and imports of other modules keep a unit from loading."""


def unloadable(name: str, module: str, field: str) -> Case:
    """Return a case that imports what no unit gets."""
    text = f'(module (import "{module}" "{field}" (func)) (memory (export "memory") 1) (func (export "_start")))'
    return Case(name, "wasm", bytes(wat2wasm(text)), is_text=True)


WASM += [
    unloadable(f"import-{module}-{field}", module, field)
    for module, field in [
        ("env", "system"),
        ("js", "fetch"),
        ("wasi_snapshot_preview1", "proc_spawn"),
        ("Deno", "exit"),
    ]
]
