//! Instructions of one or two operands, each with the same function in Rust, and the loops both sides run.
//!
//! A row's loop uses its instruction in every place an operand can come from: locals, the result just computed, and
//! constants on either side; and lets results go to locals and to the next instruction.

use super::{STEP, mix, mixed, step};

/// Which loop a row is put in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Binary,
    /// Binary, with a right operand that is never zero.
    Division,
    /// Binary, with a truth value as its result, and branches on it.
    Compare,
    Unary,
    /// Unary, of a small operand that is not negative.
    Truncate,
}

/// Value types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ty {
    I32,
    I64,
    F32,
    F64,
}
use Shape::*;
use Ty::*;

pub struct Row {
    pub name: &'static str,
    pub shape: Shape,
    from: Ty,
    to: Ty,
    /// On the bits of the operands. The second is 0 for one operand.
    function: fn(u64, u64) -> u64,
}

/// A constant operand: not a power of two, even, and exact as a float.
const CONSTANT: i32 = 0x1234;

impl Ty {
    fn name(self) -> &'static str {
        match self {
            I32 => "i32",
            I64 => "i64",
            F32 => "f32",
            F64 => "f64",
        }
    }

    /// An operand made of the generator's state. Floats are between 2^-31 and 2^33 (f32: 2^-7 and 2^9), of either sign.
    fn operand(self, r: &str) -> String {
        match self {
            I32 => format!("(i32.wrap_i64 (i64.shr_u {r} (i64.const 32)))"),
            I64 => r.to_owned(),
            F32 => format!(
                "(f32.reinterpret_i32 (i32.or (i32.and (i32.wrap_i64 (i64.shr_u {r} (i64.const 32)))
                    (i32.const 0x87ffffff)) (i32.const 0x3c000000)))"
            ),
            F64 => format!(
                "(f64.reinterpret_i64 (i64.or (i64.and {r} (i64.const 0x83ffffffffffffff))
                    (i64.const 0x3e00000000000000)))"
            ),
        }
    }

    fn operand_of(self, r: u64) -> u64 {
        match self {
            I32 => r >> 32,
            I64 => r,
            F32 => r >> 32 & 0x87ff_ffff | 0x3c00_0000,
            F64 => r & 0x83ff_ffff_ffff_ffff | 0x3e00_0000_0000_0000,
        }
    }

    fn constant(self) -> String {
        format!("({}.const {CONSTANT})", self.name())
    }

    fn constant_bits(self) -> u64 {
        self.small_bits(CONSTANT as u64)
    }

    /// The small number `n` as a value of the type.
    fn small_bits(self, n: u64) -> u64 {
        match self {
            I32 | I64 => n,
            F32 => (n as f32).to_bits() as u64,
            F64 => (n as f64).to_bits(),
        }
    }

    /// The small number in the i32 expression `n` as a value of the type.
    fn small(self, n: &str) -> String {
        match self {
            I32 => n.to_owned(),
            I64 => format!("(i64.extend_i32_u {n})"),
            F32 => format!("(f32.convert_i32_u {n})"),
            F64 => format!("(f64.convert_i32_u {n})"),
        }
    }

    /// An instruction before the row's, so that its operand is a result.
    fn before(self, value: &str) -> String {
        match self {
            I32 | I64 => format!("({}.xor {value} {})", self.name(), self.constant()),
            F32 | F64 => format!("({}.add {value} ({}.const 1.5))", self.name(), self.name()),
        }
    }

    fn before_of(self, value: u64) -> u64 {
        match self {
            I32 | I64 => value ^ CONSTANT as u64,
            F32 => (f32::from_bits(value as u32) + 1.5).to_bits() as u64,
            F64 => (f64::from_bits(value) + 1.5).to_bits(),
        }
    }

    /// The bits of a value as an i64.
    fn bits(self, value: &str) -> String {
        match self {
            I32 => format!("(i64.extend_i32_u {value})"),
            I64 => value.to_owned(),
            F32 => format!("(i64.extend_i32_u (i32.reinterpret_f32 {value}))"),
            F64 => format!("(i64.reinterpret_f64 {value})"),
        }
    }

    /// The same for the local `$z`, with one NaN for all of them.
    fn bits_of_z(self) -> String {
        match self {
            I32 | I64 => self.bits("(local.get $z)"),
            F32 | F64 => format!(
                "(select (i64.const -1) {} ({}.ne (local.get $z) (local.get $z)))",
                self.bits("(local.get $z)"),
                self.name()
            ),
        }
    }

    fn one_nan(self, bits: u64) -> u64 {
        match self {
            F32 if f32::from_bits(bits as u32).is_nan() => u64::MAX,
            F64 if f64::from_bits(bits).is_nan() => u64::MAX,
            _ => bits,
        }
    }
}

