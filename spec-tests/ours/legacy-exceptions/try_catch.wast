;; `try`, `catch` and `catch_all` of the form before `try_table`.

(module
  (tag $empty)
  (tag $one (param i32))
  (tag $two (param i32 i64))
  (tag $floats (param f32 f64))

  (func $throw (param i32)
    (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $empty)))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $one (i32.const 20))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $two (i32.const 30) (i64.const 3))))
    (if (i32.eq (local.get 0) (i32.const 4)) (then (throw $floats (f32.const 1.5) (f64.const 40.25)))))

  ;; Each clause, what no clause is for, and no exception at all.
  (func (export "clauses") (param i32) (result i32)
    try (result i32)
      (call $throw (local.get 0)) (i32.const 0)
      catch $empty (i32.const 1)
      catch $one (i32.add (i32.const 2))
      catch $two (drop) end)

  (func (export "all") (param i32) (result i32)
    try (result i32)
      (call $throw (local.get 0)) (i32.const 0)
      catch $one
      catch_all (i32.const -1) end)

  (func (export "floats") (param i32) (result f64) (local f64)
    try (result f64)
      (call $throw (local.get 0)) (f64.const 0)
      catch $floats
        (local.set 1)
        (f64.promote_f32)
        (f64.add (local.get 1))
      catch_all (f64.const -1) end)

  ;; The first clause that fits wins, and nothing after the throw runs.
  (func (export "first") (result i32)
    try (result i32)
      (throw $one (i32.const 5)) (unreachable)
      catch $one (i32.mul (i32.const 2))
      catch $one (unreachable)
      catch_all (unreachable) end)

  ;; Without a clause a `try` is a block.
  (func (export "no-clauses") (param i32) (result i32)
    try (result i32) (call $throw (local.get 0)) (i32.const 9) end)
  (func (export "no-clauses-inside") (param i32) (result i32)
    try (result i32)
      try (result i32) (call $throw (local.get 0)) (i32.const 9) end
      catch_all (i32.const 10) end)

  ;; An exception thrown in a `catch` is not for the same `try`.
  (func (export "in-catch") (result i32)
    try (result i32)
        try (result i32)
          (throw $one (i32.const 1))
          catch $one (throw $two (i64.const 7))
          catch $two (unreachable)
          catch_all (unreachable) end
      catch $two (drop) (i32.add (i32.const 100)) end)

  ;; Parameters of a `try` are gone where it catches; what stands below them is not.
  (func (export "params") (param i32) (result i32)
    (i32.const 1000)
    (i32.const 7)
    try (param i32) (result i32)
      (call $throw (local.get 0))
      catch $one
      catch_all (i32.const 1) end
    (i32.add))

  ;; Operands below, held in locals that the body changes.
  (func (export "locals") (param i32) (result i32) (local i32)
    (local.set 1 (i32.const 3))
    (local.get 1)
    (local.get 0)
    try
        (local.set 1 (i32.const 50))
        (call $throw (local.get 0))
        (local.set 1 (i32.const 60))
      catch_all (local.set 0 (i32.const 1000)) end
    (i32.add)
    (i32.add (local.get 1))
    (i32.add (local.get 0)))

  ;; A declared local that is first written after a call that may throw is zero where that is caught.
  (func (export "unwritten") (param i32) (result i64) (local i64 f64)
    try
        (call $throw (local.get 0))
        (local.set 1 (i64.const 5))
        (local.set 2 (f64.const 5))
      catch_all end
    (i64.add (local.get 1) (i64.trunc_f64_s (local.get 2))))

  ;; A result that stays in place on one path only.
  (func (export "results") (param i32) (result i32 i64)
    try (result i32 i64)
      (call $throw (local.get 0)) (i32.const 1) (i64.const 2)
      catch $two
      catch $one (i64.const 4)
      catch_all (i32.const 5) (i64.const 6) end)

  ;; Branches out of bodies and clauses, with values.
  (func (export "branches") (param i32) (result i32)
    (block $out (result i32)
      try $t (result i32)
          (br_if $out (i32.const 11) (i32.eqz (local.get 0)))
          (drop)
          (call $throw (local.get 0))
          (br $t (i32.const 12))
        catch $one (br_if $t (i32.const 19)) (drop) (br $out (i32.const 13))
        catch $two (drop) (drop) (br $out (i32.const 14))
        catch_all
          (block (br_table $t $out (i32.const 15) (i32.eq (local.get 0) (i32.const 1))))
          (unreachable) end
      (i32.add (i32.const 100))))

  (func (export "return") (param i32) (result i32)
    try
      (call $throw (local.get 0)) (return (i32.const 1))
      catch $one (return)
      catch_all (return (i32.const 3)) end
    (i32.const 4))

  ;; A loop that ends by an exception, and one that an exception continues.
  (func (export "loop-out") (param i32) (result i32) (local i32)
    try
        (loop
          (local.set 1 (i32.add (local.get 1) (local.get 0)))
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (if (i32.eqz (local.get 0)) (then (throw $empty)))
          (br 0))
      catch $empty end
    (local.get 1))
  (func (export "loop-on") (param i32) (result i32) (local i32)
    (loop $again
      try
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (throw $one (local.get 0))
        catch $one
          (local.set 1 (i32.add (local.get 1)))
          (br_if $again (local.get 0)) end)
    (local.get 1))

  ;; Dead code may hold whole `try`s.
  (func (export "dead") (result i32)
    (block (result i32)
      (br 0 (i32.const 6))
      try (result i32)
        (throw $one (i32.const 1))
      catch $one
        (drop)
        try (result i32) (unreachable) catch $two (drop) end
      catch_all
        try (unreachable) delegate 0
        (rethrow 0)
      end))

  ;; Traps are no exceptions.
  (func (export "trap") (param i32) (result i32)
    try (result i32)
      (i32.div_u (i32.const 1) (local.get 0))
      catch_all (i32.const 77) end)
  (func (export "trap-below") (result i32)
    try (result i32) (call $unreachable) (i32.const 1) catch_all (i32.const 77) end)
  (func $unreachable (unreachable))

  (func (export "uncaught") (param i32) (call $throw (local.get 0)))
)

