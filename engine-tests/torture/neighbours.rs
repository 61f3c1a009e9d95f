//! Neighbouring instructions that the translator makes one of, each a million times: with operands that are used much
//! or rarely, just computed, or half of what was computed.

use std::fmt::Write;

use super::{ITERATIONS, STEP, looped, mix, mixed, run_text, step};
use wasmrun::Optimizations;

/// With the translator's optimisations and, for a tenth of the time, without.
fn agree(what: &str, text: &str, expected: impl Fn(u32) -> u64) {
    for (optimizations, iterations) in [
        (Optimizations::default(), ITERATIONS),
        (Optimizations::NONE, ITERATIONS / 10),
    ] {
        let (found, expected) = (run_text(optimizations, text, iterations), expected(iterations));
        assert_eq!(found, expected, "{what} {optimizations:?}");
    }
}

/// An i32 of `A` and `B`, which are replaced, and the same in Rust.
type Expression = (&'static str, fn(u32, u32) -> u32);
const EXPRESSIONS: &[Expression] = &[
    ("(i32.and (i32.shr_u A (i32.const 5)) (i32.const 0x7f8))", |a, _| {
        a >> 5 & 0x7f8
    }),
    ("(i32.and (i32.shr_u A (i32.const 0)) (i32.const -2))", |a, _| a & !1),
    ("(i32.and (i32.shr_u A (i32.const 28)) (i32.const -1))", |a, _| a >> 28),
    ("(i32.and (i32.shl A (i32.const 35)) (i32.const 0x7fc))", |a, _| {
        a << 3 & 0x7fc
    }),
    ("(i32.and (i32.shl A (i32.const 31)) (i32.const -1))", |a, _| a << 31),
    ("(i32.shl (i32.and A (i32.const 0xff00)) (i32.const 8))", |a, _| {
        (a & 0xff00) << 8
    }),
    ("(i32.shl (i32.and A (i32.const -1)) (i32.const 32))", |a, _| a),
    ("(i32.shl (i32.and A (i32.const -1)) (i32.const 17))", |a, _| a << 17),
    (
        "(i32.shr_u (i32.and A (i32.const 0x80ff0000)) (i32.const 16))",
        |a, _| (a & 0x80ff_0000) >> 16,
    ),
    ("(i32.shr_u (i32.and A (i32.const -1)) (i32.const 31))", |a, _| a >> 31),
    (
        "(i32.add (i32.and (i32.shr_u A (i32.const 7)) (i32.const 0x1fc)) B)",
        |a, b| (a >> 7 & 0x1fc).wrapping_add(b),
    ),
    (
        "(i32.add B (i32.shl (i32.and A (i32.const 0xff)) (i32.const 2)))",
        |a, b| ((a & 0xff) << 2).wrapping_add(b),
    ),
    ("(i32.add (i32.and A (i32.const -16)) B)", |a, b| {
        (a & !15).wrapping_add(b)
    }),
    ("(i32.add (i32.shl A (i32.const 3)) B)", |a, b| (a << 3).wrapping_add(b)),
    ("(i32.add B (i32.shl A (i32.const 63)))", |a, b| {
        (a << 31).wrapping_add(b)
    }),
    ("(i32.sub A (i32.const 0x80000000))", |a, _| a.wrapping_sub(1 << 31)),
    ("(i32.sub (i32.sub A (i32.const -5)) (i32.const 9))", |a, _| {
        a.wrapping_sub(4)
    }),
];

/// Operands, and what they are of the generator's state. `$x` and `$y` are used all the time, `$u` and `$v` are not.
const OPERANDS: &[(&str, &str, fn(u64) -> [u32; 2])] = &[
    ("(local.get $x)", "(local.get $y)", |r| [x_of(r), y_of(r)]),
    ("(local.get $u)", "(local.get $v)", |r| [!x_of(r), y_of(r) ^ 77]),
    ("(i32.xor (local.get $x) (i32.const 0x1234))", "(local.get $y)", |r| {
        [x_of(r) ^ 0x1234, y_of(r)]
    }),
    ("(local.get $y)", "(i32.xor (local.get $x) (i32.const 0x1234))", |r| {
        [y_of(r), x_of(r) ^ 0x1234]
    }),
    ("(i32.wrap_i64 (local.get $r))", "(local.get $x)", |r| {
        [r as u32, x_of(r)]
    }),
    (
        "(i32.wrap_i64 (i64.xor (local.get $r) (i64.const -7)))",
        "(i32.wrap_i64 (local.get $r))",
        |r| [r as u32 ^ -7i32 as u32, r as u32],
    ),
];

fn x_of(r: u64) -> u32 {
    (r >> 32) as u32
}

fn y_of(r: u64) -> u32 {
    (r >> 17) as u32
}

const LOCALS: &str = "(local $x i32) (local $y i32) (local $u i32) (local $v i32) (local $z i32) (local $p i32)";
const SET_LOCALS: &str = "
    (local.set $x (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 32))))
    (local.set $y (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 17))))
    (local.set $u (i32.xor (local.get $x) (i32.const -1)))
    (local.set $v (i32.xor (local.get $y) (i32.const 77)))";