impl Row {
    /// The module with the row's loop, exported as `run`.
    pub fn module(&self) -> String {
        let Row {
            name, shape, from, to, ..
        } = *self;
        let (t, f) = (to.name(), from.name());
        let c = from.constant();
        let mut body = format!("{STEP} (local.set $x {})\n", from.operand("(local.get $r)"));
        let y = from.operand("(i64.rotl (local.get $r) (i64.const 23))");
        body += &match (shape, from) {
            (Division, I32 | I64) => format!("(local.set $y ({f}.or {y} ({f}.const 1)))"),
            (Truncate, _) => {
                format!("(local.set $x ({f}.mul ({f}.abs (local.get $x)) ({f}.const 0.125)))")
            }
            _ => format!("(local.set $y {y})"),
        };
        match shape {
            Unary | Truncate => {
                body += &format!("(local.set $z ({name} (local.get $x)))\n");
                body += &mixed(&to.bits_of_z());
                body += &format!("(local.set $z ({name} {}))\n", from.before("(local.get $x)"));
                body += &mixed(&to.bits_of_z());
                body += &format!("(local.set $z {})\n", to.before(&format!("({name} (local.get $x))")));
                body += &mixed(&to.bits_of_z());
            }
            Binary | Division | Compare => {
                let x_before = from.before("(local.get $x)");
                let y_before = from.before("(local.get $y)");
                for (a, b) in [
                    ("(local.get $x)", "(local.get $y)"),
                    (x_before.as_str(), "(local.get $y)"),
                    ("(local.get $x)", y_before.as_str()),
                    ("(local.get $x)", c.as_str()),
                ] {
                    body += &mixed(&to.bits(&format!("({name} {a} {b})")));
                }
                if shape != Division {
                    body += &mixed(&to.bits(&format!("({name} {c} (local.get $x))")));
                }
                if to == from {
                    body += &format!("(local.set $z ({name} (local.get $z) (local.get $y)))\n");
                    body += &mixed(&to.bits_of_z());
                }
            }
        }
        if shape == Compare {
            body += &format!(
                "(if ({name} (local.get $x) (local.get $y)) (then {}) (else {}))
                 (block $skip (br_if $skip ({name} (local.get $y) {c})) {})
                 (local.set $s (select (local.get $s) (local.get $r) ({name} (local.get $y) (local.get $x))))
                 (local.set $y {})
                 (loop $back {STEP} {}
                   (br_if $back ({name} {} (local.get $y))))",
                mixed("(i64.const 1)"),
                mixed("(i64.const 2)"),
                mixed("(i64.const 3)"),
                from.small("(i32.add (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 63))) (i32.const 1))"),
                mixed("(i64.const 4)"),
                from.small("(i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 62)))"),
            );
        }
        format!(
            "(module (func (export \"run\") (param $n i32) (result i64)
                (local $r i64) (local $s i64) (local $x {f}) (local $y {f}) (local $z {t})
                (loop $top {body}
                  (br_if $top (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $s)))"
        )
    }

