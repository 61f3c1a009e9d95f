;; Binary trees: short-lived ones beside one that stays, the program every collector is shown. Allocates about 32 bytes a
;; node, 2^(depth + 1) nodes a tree, 2^(18 - depth) trees for each even depth from 4 to the argument.
(module
  (type $tree (struct (field (ref null $tree)) (field (ref null $tree))))
  (func $grow (param $depth i32) (result (ref $tree))
    (if (result (ref $tree)) (local.get $depth)
      (then (struct.new $tree
        (call $grow (i32.sub (local.get $depth) (i32.const 1)))
        (call $grow (i32.sub (local.get $depth) (i32.const 1)))))
      (else (struct.new_default $tree))))
  (func $count (param $tree (ref $tree)) (result i32)
    (block $leaf
      (return (i32.add (i32.const 1) (i32.add
        (call $count (br_on_null $leaf (struct.get $tree 0 (local.get $tree))))
        (call $count (ref.as_non_null (struct.get $tree 1 (local.get $tree))))))))
    (i32.const 1))
  (func (export "run") (param $max i32) (result i64)
    (local $long (ref $tree)) (local $depth i32) (local $left i32) (local $sum i64)
    (local.set $long (call $grow (local.get $max)))
    (local.set $depth (i32.const 4))
    (loop $depths
      (local.set $left (i32.shl (i32.const 1) (i32.sub (i32.const 18) (local.get $depth))))
      (loop $trees
        (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $count (call $grow (local.get $depth))))))
        (br_if $trees (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (br_if $depths (i32.le_u (local.tee $depth (i32.add (local.get $depth) (i32.const 2))) (local.get $max))))
    (i64.add (local.get $sum) (i64.extend_i32_u (call $count (local.get $long))))))