#[test]
fn shifts_masks_and_additions() {
    for (expression, function) in EXPRESSIONS {
        let mut body = SET_LOCALS.to_owned();
        for (a, b, _) in OPERANDS {
            let value = expression.replace('A', a).replace('B', b);
            // For the next instruction, for a local, and for both.
            body += &mixed(&format!("(i64.extend_i32_u {value})"));
            body += &format!("(local.set $z {value})");
            body += &mixed("(i64.extend_i32_u (local.get $z))");
            body += &mixed(&format!(
                "(i64.extend_i32_u (i32.mul (local.tee $x {value}) (local.get $x)))"
            ));
            body += "(local.set $x (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 32))))";
        }
        agree(expression, &looped("", LOCALS, &body), |iterations| {
            let (mut r, mut s) = (0, 0);
            for _ in 0..iterations {
                step(&mut r);
                for (_, _, operands) in OPERANDS {
                    let [a, b] = operands(r);
                    let value = function(a, b);
                    for value in [value, value, value.wrapping_mul(value)] {
                        mix(&mut s, value as u64);
                    }
                }
            }
            s
        });
    }
}

const PAGES: &str = "(memory 4)";

/// Bytes of type and access, and how a value of the type is made of an i64 and back.
const ACCESSES: &[(&str, &str, u32, &str, &str)] = &[
    (
        "i32.load16_u",
        "i32.store16",
        1,
        "(i32.wrap_i64 V)",
        "(i64.extend_i32_u V)",
    ),
    (
        "i32.load16_s",
        "i32.store16",
        1,
        "(i32.wrap_i64 V)",
        "(i64.extend_i32_u V)",
    ),
    ("i32.load", "i32.store", 2, "(i32.wrap_i64 V)", "(i64.extend_i32_u V)"),
    ("i64.load32_u", "i64.store32", 2, "V", "V"),
    ("i64.load", "i64.store", 3, "V", "V"),
    (
        "f32.load",
        "f32.store",
        2,
        "(f32.convert_i32_s (i32.wrap_i64 V))",
        "(i64.extend_i32_u (i32.reinterpret_f32 V))",
    ),
    (
        "f64.load",
        "f64.store",
        3,
        "(f64.convert_i64_s V)",
        "(i64.reinterpret_f64 V)",
    ),
];

