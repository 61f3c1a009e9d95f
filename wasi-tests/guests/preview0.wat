;; A program of preview 0 (`wasi_unstable`): each export tries one of the things that are laid out differently there, and
;; returns 0, or the number of the step that went wrong. Descriptor 3 is a directory with a file `f` of ten bytes.
(module
  (import "wasi_unstable" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_unstable" "path_filestat_get"
    (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_unstable" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek_1 (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fd_filestat_get_1 (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "f")

  ;; Opens the file and returns its descriptor.
  (func $open (result i32)
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 0)
          (i64.const 0x1fffffff) (i64.const 0) (i32.const 0) (i32.const 0))
      (then unreachable))
    (i32.load (i32.const 0)))

  ;; Where a seek ends, -1 if it fails.
  (func $seek (param $fd i32) (param $by i64) (param $whence i32) (result i64)
    (if (result i64) (call $fd_seek (local.get $fd) (local.get $by) (local.get $whence) (i32.const 8))
      (then (i64.const -1))
      (else (i64.load (i32.const 8)))))

  ;; cur is 0, end is 1, set is 2.
  (func (export "whence") (result i32)
    (local $fd i32)
    (local.set $fd (call $open))
    (if (i64.ne (call $seek (local.get $fd) (i64.const 3) (i32.const 2)) (i64.const 3)) (then (return (i32.const 1))))
    (if (i64.ne (call $seek (local.get $fd) (i64.const 2) (i32.const 0)) (i64.const 5)) (then (return (i32.const 2))))
    (if (i64.ne (call $seek (local.get $fd) (i64.const -1) (i32.const 1)) (i64.const 9)) (then (return (i32.const 3))))
    (if (i64.ne (call $seek (local.get $fd) (i64.const 0) (i32.const 3)) (i64.const -1)) (then (return (i32.const 4))))
    ;; The same descriptor through the other version: there 0 is set.
    (if (call $fd_seek_1 (local.get $fd) (i64.const 4) (i32.const 0) (i32.const 8)) (then (return (i32.const 5))))
    (if (i64.ne (i64.load (i32.const 8)) (i64.const 4)) (then (return (i32.const 6))))
    (i32.const 0))

  ;; 56 bytes at 128, with guards behind them: nlink is a u32 at 20, the size at 24, mtim at 40.
  (func $check_stat (param $step i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 144)) (i32.const 4)) (then (return (local.get $step))))
    (if (i32.ne (i32.load (i32.const 148)) (i32.const 1)) (then (return (i32.add (local.get $step) (i32.const 1)))))
    (if (i64.ne (i64.load (i32.const 152)) (i64.const 10)) (then (return (i32.add (local.get $step) (i32.const 2)))))
    (if (i64.ne (i64.load (i32.const 168)) (i64.const 1500000000))
      (then (return (i32.add (local.get $step) (i32.const 3)))))
    (if (i64.ne (i64.load (i32.const 184)) (i64.const -1)) (then (return (i32.add (local.get $step) (i32.const 4)))))
    (i32.const 0))
  (func (export "filestat") (result i32)
    (local $fd i32)
    (local $wrong i32)
    (local.set $fd (call $open))
    (memory.fill (i32.const 128) (i32.const 0xff) (i32.const 72))
    (if (call $fd_filestat_get (local.get $fd) (i32.const 128)) (then (return (i32.const 1))))
    (if (local.tee $wrong (call $check_stat (i32.const 2))) (then (return (local.get $wrong))))
    (memory.fill (i32.const 128) (i32.const 0xff) (i32.const 72))
    (if (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))
      (then (return (i32.const 10))))
    (if (local.tee $wrong (call $check_stat (i32.const 11))) (then (return (local.get $wrong))))
    ;; 56 bytes are enough room at the end of the memory, where the other version needs 64.
    (if (call $fd_filestat_get (local.get $fd) (i32.const 0xffc8)) (then (return (i32.const 20))))
    (if (i32.ne (call $fd_filestat_get_1 (local.get $fd) (i32.const 0xffc8)) (i32.const 21))
      (then (return (i32.const 21))))
    (i32.const 0))

  ;; Two subscriptions of 56 bytes each, at 256: a clock in an hour, whose fields come after an identifier, and a write to
  ;; standard output. Then the clock alone, in 20 ms.
  (func (export "subscription") (result i32)
    (i64.store (i32.const 256) (i64.const 0x1111))
    (i64.store (i32.const 272) (i64.const -1))            ;; the identifier
    (i32.store (i32.const 280) (i32.const 1))             ;; monotonic
    (i64.store (i32.const 288) (i64.const 3600000000000)) ;; the timeout
    (i64.store (i32.const 312) (i64.const 0x2222))
    (i32.store8 (i32.const 320) (i32.const 2))            ;; fd_write
    (i32.store (i32.const 328) (i32.const 1))
    (if (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const 2) (i32.const 0)) (then (return (i32.const 1))))
    (if (i32.ne (i32.load (i32.const 0)) (i32.const 1)) (then (return (i32.const 2))))
    (if (i64.ne (i64.load (i32.const 512)) (i64.const 0x2222)) (then (return (i32.const 3))))
    (if (i32.load16_u (i32.const 520)) (then (return (i32.const 4))))
    (if (i32.ne (i32.load8_u (i32.const 522)) (i32.const 2)) (then (return (i32.const 5))))
    (i64.store (i32.const 288) (i64.const 20000000))
    (if (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 0)) (then (return (i32.const 6))))
    (if (i64.ne (i64.load (i32.const 512)) (i64.const 0x1111)) (then (return (i32.const 7))))
    (if (i32.load (i32.const 520)) (then (return (i32.const 8))))
    ;; Flags lie at 48 in it: an absolute time that is past.
    (i64.store (i32.const 288) (i64.const 1))
    (i32.store16 (i32.const 304) (i32.const 1))
    (if (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 0)) (then (return (i32.const 9))))
    ;; And one that does not exist.
    (i32.store16 (i32.const 304) (i32.const 2))
    (if (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 0)) (then (return (i32.const 10))))
    (if (i32.ne (i32.load16_u (i32.const 520)) (i32.const 28)) (then (return (i32.const 11))))
    (i32.const 0))

  ;; The rights of descriptor `fd` that preview 0 has no name for: those from bit 29 on.
  (func (export "unknown_rights") (param $fd i32) (result i64)
    (if (call $fd_fdstat_get (local.get $fd) (i32.const 128)) (then unreachable))
    (i64.and (i64.or (i64.load (i32.const 136)) (i64.load (i32.const 144))) (i64.const -536870912))))
