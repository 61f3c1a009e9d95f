;; `delegate`: exceptions of a body are for what catches them around a block further out.

(module
  (tag $a (param i32))
  (tag $b)

  ;; To the next block out: as without.
  (func (export "next") (param i32) (result i32)
    try (result i32)
      try (result i32) (throw $a (local.get 0)) delegate 0
      catch $a end)

  ;; Past a `try` that would have caught it.
  (func (export "past") (param i32) (result i32)
    try $outer (result i32)
        try (result i32)
            try (result i32)
              (if (local.get 0) (then (throw $b))) (i32.const 1)
              delegate $outer
          catch_all (i32.const 2) end
      catch_all (i32.const 3) end)

  ;; To the caller, past everything in the function.
  (func $to-caller (param i32)
    try
      try (throw $a (local.get 0)) delegate 1
      catch_all (unreachable) end)
  (func (export "to-the-caller") (param i32) (result i32)
    try (result i32) (call $to-caller (local.get 0)) (i32.const 0) catch $a end)
  (func (export "uncaught") (call $to-caller (i32.const 1)))

  ;; To a plain block: what is around that catches.
  (func (export "block") (result i32)
    try (result i32)
        (block $plain (result i32)
          try (result i32)
            try (result i32) (throw $b) delegate $plain
            catch_all (i32.const 1) end)
      catch_all (i32.const 2) end)

  ;; One `delegate` leads to another.
  (func (export "chain") (result i32)
    try (result i32)
        try $second (result i32)
            try (result i32)
                try (result i32)
                  (throw $b)
                  delegate $second
              catch_all (i32.const 1) end
          delegate 0
      catch_all (i32.const 2) end)

  ;; Inside a `catch`, to its own `try`: which is over.
  (func (export "to-own-catch") (result i32)
    try (result i32)
        try $over (result i32)
          (throw $a (i32.const 1))
          catch $a
            (drop)
            try (result i32) (throw $b) delegate $over
          catch_all (i32.const 4) end
      catch $b (i32.const 5) end)

  ;; What is not thrown is not delegated; results go on.
  (func (export "results") (param i32) (result i32)
    (i32.const 100)
    try (param i32) (result i32 i32)
      (local.get 0)
      delegate 0
    (i32.add))

  ;; Branches to and out of it.
  (func (export "branches") (param i32) (result i32)
    (block $out (result i32)
      try $t (result i32)
          (br_if $t (i32.const 1) (i32.eqz (local.get 0)))
          (br_if $out (i32.const 2) (i32.eq (local.get 0) (i32.const 1)))
          (drop)
          (drop)
          (i32.const 3)
        delegate 0
      (i32.add (i32.const 10))))

  ;; Calls behind and before, and code right behind the last call.
  (func $thrower (param i32) (if (local.get 0) (then (throw $a (local.get 0)))))
  (func (export "bounds") (param i32 i32 i32) (result i32) (local i32)
    try
        try
            try (call $thrower (local.get 0)) delegate 1
            (call $thrower (local.get 1))
            try (call $thrower (local.get 2)) delegate 0
          catch $a (local.set 3 (i32.add (i32.const 100))) end
      catch $a (local.set 3) end
    (local.get 3))
)

(assert_return (invoke "next" (i32.const 4)) (i32.const 4))
(assert_return (invoke "past" (i32.const 0)) (i32.const 1))
(assert_return (invoke "past" (i32.const 1)) (i32.const 3))
(assert_return (invoke "to-the-caller" (i32.const 6)) (i32.const 6))
(assert_exception (invoke "uncaught"))
(assert_return (invoke "block") (i32.const 2))
(assert_return (invoke "chain") (i32.const 2))
(assert_return (invoke "to-own-catch") (i32.const 5))
(assert_return (invoke "results" (i32.const 5)) (i32.const 105))
(assert_return (invoke "branches" (i32.const 0)) (i32.const 11))
(assert_return (invoke "branches" (i32.const 1)) (i32.const 2))
(assert_return (invoke "branches" (i32.const 2)) (i32.const 13))
(assert_return (invoke "bounds" (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0))
(assert_return (invoke "bounds" (i32.const 1) (i32.const 2) (i32.const 3)) (i32.const 1))
(assert_return (invoke "bounds" (i32.const 0) (i32.const 2) (i32.const 3)) (i32.const 102))
(assert_return (invoke "bounds" (i32.const 0) (i32.const 0) (i32.const 3)) (i32.const 103))

(assert_invalid (module (func try  delegate 1)) "unknown label")