/// Values written and read at a base and an index, which may wrap around; then also where no index is added.
#[test]
fn accesses_at_scaled_indices() {
    for &(load, store, scale, from, to) in ACCESSES {
        let base = "(i32.and A (i32.const 0xfff8))";
        let mut body = SET_LOCALS.to_owned();
        for (a, _, _) in OPERANDS {
            // The base makes up for the index: their sum is within the first pages.
            let shift = format!("(i32.shl (local.get $z) (i32.const {scale}))");
            let _ = write!(
                body,
                "(local.set $z {a})
                 (local.set $p (i32.sub {} {shift}))
                 ({store} offset=9 (i32.add (local.get $p) {shift}) {})",
                base.replace('A', "(local.get $x)"),
                from.replace('V', "(local.get $r)")
            );
            let value = format!("({load} offset=9 (i32.add {shift} (local.get $p)))");
            body += &mixed(&to.replace('V', &value));
            // The index just computed, and the value.
            let small = format!(
                "(i32.shl (i32.and (local.get $z) (i32.const 0x7ff)) (i32.const {}))",
                scale + 32
            );
            let _ = write!(
                body,
                "({store} (i32.add (local.get $u) {small}) {})
                 (local.set $u (i32.const 0x20000))",
                from.replace('V', "(i64.xor (local.get $r) (i64.const 99))")
            );
            let value = format!("({load} (i32.add (local.get $u) {small}))");
            body += &mixed(&to.replace('V', &value));
        }
        let body = body.replacen("(local.set $z", "(local.set $u (i32.const 0x20000)) (local.set $z", 1);
        agree(load, &looped(PAGES, LOCALS, &body), |iterations| {
            let (mut r, mut s) = (0, 0);
            let value = |v: u64| match load {
                "i32.load16_u" => v as u16 as u64,
                "i32.load16_s" => v as i16 as i32 as u32 as u64,
                "i32.load" | "i64.load32_u" => v as u32 as u64,
                "i64.load" => v,
                "f32.load" => (v as i32 as f32).to_bits() as u64,
                _ => (v as i64 as f64).to_bits(),
            };
            for _ in 0..iterations {
                step(&mut r);
                for _ in OPERANDS {
                    mix(&mut s, value(r));
                    mix(&mut s, value(r ^ 99));
                }
            }
            s
        });
    }
}

