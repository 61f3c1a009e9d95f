;; Boxed numbers: an array of structs is filled and sorted by insertion through casts, again and again. Few allocations, many
;; fields, elements and casts.
(module
  (type $any (sub (struct)))
  (type $box (sub $any (struct (field (mut i32)))))
  (type $row (array (mut (ref null $any))))
  (func (export "run") (param $rounds i32) (result i32)
    (local $row (ref $row)) (local $i i32) (local $j i32) (local $seed i32) (local $sum i32) (local $held (ref null $any))
    (local.set $row (array.new_default $row (i32.const 1000)))
    (loop $round
      (local.set $i (i32.const 0))
      (loop $fill
        (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1103515245)) (i32.const 12345)))
        (array.set $row (local.get $row) (local.get $i) (struct.new $box (i32.shr_u (local.get $seed) (i32.const 8))))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
      (local.set $i (i32.const 1))
      (loop $next
        (local.set $held (array.get $row (local.get $row) (local.get $i)))
        (local.set $j (local.get $i))
        (block $placed (loop $down
          (br_if $placed (i32.eqz (local.get $j)))
          (br_if $placed (i32.le_u
            (struct.get $box 0 (ref.cast (ref $box) (array.get $row (local.get $row) (i32.sub (local.get $j) (i32.const 1)))))
            (struct.get $box 0 (ref.cast (ref $box) (local.get $held)))))
          (array.set $row (local.get $row) (local.get $j)
            (array.get $row (local.get $row) (i32.sub (local.get $j) (i32.const 1))))
          (local.set $j (i32.sub (local.get $j) (i32.const 1)))
          (br $down)))
        (array.set $row (local.get $row) (local.get $j) (local.get $held))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
      (local.set $sum (i32.add (local.get $sum)
        (struct.get $box 0 (ref.cast (ref $box) (array.get $row (local.get $row) (i32.const 500))))))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $sum)))
