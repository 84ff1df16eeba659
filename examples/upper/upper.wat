;; Letters become capitals: distwasm's interface, by hand.
;;
;; The client calls ProcessStdio(size) once for each input, on the same instance as long as all goes well. It reads
;; `size` bytes from standard input and writes their number (32 bits, little-endian) and then the result to standard
;; output. What is not ASCII is refused: a text on standard error, and an exit status that is not 0, make that input
;; fail, and only that one.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  ;; At 0 and 4: address and length for fd_read and fd_write; 8: how many bytes they moved; 16: the result's length;
  ;; 64: the error text; 1024: the input, which becomes the result where it is.
  (memory (export "memory") 1)
  (data (i32.const 64) "upper: only ASCII texts, please\n")
  (global $data i32 (i32.const 1024))

  (func $fail (param $from i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $proc_exit (i32.const 1)))

  ;; Make room for `size` bytes behind $data.
  (func $reserve (param $size i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub
        (i32.shr_u (i32.add (i32.add (global.get $data) (local.get $size)) (i32.const 65535)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable)))))

  (func $read (param $size i32)
    (local $got i32)
    (loop $more
      (if (i32.lt_u (local.get $got) (local.get $size))
        (then
          (i32.store (i32.const 0) (i32.add (global.get $data) (local.get $got)))
          (i32.store (i32.const 4) (i32.sub (local.get $size) (local.get $got)))
          (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
          (if (i32.eqz (i32.load (i32.const 8))) (then unreachable))
          (local.set $got (i32.add (local.get $got) (i32.load (i32.const 8))))
          (br $more)))))

  (func $write (param $from i32) (param $size i32)
    (loop $more
      (if (local.get $size)
        (then
          (i32.store (i32.const 0) (local.get $from))
          (i32.store (i32.const 4) (local.get $size))
          (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
          (local.set $from (i32.add (local.get $from) (i32.load (i32.const 8))))
          (local.set $size (i32.sub (local.get $size) (i32.load (i32.const 8))))
          (br $more)))))

  (func $raise_letters (param $at i32) (param $size i32)
    (local $end i32)
    (local $letter i32)
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (loop $more
      (if (i32.lt_u (local.get $at) (local.get $end))
        (then
          (local.set $letter (i32.load8_u (local.get $at)))
          (if (i32.gt_u (local.get $letter) (i32.const 127)) (then (call $fail (i32.const 64) (i32.const 32))))
          (if (i32.lt_u (i32.sub (local.get $letter) (i32.const 97)) (i32.const 26))
            (then (i32.store8 (local.get $at) (i32.sub (local.get $letter) (i32.const 32)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $more)))))

  (func (export "ProcessStdio") (param $size i32)
    (call $reserve (local.get $size))
    (call $read (local.get $size))
    (call $raise_letters (global.get $data) (local.get $size))
    (i32.store (i32.const 16) (local.get $size))
    (call $write (i32.const 16) (i32.const 4))
    (call $write (global.get $data) (local.get $size))))