/// A condition of the i32 `A`, the i64 `$r` and the word at `$p`, and the same in Rust.
type Condition = (&'static str, fn(u32, u64, u32) -> bool);
const CONDITIONS: &[Condition] = &[
    (
        "(i32.eq (i32.load offset=3 (local.get $p)) (i32.const 0))",
        |_, _, m| m == 0,
    ),
    (
        "(i32.ne (i32.load offset=3 (local.get $p)) (i32.const 1))",
        |_, _, m| m != 1,
    ),
    ("(i32.load offset=3 (local.get $p))", |_, _, m| m != 0),
    ("(i32.eqz (i32.load offset=3 (local.get $p)))", |_, _, m| m == 0),
    (
        "(i32.and (i32.load offset=3 (local.get $p)) (i32.const 0x01000100))",
        |_, _, m| m & 0x0100_0100 != 0,
    ),
    (
        "(i32.eqz (i32.and (i32.load offset=3 (local.get $p)) (i32.const 0x01000000)))",
        |_, _, m| m & 0x0100_0000 == 0,
    ),
    (
        "(i32.eq (i32.load8_u offset=3 (local.get $p)) (i32.const 1))",
        |_, _, m| m & 0xff == 1,
    ),
    (
        "(i32.ne (i32.load8_u offset=3 (i32.and A (i32.const 0x1fff))) (i32.const 1))",
        |a, _, _| byte_at((a & 0x1fff) + 3) != 1,
    ),
    (
        "(i32.and (i32.load8_u offset=3 (local.get $p)) (i32.const 1))",
        |_, _, m| m & 1 != 0,
    ),
    (
        "(i32.eq (i32.load16_u offset=3 (local.get $p)) (i32.const 0x100))",
        |_, _, m| m & 0xffff == 0x100,
    ),
    (
        "(i32.ne (i32.load16_u offset=3 (local.get $p)) (i32.const 0))",
        |_, _, m| m & 0xffff != 0,
    ),
    (
        "(i32.eqz (i32.and (i32.load16_u offset=3 (local.get $p)) (i32.const 0x101)))",
        |_, _, m| m & 0x101 == 0,
    ),
    (
        "(i32.eq (i32.and A (i32.const 0x80000001)) (i32.const 1))",
        |a, _, _| a & 0x8000_0001 == 1,
    ),
    ("(i32.ne (i32.and A (i32.const 12)) (i32.const 8))", |a, _, _| {
        a & 12 != 8
    }),
    ("(i32.and A (i32.wrap_i64 (i64.const 6)))", |a, _, _| a & 6 != 0),
    (
        "(i32.eq (i32.and A (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 62)))) (i32.const 0))",
        |a, r, _| a & (r >> 62) as u32 == 0,
    ),
    ("(i32.lt_s A (i32.const -100))", |a, _, _| (a as i32) < -100),
    (
        "(i64.eq (i64.and (local.get $r) (i64.const 0x100000000)) (i64.const 0x100000000))",
        |_, r, _| r & 1 << 32 != 0,
    ),
    (
        "(i64.ne (i64.and (local.get $r) (i64.const 0x100000000)) (i64.const 0x100000000))",
        |_, r, _| r & 1 << 32 == 0,
    ),
    ("(i64.lt_s (local.get $r) (i64.const 0x123456789abcdef0))", |_, r, _| {
        (r as i64) < 0x1234_5678_9abc_def0
    }),
    ("(i64.lt_u (local.get $r) (i64.const 0x8000000000000000))", |_, r, _| {
        r < 1 << 63
    }),
    ("(i64.gt_s (local.get $r) (i64.const -0x100000000))", |_, r, _| {
        r as i64 > -1 << 32
    }),
    ("(i64.gt_u (local.get $r) (i64.const 0xc000000000000000))", |_, r, _| {
        r > 3 << 62
    }),
    ("(i64.le_s (local.get $r) (i64.const 0x123456789abcdef0))", |_, r, _| {
        r as i64 <= 0x1234_5678_9abc_def0
    }),
    ("(i64.le_u (local.get $r) (i64.const 0x8000000000000000))", |_, r, _| {
        r <= 1 << 63
    }),
    ("(i64.ge_s (i64.const 0x123456789abcdef0) (local.get $r))", |_, r, _| {
        0x1234_5678_9abc_def0 >= r as i64
    }),
    ("(i64.ge_s (local.get $r) (i64.const 0x123456789abcdef0))", |_, r, _| {
        r as i64 >= 0x1234_5678_9abc_def0
    }),
    ("(i64.ge_u (local.get $r) (i64.const 0x8000000000000000))", |_, r, _| {
        r >= 1 << 63
    }),
];

/// What the memory holds: mostly zeros.
fn byte_at(at: u32) -> u8 {
    (at.wrapping_mul(0x9e37_79b9) >> 30 == 3) as u8
}

#[test]
fn loads_masks_and_wide_comparisons_branch() {
    let bytes: String = (0..0x3000).map(|at| format!("\\{:02x}", byte_at(at))).collect();
    let fields = format!("(memory 1) (data (i32.const 0) \"{bytes}\")");
    let set_pointer = "(local.set $p (i32.and (local.get $x) (i32.const 0x2ff0)))";
    for (condition, function) in CONDITIONS {
        let mut body = format!("{SET_LOCALS} {set_pointer}");
        for (at, (a, ..)) in OPERANDS.iter().enumerate() {
            let condition = condition.replace('A', a);
            let _ = write!(
                body,
                "(if {condition} (then {}) (else {}))
                 (block $skip (br_if $skip {condition}) {})",
                mixed("(i64.const 1)"),
                mixed(&format!("(i64.const {})", 2 + at)),
                mixed("(i64.const 3)"),
            );
        }
        // A branch back, and one that keeps a value.
        let condition = condition.replace('A', "(local.get $x)");
        let _ = write!(
            body,
            "(loop $back {STEP} {SET_LOCALS} {set_pointer} {}
               (local.set $z (i32.add (local.get $z) (i32.const 1)))
               (br_if $back {condition}))
             (local.set $z (block $kept (result i32)
               (i32.add (br_if $kept (local.get $z) {condition}) (i32.const 5))))",
            mixed("(i64.extend_i32_u (local.get $z))"),
        );
        agree(condition.as_str(), &looped(&fields, LOCALS, &body), |iterations| {
            let (mut r, mut s, mut z) = (0, 0, 0u32);
            let holds = |a: u32, r: u64| {
                let p = x_of(r) & 0x2ff0;
                let word = u32::from_le_bytes([3, 4, 5, 6].map(|at| byte_at(p + at)));
                function(a, r, word)
            };
            for _ in 0..iterations {
                step(&mut r);
                for (at, (.., operands)) in OPERANDS.iter().enumerate() {
                    let holds = holds(operands(r)[0], r);
                    mix(&mut s, if holds { 1 } else { 2 + at as u64 });
                    if !holds {
                        mix(&mut s, 3);
                    }
                }
                loop {
                    step(&mut r);
                    mix(&mut s, z as u64);
                    z = z.wrapping_add(1);
                    if !holds(x_of(r), r) {
                        break;
                    }
                }
                z = z.wrapping_add(5);
            }
            s
        });
    }
}