(assert_return (invoke "clauses" (i32.const 0)) (i32.const 0))
(assert_return (invoke "clauses" (i32.const 1)) (i32.const 1))
(assert_return (invoke "clauses" (i32.const 2)) (i32.const 22))
(assert_return (invoke "clauses" (i32.const 3)) (i32.const 30))
(assert_exception (invoke "clauses" (i32.const 4)))
(assert_return (invoke "all" (i32.const 0)) (i32.const 0))
(assert_return (invoke "all" (i32.const 1)) (i32.const -1))
(assert_return (invoke "all" (i32.const 2)) (i32.const 20))
(assert_return (invoke "all" (i32.const 4)) (i32.const -1))
(assert_return (invoke "floats" (i32.const 0)) (f64.const 0))
(assert_return (invoke "floats" (i32.const 3)) (f64.const -1))
(assert_return (invoke "floats" (i32.const 4)) (f64.const 41.75))
(assert_return (invoke "first") (i32.const 10))
(assert_return (invoke "no-clauses" (i32.const 0)) (i32.const 9))
(assert_exception (invoke "no-clauses" (i32.const 1)))
(assert_return (invoke "no-clauses-inside" (i32.const 0)) (i32.const 9))
(assert_return (invoke "no-clauses-inside" (i32.const 1)) (i32.const 10))
(assert_return (invoke "in-catch") (i32.const 101))
(assert_return (invoke "params" (i32.const 0)) (i32.const 1007))
(assert_return (invoke "params" (i32.const 2)) (i32.const 1020))
(assert_return (invoke "params" (i32.const 3)) (i32.const 1001))
(assert_return (invoke "locals" (i32.const 0)) (i32.const 63))
(assert_return (invoke "locals" (i32.const 2)) (i32.const 1055))
(assert_return (invoke "unwritten" (i32.const 0)) (i64.const 10))
(assert_return (invoke "unwritten" (i32.const 1)) (i64.const 0))
(assert_return (invoke "results" (i32.const 0)) (i32.const 1) (i64.const 2))
(assert_return (invoke "results" (i32.const 1)) (i32.const 5) (i64.const 6))
(assert_return (invoke "results" (i32.const 2)) (i32.const 20) (i64.const 4))
(assert_return (invoke "results" (i32.const 3)) (i32.const 30) (i64.const 3))
(assert_return (invoke "branches" (i32.const 0)) (i32.const 11))
(assert_return (invoke "branches" (i32.const 1)) (i32.const 15))
(assert_return (invoke "branches" (i32.const 2)) (i32.const 120))
(assert_return (invoke "branches" (i32.const 3)) (i32.const 14))
(assert_return (invoke "branches" (i32.const 4)) (i32.const 115))
(assert_return (invoke "branches" (i32.const 5)) (i32.const 112))
(assert_return (invoke "return" (i32.const 0)) (i32.const 1))
(assert_return (invoke "return" (i32.const 1)) (i32.const 3))
(assert_return (invoke "return" (i32.const 2)) (i32.const 20))
(assert_return (invoke "loop-out" (i32.const 10)) (i32.const 55))
(assert_return (invoke "loop-on" (i32.const 10)) (i32.const 45))
(assert_return (invoke "dead") (i32.const 6))
(assert_return (invoke "trap" (i32.const 1)) (i32.const 1))
(assert_trap (invoke "trap" (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "trap-below") "unreachable")
(assert_return (invoke "uncaught" (i32.const 0)))
(assert_exception (invoke "uncaught" (i32.const 3)))

(assert_invalid
  (module (tag $t (param i32)) (func (result i64) try (result i64) (i64.const 0) catch $t end))
  "type mismatch")
(assert_invalid
  (module (func try  catch 0 end))
  "unknown tag")
(assert_invalid
  (module (func (result i32) try (result i32)  catch_all (i32.const 1) end))
  "type mismatch")