    /// What its `run` must return.
    pub fn expected(&self, iterations: u32) -> u64 {
        let Row {
            shape,
            from,
            to,
            function,
            ..
        } = *self;
        let (mut r, mut s, mut z) = (0u64, 0u64, 0u64);
        let c = from.constant_bits();
        for _ in 0..iterations {
            step(&mut r);
            let mut x = from.operand_of(r);
            let mut y = from.operand_of(r.rotate_left(23));
            if shape == Division {
                y |= 1;
            }
            if shape == Truncate {
                x = match from {
                    F32 => (f32::from_bits(x as u32).abs() * 0.125).to_bits() as u64,
                    _ => (f64::from_bits(x).abs() * 0.125).to_bits(),
                };
            }
            match shape {
                Unary | Truncate => {
                    let value = to.one_nan(function(x, 0));
                    mix(&mut s, value);
                    mix(&mut s, to.one_nan(function(from.before_of(x), 0)));
                    mix(&mut s, to.one_nan(to.before_of(function(x, 0))));
                }
                Binary | Division | Compare => {
                    mix(&mut s, function(x, y));
                    mix(&mut s, function(from.before_of(x), y));
                    mix(&mut s, function(x, from.before_of(y)));
                    mix(&mut s, function(x, c));
                    if shape != Division {
                        mix(&mut s, function(c, x));
                    }
                    if to == from {
                        z = function(z, y);
                        mix(&mut s, to.one_nan(z));
                    }
                }
            }
            if shape == Compare {
                mix(&mut s, if function(x, y) != 0 { 1 } else { 2 });
                if function(y, c) == 0 {
                    mix(&mut s, 3);
                }
                if function(y, x) == 0 {
                    s = r;
                }
                y = from.small_bits((r >> 63) + 1);
                loop {
                    step(&mut r);
                    mix(&mut s, 4);
                    if function(from.small_bits(r >> 62), y) == 0 {
                        break;
                    }
                }
            }
        }
        s
    }
}

/// `"mnemonic" = |operands| value` with the operands' types; results are of the type that stands first.
macro_rules! rows {
    ($($shape:ident $from:ident $to:ident: $($name:literal |$($x:ident),*| $value:expr;)*)*) => {
        &[$($(Row {
            name: $name,
            shape: $shape,
            from: $from,
            to: $to,
            function: |a, b| {
                let mut _operands = [a, b].into_iter();
                $(let $x = value!($from _operands);)*
                bits!($to $value)
            },
        }),*),*]
    };
}
macro_rules! value {
    (I32 $bits:ident) => {
        $bits.next().unwrap() as u32
    };
    (I64 $bits:ident) => {
        $bits.next().unwrap()
    };
    (F32 $bits:ident) => {
        f32::from_bits($bits.next().unwrap() as u32)
    };
    (F64 $bits:ident) => {
        f64::from_bits($bits.next().unwrap())
    };
}
macro_rules! bits {
    (I32 $value:expr) => {
        $value as u32 as u64
    };
    (I64 $value:expr) => {
        $value as u64
    };
    (F32 $value:expr) => {
        f32::to_bits($value) as u64
    };
    (F64 $value:expr) => {
        f64::to_bits($value)
    };
}