/// Copies and additions in pairs and with branches, forward and back, of locals in registers and in slots.
#[test]
fn steps_of_locals() {
    let body = [
        SET_LOCALS,
        "(local.set $z (local.get $v)) (local.set $v (local.get $u))",
        "(local.set $p (i32.const -9)) (local.set $u (i32.const 11))",
        "(local.set $l (i64.const -9)) (local.set $x (local.get $z))",
        &mixed("(i64.extend_i32_u (i32.sub (local.get $z) (local.get $v)))"),
        &mixed("(i64.extend_i32_u (i32.mul (local.get $x) (i32.xor (local.get $p) (local.get $u))))"),
        &mixed("(local.get $l)"),
        "(local.set $x (i32.add (local.get $x) (i32.const 0x7fffffff)))
         (local.set $y (i32.sub (local.get $y) (i32.const 3)))
         (local.set $u (i32.add (local.get $v) (i32.const -5)))
         (local.set $z (i32.add (local.get $z) (i32.const 6)))",
        &mixed("(i64.extend_i32_u (i32.mul (local.get $x) (i32.xor (local.get $y) (local.get $u))))"),
        &mixed("(i64.extend_i32_u (local.get $z))"),
        // Loops closed by an addition, by a copy, by a constant.
        "(local.set $u (i32.const 0))
         (block $out (loop $back
           (br_if $out (i32.gt_u (local.get $u) (i32.const 4)))",
        &mixed("(i64.extend_i32_u (local.get $u))"),
        "  (local.set $u (i32.add (local.get $u) (i32.const 2))) (br $back)))
         (block $out (loop $back
           (br_if $out (i32.eqz (local.get $x)))
           (local.set $y (i32.shr_u (local.get $x) (i32.const 9)))",
        &mixed("(i64.extend_i32_u (local.get $y))"),
        "  (local.set $x (local.get $y)) (br $back)))
         (block $out (loop $back
           (br_if $out (i32.eq (local.get $v) (i32.const 7)))",
        &mixed("(i64.const 8)"),
        "  (local.set $v (i32.const 7)) (br $back)))
         (block $out
           (if (i32.and (local.get $z) (i32.const 1))
             (then (local.set $x (i32.add (local.get $z) (i32.const 1))) (br $out)))
           (local.set $x (local.get $z)) (br $out))",
        &mixed("(i64.extend_i32_u (local.get $x))"),
    ]
    .concat();
    let text = looped("", &format!("{LOCALS} (local $l i64)"), &body);
    agree("steps", &text, |iterations| {
        let (mut r, mut s) = (0, 0);
        for _ in 0..iterations {
            step(&mut r);
            let (mut y, old_v) = (y_of(r), y_of(r) ^ 77);
            let v = !x_of(r);
            let mut z = old_v;
            let mut x = z;
            mix(&mut s, z.wrapping_sub(v) as u64);
            mix(&mut s, x.wrapping_mul(-9i32 as u32 ^ 11) as u64);
            mix(&mut s, -9i64 as u64);
            x = x.wrapping_add(0x7fff_ffff);
            y = y.wrapping_sub(3);
            z = z.wrapping_add(6);
            mix(&mut s, x.wrapping_mul(y ^ v.wrapping_sub(5)) as u64);
            mix(&mut s, z as u64);
            [0, 2, 4].iter().for_each(|&u| mix(&mut s, u));
            while x != 0 {
                x >>= 9;
                mix(&mut s, x as u64);
            }
            if v != 7 {
                mix(&mut s, 8);
            }
            mix(&mut s, z.wrapping_add(z & 1) as u64);
        }
        s
    });
}

#[test]
fn steps_of_globals() {
    // The instance's own memory keeps its globals near; where it has none, they are elsewhere.
    for fields in ["(memory 1)", ""] {
        let body = [
            "(local.set $x (i32.add (global.get $g) (i32.const -48)))",
            "(global.set $g (local.tee $y (i32.sub (global.get $g) (i32.const 48))))",
            &mixed("(i64.extend_i32_u (i32.xor (local.get $x) (i32.mul (local.get $y) (global.get $h))))"),
            "(global.set $g (i32.add (global.get $g) (i32.const 7)))",
            "(global.set $h (i32.add (global.get $g) (i32.const 9)))",
            &mixed("(i64.extend_i32_u (i32.mul (global.get $g) (global.get $h)))"),
            "(global.set $g (i32.add (local.get $y) (i32.const 0x7fffffff)))
             (global.set $h (i32.sub (i32.wrap_i64 (local.get $r)) (i32.const 3)))",
            &mixed("(i64.extend_i32_u (i32.mul (global.get $g) (global.get $h)))"),
        ]
        .concat();
        let fields = format!("{fields} (global $g (mut i32) (i32.const 5)) (global $h (mut i32) (i32.const 6))");
        agree(&fields, &looped(&fields, LOCALS, &body), |iterations| {
            let (mut r, mut s, mut g, mut h) = (0, 0, 5u32, 6u32);
            for _ in 0..iterations {
                step(&mut r);
                let x = g.wrapping_sub(48);
                g = x;
                mix(&mut s, (x ^ x.wrapping_mul(h)) as u64);
                g = g.wrapping_add(7);
                h = g.wrapping_add(9);
                mix(&mut s, g.wrapping_mul(h) as u64);
                g = x.wrapping_add(0x7fff_ffff);
                h = (r as u32).wrapping_sub(3);
                mix(&mut s, g.wrapping_mul(h) as u64);
            }
            s
        });
    }
}

/// Indices below the addend wrap around and take the default.
#[test]
fn br_tables_with_an_addend() {
    let table = |addend: &str| {
        let index = "(i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 61)))";
        format!(
            "(block $out (block $c (block $b (block $a
               (br_table $a $b $a $c (i32.{addend} {index} (i32.const 3))))
               {} (br $out)) {} (br $out)) {})",
            mixed("(i64.const 1)"),
            mixed("(i64.const 2)"),
            mixed("(i64.const 3)"),
        )
    };
    let back = format!(
        "(loop $back {STEP} {}
           (block $on (br_table $on $back $on
             (i32.add (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 62))) (i32.const -1)))))",
        mixed("(i64.const 4)")
    );
    let body = [table("sub"), table("add"), back].concat();
    agree("br_table", &looped("", "", &body), |iterations| {
        let (mut r, mut s) = (0, 0);
        for _ in 0..iterations {
            let index = step(&mut r) >> 61;
            for index in [index.wrapping_sub(3), index + 3] {
                mix(&mut s, *[1, 2, 1].get(index as usize).unwrap_or(&3));
            }
            loop {
                step(&mut r);
                mix(&mut s, 4);
                if r >> 62 != 2 {
                    break;
                }
            }
        }
        s
    });
}

