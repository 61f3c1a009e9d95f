;; `rethrow`: the exception a `catch` around it has caught.

(module
  (tag $a (param i32))
  (tag $b (param i64))

  (func (export "to-the-caller") try (throw $a (i32.const 1)) catch_all (rethrow 0) end)

  (func (export "outwards") (param i32) (result i32)
    try (result i32)
        try (result i32)
          (throw $a (local.get 0))
          catch $a
            (drop)
            (rethrow 0) end
      catch $a (i32.add (i32.const 1)) end)

  ;; Of two `catch`es around, either one's.
  (func $choose (param $which i32)
    try
      (throw $a (i32.const 3))
      catch $a
        (drop)
        try
          (throw $b (i64.const 4))
          catch $b
            (drop)
            (if (local.get $which) (then (rethrow 1)) (else (rethrow 2))) end end)
  (func (export "of-two") (param i32) (result i32)
    try (result i32)
      (call $choose (local.get 0)) (unreachable)
      catch $a
      catch $b (i32.wrap_i64) end)

  ;; Several times: the same exception with its values.
  (func (export "chain") (param i32) (result i32)
    try (result i32)
        try (result i32)
            try (result i32)
                try (result i32)
                  (throw $a (local.get 0))
                  catch_all (rethrow 0) end
              catch $b (drop) (unreachable)
              catch_all (rethrow 0) end
          catch $a (drop) (rethrow 0) end
      catch $a end)

  ;; The body of the `catch` may do much before, calls that throw and catch included.
  (func $busy (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then
        try (result i32)
          (throw $a (local.get 0))
          catch $a (call $busy (i32.sub (i32.const 1))) end)
      (else (i32.const 0))))
  (func (export "later") (param i32) (result i32)
    try (result i32)
        try (result i32)
          (throw $a (local.get 0))
          catch $a
            (drop)
            (drop (call $busy (i32.const 50)))
            try (throw $b (i64.const 9)) catch $b (drop) end
            (local.set 0 (i32.const 0))
            (rethrow 0) end
      catch $a (i32.add (local.get 0)) end)

  ;; In a loop, with blocks between, conditionally.
  (func (export "loop") (param i32) (result i32) (local $sum i32)
    (loop $next
      try
          try
            (throw $a (local.get 0))
            catch $a
              (local.set $sum (i32.add (local.get $sum)))
              (block (loop (if (i32.and (local.get 0) (i32.const 1)) (then (rethrow 3)))))
              (local.set $sum (i32.add (local.get $sum) (i32.const 1000))) end
        catch $a (local.set $sum (i32.add (local.get $sum))) end
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))

  ;; Values of a `catch` under operands, with results of the `try`.
  (func (export "results") (param i32) (result i32 i64)
    try (result i32 i64)
        try (result i32 i64)
          (throw $a (i32.const 5))
          catch $a
            (i64.const 6)
            (if (local.get 0) (then (rethrow 1))) end
      catch $a (i64.const 7) end)
)

(assert_exception (invoke "to-the-caller"))
(assert_return (invoke "outwards" (i32.const 41)) (i32.const 42))
(assert_return (invoke "of-two" (i32.const 0)) (i32.const 3))
(assert_return (invoke "of-two" (i32.const 1)) (i32.const 4))
(assert_return (invoke "chain" (i32.const 8)) (i32.const 8))
(assert_return (invoke "later" (i32.const 8)) (i32.const 8))
(assert_return (invoke "loop" (i32.const 4)) (i32.const 2014))
(assert_return (invoke "results" (i32.const 0)) (i32.const 5) (i64.const 6))
(assert_return (invoke "results" (i32.const 1)) (i32.const 5) (i64.const 7))

(assert_invalid (module (func (rethrow 0))) "invalid rethrow label")
(assert_invalid (module (func (block (rethrow 0)))) "invalid rethrow label")
(assert_invalid (module (func try (rethrow 0) delegate 0)) "invalid rethrow label")