pub const ROWS: &[Row] = rows! {
    Binary I32 I32:
    "i32.add" |a, b| a.wrapping_add(b);
    "i32.sub" |a, b| a.wrapping_sub(b);
    "i32.mul" |a, b| a.wrapping_mul(b);
    "i32.and" |a, b| a & b;
    "i32.or" |a, b| a | b;
    "i32.xor" |a, b| a ^ b;
    "i32.shl" |a, b| a << (b & 31);
    "i32.shr_s" |a, b| a as i32 >> (b & 31);
    "i32.shr_u" |a, b| a >> (b & 31);
    "i32.rotl" |a, b| a.rotate_left(b & 31);
    "i32.rotr" |a, b| a.rotate_right(b & 31);
    Binary I64 I64:
    "i64.add" |a, b| a.wrapping_add(b);
    "i64.sub" |a, b| a.wrapping_sub(b);
    "i64.mul" |a, b| a.wrapping_mul(b);
    "i64.and" |a, b| a & b;
    "i64.or" |a, b| a | b;
    "i64.xor" |a, b| a ^ b;
    "i64.shl" |a, b| a << (b & 63);
    "i64.shr_s" |a, b| a as i64 >> (b & 63);
    "i64.shr_u" |a, b| a >> (b & 63);
    "i64.rotl" |a, b| a.rotate_left((b & 63) as u32);
    "i64.rotr" |a, b| a.rotate_right((b & 63) as u32);
    Division I32 I32:
    "i32.div_s" |a, b| (a as i32).wrapping_div(b as i32);
    "i32.div_u" |a, b| a / b;
    "i32.rem_s" |a, b| (a as i32).wrapping_rem(b as i32);
    "i32.rem_u" |a, b| a % b;
    Division I64 I64:
    "i64.div_s" |a, b| (a as i64).wrapping_div(b as i64);
    "i64.div_u" |a, b| a / b;
    "i64.rem_s" |a, b| (a as i64).wrapping_rem(b as i64);
    "i64.rem_u" |a, b| a % b;
    Compare I32 I32:
    "i32.eq" |a, b| a == b;
    "i32.ne" |a, b| a != b;
    "i32.lt_s" |a, b| (a as i32) < b as i32;
    "i32.lt_u" |a, b| a < b;
    "i32.gt_s" |a, b| a as i32 > b as i32;
    "i32.gt_u" |a, b| a > b;
    "i32.le_s" |a, b| a as i32 <= b as i32;
    "i32.le_u" |a, b| a <= b;
    "i32.ge_s" |a, b| a as i32 >= b as i32;
    "i32.ge_u" |a, b| a >= b;
    Compare I64 I32:
    "i64.eq" |a, b| a == b;
    "i64.ne" |a, b| a != b;
    "i64.lt_s" |a, b| (a as i64) < b as i64;
    "i64.lt_u" |a, b| a < b;
    "i64.gt_s" |a, b| a as i64 > b as i64;
    "i64.gt_u" |a, b| a > b;
    "i64.le_s" |a, b| a as i64 <= b as i64;
    "i64.le_u" |a, b| a <= b;
    "i64.ge_s" |a, b| a as i64 >= b as i64;
    "i64.ge_u" |a, b| a >= b;
    Compare F32 I32:
    "f32.eq" |a, b| a == b;
    "f32.ne" |a, b| a != b;
    "f32.lt" |a, b| a < b;
    "f32.gt" |a, b| a > b;
    "f32.le" |a, b| a <= b;
    "f32.ge" |a, b| a >= b;
    Compare F64 I32:
    "f64.eq" |a, b| a == b;
    "f64.ne" |a, b| a != b;
    "f64.lt" |a, b| a < b;
    "f64.gt" |a, b| a > b;
    "f64.le" |a, b| a <= b;
    "f64.ge" |a, b| a >= b;
    Binary F32 F32:
    "f32.add" |a, b| a + b;
    "f32.sub" |a, b| a - b;
    "f32.mul" |a, b| a * b;
    "f32.div" |a, b| a / b;
    "f32.min" |a, b| a.min(b);
    "f32.max" |a, b| a.max(b);
    "f32.copysign" |a, b| a.copysign(b);
    Binary F64 F64:
    "f64.add" |a, b| a + b;
    "f64.sub" |a, b| a - b;
    "f64.mul" |a, b| a * b;
    "f64.div" |a, b| a / b;
    "f64.min" |a, b| a.min(b);
    "f64.max" |a, b| a.max(b);
    "f64.copysign" |a, b| a.copysign(b);
    Unary I32 I32:
    "i32.clz" |a| a.leading_zeros();
    "i32.ctz" |a| a.trailing_zeros();
    "i32.popcnt" |a| a.count_ones();
    "i32.extend8_s" |a| a as i8 as i32;
    "i32.extend16_s" |a| a as i16 as i32;
    "i32.eqz" |a| a == 0;
    Unary I64 I64:
    "i64.clz" |a| a.leading_zeros();
    "i64.ctz" |a| a.trailing_zeros();
    "i64.popcnt" |a| a.count_ones();
    "i64.extend8_s" |a| a as i8 as i64;
    "i64.extend16_s" |a| a as i16 as i64;
    "i64.extend32_s" |a| a as i32 as i64;
    Unary I64 I32:
    "i64.eqz" |a| a == 0;
    "i32.wrap_i64" |a| a;
    Unary I32 I64:
    "i64.extend_i32_s" |a| a as i32 as i64;
    "i64.extend_i32_u" |a| a;
    Unary F32 F32:
    "f32.abs" |a| a.abs();
    "f32.neg" |a| -a;
    "f32.ceil" |a| a.ceil();
    "f32.floor" |a| a.floor();
    "f32.trunc" |a| a.trunc();
    "f32.nearest" |a| a.round_ties_even();
    "f32.sqrt" |a| a.sqrt();
    Unary F64 F64:
    "f64.abs" |a| a.abs();
    "f64.neg" |a| -a;
    "f64.ceil" |a| a.ceil();
    "f64.floor" |a| a.floor();
    "f64.trunc" |a| a.trunc();
    "f64.nearest" |a| a.round_ties_even();
    "f64.sqrt" |a| a.sqrt();
    Unary I32 F32:
    "f32.convert_i32_s" |a| a as i32 as f32;
    "f32.convert_i32_u" |a| a as f32;
    "f32.reinterpret_i32" |a| f32::from_bits(a);
    Unary I64 F32:
    "f32.convert_i64_s" |a| a as i64 as f32;
    "f32.convert_i64_u" |a| a as f32;
    Unary I32 F64:
    "f64.convert_i32_s" |a| a as i32 as f64;
    "f64.convert_i32_u" |a| a as f64;
    Unary I64 F64:
    "f64.convert_i64_s" |a| a as i64 as f64;
    "f64.convert_i64_u" |a| a as f64;
    "f64.reinterpret_i64" |a| f64::from_bits(a);
    Unary F32 F64:
    "f64.promote_f32" |a| a as f64;
    Unary F64 F32:
    "f32.demote_f64" |a| a as f32;
    Unary F32 I32:
    "i32.reinterpret_f32" |a| a.to_bits();
    "i32.trunc_sat_f32_s" |a| a as i32;
    "i32.trunc_sat_f32_u" |a| a as u32;
    Unary F64 I32:
    "i32.trunc_sat_f64_s" |a| a as i32;
    "i32.trunc_sat_f64_u" |a| a as u32;
    Unary F32 I64:
    "i64.trunc_sat_f32_s" |a| a as i64;
    "i64.trunc_sat_f32_u" |a| a as u64;
    Unary F64 I64:
    "i64.reinterpret_f64" |a| a.to_bits();
    "i64.trunc_sat_f64_s" |a| a as i64;
    "i64.trunc_sat_f64_u" |a| a as u64;
    Truncate F32 I32:
    "i32.trunc_f32_s" |a| a as i32;
    "i32.trunc_f32_u" |a| a as u32;
    Truncate F64 I32:
    "i32.trunc_f64_s" |a| a as i32;
    "i32.trunc_f64_u" |a| a as u32;
    Truncate F32 I64:
    "i64.trunc_f32_s" |a| a as i64;
    "i64.trunc_f32_u" |a| a as u64;
    Truncate F64 I64:
    "i64.trunc_f64_s" |a| a as i64;
    "i64.trunc_f64_u" |a| a as u64;
};