/// Calls make room for locals and zero them, however many there are.
#[test]
fn calls_zero_the_locals_of_callees() {
    let mut fields = "(type $f (func (param i64) (result i64)))".to_owned();
    let counts = [0, 1, 2, 3, 7, 8, 9, 40];
    for count in counts {
        let locals = 1..=count;
        let sum: String = locals
            .clone()
            .map(|at| format!(" (local.get {at}) (i64.add)"))
            .collect();
        let dirty: String = locals.map(|at| format!("(local.set {at} (local.get 0))")).collect();
        let _ = write!(
            fields,
            "(func $f{count} (type $f) (local{}) (local.get 0){sum} {dirty})",
            " i64".repeat(count)
        );
    }
    let names: String = counts.iter().map(|count| format!(" $f{count}")).collect();
    let _ = write!(fields, "(table funcref (elem{names}))");
    let direct = counts.map(|count| mixed(&format!("(call $f{count} (local.get $r))")));
    let indirect =
        mixed("(call_indirect (type $f) (local.get $s) (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 61))))");
    let body = direct.concat() + &indirect;
    agree("calls", &looped(&fields, "", &body), |iterations| {
        let (mut r, mut s) = (0, 0);
        for _ in 0..iterations {
            step(&mut r);
            counts.iter().for_each(|_| mix(&mut s, r));
            let value = s;
            mix(&mut s, value);
        }
        s
    });
}
