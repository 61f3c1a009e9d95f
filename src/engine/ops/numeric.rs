//! Numeric instructions. Spec: exec/numerics.html
//!
//! Rows: `Name "mnemonic" visit (operands) -> result { value }`. Operand and result types are Rust's; how they sit
//! in slots is `run::operand::Cell`'s business. `full` families get a handler for every combination of operand
//! classes, `small` ones for slot, accumulator and immediate only (pins are readable as slots).

use super::define_ops;

/// Integer operations without traps that real programs execute most: every operand class.
macro_rules! for_each_binary_full {
    ($mac:ident) => {
        $mac! {
            I32Add "i32.add" visit_i32_add (a: u32, b: u32) -> u32 { a.wrapping_add(b) }
            I32Sub "i32.sub" visit_i32_sub (a: u32, b: u32) -> u32 { a.wrapping_sub(b) }
            I32Mul "i32.mul" visit_i32_mul (a: u32, b: u32) -> u32 { a.wrapping_mul(b) }
            I32And "i32.and" visit_i32_and (a: u32, b: u32) -> u32 { a & b }
            I32Or "i32.or" visit_i32_or (a: u32, b: u32) -> u32 { a | b }
            I32Xor "i32.xor" visit_i32_xor (a: u32, b: u32) -> u32 { a ^ b }
            I32Shl "i32.shl" visit_i32_shl (a: u32, b: u32) -> u32 { a.wrapping_shl(b) }
            I32ShrS "i32.shr_s" visit_i32_shr_s (a: i32, b: u32) -> i32 { a.wrapping_shr(b) }
            I32ShrU "i32.shr_u" visit_i32_shr_u (a: u32, b: u32) -> u32 { a.wrapping_shr(b) }
            I64Add "i64.add" visit_i64_add (a: u64, b: u64) -> u64 { a.wrapping_add(b) }
            I64Sub "i64.sub" visit_i64_sub (a: u64, b: u64) -> u64 { a.wrapping_sub(b) }
            I64Mul "i64.mul" visit_i64_mul (a: u64, b: u64) -> u64 { a.wrapping_mul(b) }
            I64And "i64.and" visit_i64_and (a: u64, b: u64) -> u64 { a & b }
            I64Or "i64.or" visit_i64_or (a: u64, b: u64) -> u64 { a | b }
            I64Xor "i64.xor" visit_i64_xor (a: u64, b: u64) -> u64 { a ^ b }
            I64Shl "i64.shl" visit_i64_shl (a: u64, b: u64) -> u64 { a.wrapping_shl(b as u32) }
            I64ShrS "i64.shr_s" visit_i64_shr_s (a: i64, b: u64) -> i64 { a.wrapping_shr(b as u32) }
            I64ShrU "i64.shr_u" visit_i64_shr_u (a: u64, b: u64) -> u64 { a.wrapping_shr(b as u32) }
        }
    };
}
pub(crate) use for_each_binary_full;

/// Integer operations without traps, less frequent.
macro_rules! for_each_binary_small {
    ($mac:ident) => {
        $mac! {
            I32Rotl "i32.rotl" visit_i32_rotl (a: u32, b: u32) -> u32 { a.rotate_left(b & 31) }
            I32Rotr "i32.rotr" visit_i32_rotr (a: u32, b: u32) -> u32 { a.rotate_right(b & 31) }
            I64Rotl "i64.rotl" visit_i64_rotl (a: u64, b: u64) -> u64 { a.rotate_left(b as u32 & 63) }
            I64Rotr "i64.rotr" visit_i64_rotr (a: u64, b: u64) -> u64 { a.rotate_right(b as u32 & 63) }
        }
    };
}
pub(crate) use for_each_binary_small;

/// The operations above with their operands exchanged: made when the left operand is a constant.
/// `visit` names nothing: the translator chooses these.
macro_rules! for_each_binary_reversed {
    ($mac:ident) => {
        $mac! {
            I32SubFrom "i32.sub_from" none (a: u32, b: u32) -> u32 { b.wrapping_sub(a) }
            I64SubFrom "i64.sub_from" none (a: u64, b: u64) -> u64 { b.wrapping_sub(a) }
            I32ShlOf "i32.shl_of" none (a: u32, b: u32) -> u32 { b.wrapping_shl(a) }
            I64ShlOf "i64.shl_of" none (a: u64, b: u64) -> u64 { b.wrapping_shl(a as u32) }
        }
    };
}
pub(crate) use for_each_binary_reversed;

/// Integer comparisons. The order is used by [`CompareOp::negated`] and [`CompareOp::swapped`].
macro_rules! for_each_compare {
    ($mac:ident) => {
        $mac! {
            I32Eq "i32.eq" visit_i32_eq (a: u32, b: u32) -> bool { a == b }
            I32Ne "i32.ne" visit_i32_ne (a: u32, b: u32) -> bool { a != b }
            I32LtS "i32.lt_s" visit_i32_lt_s (a: i32, b: i32) -> bool { a < b }
            I32LtU "i32.lt_u" visit_i32_lt_u (a: u32, b: u32) -> bool { a < b }
            I32GtS "i32.gt_s" visit_i32_gt_s (a: i32, b: i32) -> bool { a > b }
            I32GtU "i32.gt_u" visit_i32_gt_u (a: u32, b: u32) -> bool { a > b }
            I32LeS "i32.le_s" visit_i32_le_s (a: i32, b: i32) -> bool { a <= b }
            I32LeU "i32.le_u" visit_i32_le_u (a: u32, b: u32) -> bool { a <= b }
            I32GeS "i32.ge_s" visit_i32_ge_s (a: i32, b: i32) -> bool { a >= b }
            I32GeU "i32.ge_u" visit_i32_ge_u (a: u32, b: u32) -> bool { a >= b }
            I64Eq "i64.eq" visit_i64_eq (a: u64, b: u64) -> bool { a == b }
            I64Ne "i64.ne" visit_i64_ne (a: u64, b: u64) -> bool { a != b }
            I64LtS "i64.lt_s" visit_i64_lt_s (a: i64, b: i64) -> bool { a < b }
            I64LtU "i64.lt_u" visit_i64_lt_u (a: u64, b: u64) -> bool { a < b }
            I64GtS "i64.gt_s" visit_i64_gt_s (a: i64, b: i64) -> bool { a > b }
            I64GtU "i64.gt_u" visit_i64_gt_u (a: u64, b: u64) -> bool { a > b }
            I64LeS "i64.le_s" visit_i64_le_s (a: i64, b: i64) -> bool { a <= b }
            I64LeU "i64.le_u" visit_i64_le_u (a: u64, b: u64) -> bool { a <= b }
            I64GeS "i64.ge_s" visit_i64_ge_s (a: i64, b: i64) -> bool { a >= b }
            I64GeU "i64.ge_u" visit_i64_ge_u (a: u64, b: u64) -> bool { a >= b }
            I32Test "i32.test" none (a: u32, b: u32) -> bool { a & b != 0 }
            I32TestZ "i32.test_z" none (a: u32, b: u32) -> bool { a & b == 0 }
            I64Test "i64.test" none (a: u64, b: u64) -> bool { a & b != 0 }
            I64TestZ "i64.test_z" none (a: u64, b: u64) -> bool { a & b == 0 }
        }
    };
}
pub(crate) use for_each_compare;

/// Integer divisions: an error is the trap.
macro_rules! for_each_division {
    ($mac:ident) => {
        $mac! {
            I32DivS "i32.div_s" visit_i32_div_s (a: i32, b: i32) -> i32 { num::i32_div_s(a, b) }
            I32DivU "i32.div_u" visit_i32_div_u (a: u32, b: u32) -> u32 { num::u32_div(a, b) }
            I32RemS "i32.rem_s" visit_i32_rem_s (a: i32, b: i32) -> i32 { num::i32_rem_s(a, b) }
            I32RemU "i32.rem_u" visit_i32_rem_u (a: u32, b: u32) -> u32 { num::u32_rem(a, b) }
            I64DivS "i64.div_s" visit_i64_div_s (a: i64, b: i64) -> i64 { num::i64_div_s(a, b) }
            I64DivU "i64.div_u" visit_i64_div_u (a: u64, b: u64) -> u64 { num::u64_div(a, b) }
            I64RemS "i64.rem_s" visit_i64_rem_s (a: i64, b: i64) -> i64 { num::i64_rem_s(a, b) }
            I64RemU "i64.rem_u" visit_i64_rem_u (a: u64, b: u64) -> u64 { num::u64_rem(a, b) }
        }
    };
}
pub(crate) use for_each_division;

/// Integer operations with a result of 128 bits: two slots, the lower half first. The number is that of operands, which
/// `x` gives; those of 128 bits are two. First the lower half is computed, with what the upper one then needs of it.
macro_rules! for_each_wide {
    ($mac:ident) => {
        $mac! {
            I64Add128 "i64.add128" visit_i64_add128 4 (x, carry) {
                let (low, carry) = x(0).overflowing_add(x(2));
                (low, carry as u64)
            } { carry.wrapping_add(x(1)).wrapping_add(x(3)) }
            I64Sub128 "i64.sub128" visit_i64_sub128 4 (x, borrow) {
                let (low, borrow) = x(0).overflowing_sub(x(2));
                (low, borrow as u64)
            } { x(1).wrapping_sub(x(3)).wrapping_sub(borrow) }
            I64MulWideS "i64.mul_wide_s" visit_i64_mul_wide_s 2 (x, high) {
                let product = x(0) as i64 as i128 * x(1) as i64 as i128;
                (product as u64, (product >> 64) as u64)
            } { high }
            I64MulWideU "i64.mul_wide_u" visit_i64_mul_wide_u 2 (x, high) {
                let product = x(0) as u128 * x(1) as u128;
                (product as u64, (product >> 64) as u64)
            } { high }
        }
    };
}
pub(crate) use for_each_wide;

/// One integer in, one integer out. `I64ToIndex` makes an index of 64 bits one of 32: what does not fit is outside of
/// every table.
macro_rules! for_each_unary {
    ($mac:ident) => {
        $mac! {
            I32Clz "i32.clz" visit_i32_clz I32 I32 (a: u32) -> u32 { a.leading_zeros() }
            I32Ctz "i32.ctz" visit_i32_ctz I32 I32 (a: u32) -> u32 { a.trailing_zeros() }
            I32Popcnt "i32.popcnt" visit_i32_popcnt I32 I32 (a: u32) -> u32 { a.count_ones() }
            I32Extend8S "i32.extend8_s" visit_i32_extend8_s I32 I32 (a: u32) -> i32 { a as i8 as i32 }
            I32Extend16S "i32.extend16_s" visit_i32_extend16_s I32 I32 (a: u32) -> i32 { a as i16 as i32 }
            I64Clz "i64.clz" visit_i64_clz I64 I64 (a: u64) -> u64 { a.leading_zeros() as u64 }
            I64Ctz "i64.ctz" visit_i64_ctz I64 I64 (a: u64) -> u64 { a.trailing_zeros() as u64 }
            I64Popcnt "i64.popcnt" visit_i64_popcnt I64 I64 (a: u64) -> u64 { a.count_ones() as u64 }
            I64Extend8S "i64.extend8_s" visit_i64_extend8_s I64 I64 (a: u64) -> i64 { a as i8 as i64 }
            I64Extend16S "i64.extend16_s" visit_i64_extend16_s I64 I64 (a: u64) -> i64 { a as i16 as i64 }
            I64Extend32S "i64.extend32_s" visit_i64_extend32_s I64 I64 (a: u64) -> i64 { a as i32 as i64 }
            I32WrapI64 "i32.wrap_i64" visit_i32_wrap_i64 I64 I32 (a: u64) -> u32 { a as u32 }
            I64ExtendI32S "i64.extend_i32_s" visit_i64_extend_i32_s I32 I64 (a: u32) -> i64 { a as i32 as i64 }
            I64ExtendI32U "i64.extend_i32_u" visit_i64_extend_i32_u I32 I64 (a: u32) -> u64 { a as u64 }
            I64ToIndex "i64.to_index" none I64 I32 (a: u64) -> u32 { if a > u32::MAX as u64 { u32::MAX } else { a as u32 } }
        }
    };
}
pub(crate) use for_each_unary;

/// `f64` arithmetic. The first four get every operand class.
macro_rules! for_each_f64_binary_full {
    ($mac:ident) => {
        $mac! {
            F64Add "f64.add" visit_f64_add (a, b) { a + b }
            F64Sub "f64.sub" visit_f64_sub (a, b) { a - b }
            F64Mul "f64.mul" visit_f64_mul (a, b) { a * b }
            F64Div "f64.div" visit_f64_div (a, b) { a / b }
        }
    };
}
pub(crate) use for_each_f64_binary_full;
macro_rules! for_each_f64_binary_small {
    ($mac:ident) => {
        $mac! {
            F64Min "f64.min" visit_f64_min (a, b) { num::f64_min(a, b) }
            F64Max "f64.max" visit_f64_max (a, b) { num::f64_max(a, b) }
            F64Copysign "f64.copysign" visit_f64_copysign (a, b) { num::f64_copysign(a, b) }
        }
    };
}
pub(crate) use for_each_f64_binary_small;
macro_rules! for_each_f32_binary_full {
    ($mac:ident) => {
        $mac! {
            F32Add "f32.add" visit_f32_add (a, b) { a + b }
            F32Sub "f32.sub" visit_f32_sub (a, b) { a - b }
            F32Mul "f32.mul" visit_f32_mul (a, b) { a * b }
            F32Div "f32.div" visit_f32_div (a, b) { a / b }
        }
    };
}
pub(crate) use for_each_f32_binary_full;
macro_rules! for_each_f32_binary_small {
    ($mac:ident) => {
        $mac! {
            F32Min "f32.min" visit_f32_min (a, b) { num::f32_min(a, b) }
            F32Max "f32.max" visit_f32_max (a, b) { num::f32_max(a, b) }
            F32Copysign "f32.copysign" visit_f32_copysign (a, b) { num::f32_copysign(a, b) }
        }
    };
}
pub(crate) use for_each_f32_binary_small;

/// The last row of these two has no visit: the translator writes it after each instruction whose result may be a NaN, if
/// [`Config::canonical_nans`](crate::Config::canonical_nans) is set.
macro_rules! for_each_f64_unary {
    ($mac:ident) => {
        $mac! {
            F64Abs "f64.abs" visit_f64_abs (a) { num::f64_abs(a) }
            F64Neg "f64.neg" visit_f64_neg (a) { num::f64_neg(a) }
            F64Ceil "f64.ceil" visit_f64_ceil (a) { num::f64_ceil(a) }
            F64Floor "f64.floor" visit_f64_floor (a) { num::f64_floor(a) }
            F64Trunc "f64.trunc" visit_f64_trunc (a) { num::f64_trunc(a) }
            F64Nearest "f64.nearest" visit_f64_nearest (a) { num::f64_nearest(a) }
            F64Sqrt "f64.sqrt" visit_f64_sqrt (a) { a.sqrt() }
            F64Canonical "f64.canonical" none (a) { num::f64_canonical(a) }
        }
    };
}
pub(crate) use for_each_f64_unary;
macro_rules! for_each_f32_unary {
    ($mac:ident) => {
        $mac! {
            F32Abs "f32.abs" visit_f32_abs (a) { num::f32_abs(a) }
            F32Neg "f32.neg" visit_f32_neg (a) { num::f32_neg(a) }
            F32Ceil "f32.ceil" visit_f32_ceil (a) { num::f32_ceil(a) }
            F32Floor "f32.floor" visit_f32_floor (a) { num::f32_floor(a) }
            F32Trunc "f32.trunc" visit_f32_trunc (a) { num::f32_trunc(a) }
            F32Nearest "f32.nearest" visit_f32_nearest (a) { num::f32_nearest(a) }
            F32Sqrt "f32.sqrt" visit_f32_sqrt (a) { a.sqrt() }
            F32Canonical "f32.canonical" none (a) { num::f32_canonical(a) }
        }
    };
}
pub(crate) use for_each_f32_unary;

/// Float comparisons: the same six for both widths. A branch also exists negated, because with NaN `!(a < b)` is
/// not `a >= b`.
macro_rules! for_each_float_compare {
    ($mac:ident) => {
        $mac! {
            Eq "eq" visit_f32_eq visit_f64_eq (a, b) { a == b }
            Ne "ne" visit_f32_ne visit_f64_ne (a, b) { a != b }
            Lt "lt" visit_f32_lt visit_f64_lt (a, b) { a < b }
            Gt "gt" visit_f32_gt visit_f64_gt (a, b) { a > b }
            Le "le" visit_f32_le visit_f64_le (a, b) { a <= b }
            Ge "ge" visit_f32_ge visit_f64_ge (a, b) { a >= b }
        }
    };
}
pub(crate) use for_each_float_compare;

/// Conversions between banks: `Name "mnemonic" visit from -> to bank` with the value. Those of the family `try`
/// trap by their error.
macro_rules! for_each_convert {
    ($mac:ident) => { $mac! {
        F64ConvertI32S "f64.convert_i32_s" visit_f64_convert_i32_s Int I32 => F64 F64 (a) { a as u32 as i32 as f64 }
        F64ConvertI32U "f64.convert_i32_u" visit_f64_convert_i32_u Int I32 => F64 F64 (a) { a as u32 as f64 }
        F64ConvertI64S "f64.convert_i64_s" visit_f64_convert_i64_s Int I64 => F64 F64 (a) { a as i64 as f64 }
        F64ConvertI64U "f64.convert_i64_u" visit_f64_convert_i64_u Int I64 => F64 F64 (a) { a as f64 }
        F32ConvertI32S "f32.convert_i32_s" visit_f32_convert_i32_s Int I32 => F32 F32 (a) { a as u32 as i32 as f32 }
        F32ConvertI32U "f32.convert_i32_u" visit_f32_convert_i32_u Int I32 => F32 F32 (a) { a as u32 as f32 }
        F32ConvertI64S "f32.convert_i64_s" visit_f32_convert_i64_s Int I64 => F32 F32 (a) { a as i64 as f32 }
        F32ConvertI64U "f32.convert_i64_u" visit_f32_convert_i64_u Int I64 => F32 F32 (a) { a as f32 }
        F64PromoteF32 "f64.promote_f32" visit_f64_promote_f32 F32 F32 => F64 F64 (a) { num::promote(a) }
        F32DemoteF64 "f32.demote_f64" visit_f32_demote_f64 F64 F64 => F32 F32 (a) { num::demote(a) }
        I32ReinterpretF32 "i32.reinterpret_f32" visit_i32_reinterpret_f32 F32 F32 => Int I32 (a) { a.to_bits() as u64 }
        I64ReinterpretF64 "i64.reinterpret_f64" visit_i64_reinterpret_f64 F64 F64 => Int I64 (a) { a.to_bits() }
        F32ReinterpretI32 "f32.reinterpret_i32" visit_f32_reinterpret_i32 Int I32 => F32 F32 (a) { f32::from_bits(a as u32) }
        F64ReinterpretI64 "f64.reinterpret_i64" visit_f64_reinterpret_i64 Int I64 => F64 F64 (a) { f64::from_bits(a) }
        I32TruncSatF32S "i32.trunc_sat_f32_s" visit_i32_trunc_sat_f32_s F32 F32 => Int I32 (a) { a as i32 as u32 as u64 }
        I32TruncSatF32U "i32.trunc_sat_f32_u" visit_i32_trunc_sat_f32_u F32 F32 => Int I32 (a) { a as u32 as u64 }
        I32TruncSatF64S "i32.trunc_sat_f64_s" visit_i32_trunc_sat_f64_s F64 F64 => Int I32 (a) { a as i32 as u32 as u64 }
        I32TruncSatF64U "i32.trunc_sat_f64_u" visit_i32_trunc_sat_f64_u F64 F64 => Int I32 (a) { a as u32 as u64 }
        I64TruncSatF32S "i64.trunc_sat_f32_s" visit_i64_trunc_sat_f32_s F32 F32 => Int I64 (a) { a as i64 as u64 }
        I64TruncSatF32U "i64.trunc_sat_f32_u" visit_i64_trunc_sat_f32_u F32 F32 => Int I64 (a) { a as u64 }
        I64TruncSatF64S "i64.trunc_sat_f64_s" visit_i64_trunc_sat_f64_s F64 F64 => Int I64 (a) { a as i64 as u64 }
        I64TruncSatF64U "i64.trunc_sat_f64_u" visit_i64_trunc_sat_f64_u F64 F64 => Int I64 (a) { a as u64 }
    } };
}
pub(crate) use for_each_convert;

/// Float to integer with traps. Spec: exec/numerics.html#op-trunc-u
macro_rules! for_each_truncate {
    ($mac:ident) => {
        $mac! {
            I32TruncF32S "i32.trunc_f32_s" visit_i32_trunc_f32_s F32 F32 => Int I32 (a) { num::f32_to_i32(a) }
            I32TruncF32U "i32.trunc_f32_u" visit_i32_trunc_f32_u F32 F32 => Int I32 (a) { num::f32_to_u32(a) }
            I32TruncF64S "i32.trunc_f64_s" visit_i32_trunc_f64_s F64 F64 => Int I32 (a) { num::f64_to_i32(a) }
            I32TruncF64U "i32.trunc_f64_u" visit_i32_trunc_f64_u F64 F64 => Int I32 (a) { num::f64_to_u32(a) }
            I64TruncF32S "i64.trunc_f32_s" visit_i64_trunc_f32_s F32 F32 => Int I64 (a) { num::f32_to_i64(a) }
            I64TruncF32U "i64.trunc_f32_u" visit_i64_trunc_f32_u F32 F32 => Int I64 (a) { num::f32_to_u64(a) }
            I64TruncF64S "i64.trunc_f64_s" visit_i64_trunc_f64_s F64 F64 => Int I64 (a) { num::f64_to_i64(a) }
            I64TruncF64U "i64.trunc_f64_u" visit_i64_trunc_f64_u F64 F64 => Int I64 (a) { num::f64_to_u64(a) }
        }
    };
}
pub(crate) use for_each_truncate;

// ---- enums ---------------------------------------------------------------------------------------------------

macro_rules! binary_enum {
    ($enum:ident: $($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        define_ops! { $enum: $($name $text)* }
    };
}
macro_rules! full { ($($t:tt)*) => { binary_enum! { BinaryOp: $($t)* } } }
for_each_binary_full!(full);
macro_rules! small { ($($t:tt)*) => { binary_enum! { SmallOp: $($t)* } } }
for_each_binary_small!(small);
macro_rules! reversed { ($($t:tt)*) => { binary_enum! { ReversedOp: $($t)* } } }
for_each_binary_reversed!(reversed);
macro_rules! compare { ($($t:tt)*) => { binary_enum! { CompareOp: $($t)* } } }
for_each_compare!(compare);
macro_rules! division { ($($t:tt)*) => { binary_enum! { DivisionOp: $($t)* } } }
for_each_division!(division);
macro_rules! wide {
    ($($name:ident $text:literal $visit:ident $count:literal $x:tt $low:block $high:block)*) => {
        define_ops! { WideOp: $($name $text)* }
    };
}
for_each_wide!(wide);
macro_rules! unary {
    ($($name:ident $text:literal $visit:ident $from:ident $to:ident $args:tt -> $r:ty $body:block)*) => {
        define_ops! { UnaryOp: $($name $text)* }
    };
}
for_each_unary!(unary);
macro_rules! float_enum {
    ($enum:ident: $($name:ident $text:literal $visit:ident $args:tt $body:block)*) => {
        define_ops! { $enum: $($name $text)* }
    };
}
macro_rules! f64_full { ($($t:tt)*) => { float_enum! { F64Op: $($t)* } } }
for_each_f64_binary_full!(f64_full);
macro_rules! f64_small { ($($t:tt)*) => { float_enum! { F64SmallOp: $($t)* } } }
for_each_f64_binary_small!(f64_small);
macro_rules! f32_full { ($($t:tt)*) => { float_enum! { F32Op: $($t)* } } }
for_each_f32_binary_full!(f32_full);
macro_rules! f32_small { ($($t:tt)*) => { float_enum! { F32SmallOp: $($t)* } } }
for_each_f32_binary_small!(f32_small);
macro_rules! f64_unary { ($($t:tt)*) => { float_enum! { F64UnaryOp: $($t)* } } }
for_each_f64_unary!(f64_unary);
macro_rules! f32_unary { ($($t:tt)*) => { float_enum! { F32UnaryOp: $($t)* } } }
for_each_f32_unary!(f32_unary);
macro_rules! float_compare {
    ($($name:ident $text:literal $v32:ident $v64:ident $args:tt $body:block)*) => {
        define_ops! { FloatCompareOp: $($name $text)* }
    };
}
for_each_float_compare!(float_compare);
macro_rules! convert_enum {
    ($enum:ident: $($name:ident $text:literal $visit:ident $fb:ident $ft:ident => $tb:ident $tt:ident $args:tt $body:block)*) => {
        define_ops! { $enum: $($name $text)* }
        impl $enum {
            /// The banks of operand and result.
            pub(crate) fn banks(self) -> (Bank, Bank) { match self { $($enum::$name => (Bank::$fb, Bank::$tb)),* } }
        }
    };
}
macro_rules! convert { ($($t:tt)*) => { convert_enum! { ConvertOp: $($t)* } } }
for_each_convert!(convert);
macro_rules! truncate { ($($t:tt)*) => { convert_enum! { TruncateOp: $($t)* } } }
for_each_truncate!(truncate);

/// Which machine registers a value may live in: each bank has an accumulator and pins of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bank {
    /// i32, i64 and references.
    Int = 0,
    F32 = 1,
    F64 = 2,
    /// v128, which has neither accumulator nor pins.
    V128 = 3,
}

impl CompareOp {
    const ALL: [CompareOp; 20] = {
        use CompareOp::*;
        [
            I32Eq, I32Ne, I32LtS, I32LtU, I32GtS, I32GtU, I32LeS, I32LeU, I32GeS, I32GeU, I64Eq, I64Ne, I64LtS, I64LtU,
            I64GtS, I64GtU, I64LeS, I64LeU, I64GeS, I64GeU,
        ]
    };

    /// Whether it is one of the ten comparisons of i32, which come first.
    pub(crate) fn of_i32(self) -> bool {
        (self as usize) < Self::OF_I32
    }
    pub(crate) const OF_I32: usize = 10;

    /// The comparison that holds exactly when this one does not.
    pub(crate) fn negated(self) -> CompareOp {
        match self {
            CompareOp::I32Test => CompareOp::I32TestZ,
            CompareOp::I32TestZ => CompareOp::I32Test,
            CompareOp::I64Test => CompareOp::I64TestZ,
            CompareOp::I64TestZ => CompareOp::I64Test,
            op => {
                // eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u
                const TO: [usize; 10] = [1, 0, 8, 9, 6, 7, 4, 5, 2, 3];
                let at = op as usize;
                Self::ALL[at / 10 * 10 + TO[at % 10]]
            }
        }
    }

    /// The comparison with its operands exchanged.
    pub(crate) fn swapped(self) -> CompareOp {
        match self {
            CompareOp::I32Test | CompareOp::I32TestZ | CompareOp::I64Test | CompareOp::I64TestZ => self,
            op => {
                const TO: [usize; 10] = [0, 1, 4, 5, 2, 3, 8, 9, 6, 7];
                let at = op as usize;
                Self::ALL[at / 10 * 10 + TO[at % 10]]
            }
        }
    }
}

impl BinaryOp {
    /// Subtracting this constant as an addition, of which more is known to the translator.
    pub(crate) fn subtracts(self, value: u64) -> Option<(BinaryOp, u64)> {
        match self {
            BinaryOp::I32Sub => Some((BinaryOp::I32Add, (value as u32).wrapping_neg() as u64)),
            BinaryOp::I64Sub => Some((BinaryOp::I64Add, value.wrapping_neg())),
            _ => None,
        }
    }

    /// Whether it reads no more than the lower halves of its operands.
    pub(crate) fn of_i32(self) -> bool {
        (self as usize) < BinaryOp::I64Add as usize
    }

    pub(crate) fn commutes(self) -> bool {
        use BinaryOp::*;
        matches!(
            self,
            I32Add | I32Mul | I32And | I32Or | I32Xor | I64Add | I64Mul | I64And | I64Or | I64Xor
        )
    }

    /// The operation that takes the constant left operand on the right.
    pub(crate) fn reversed(self) -> Option<ReversedOp> {
        Some(match self {
            BinaryOp::I32Sub => ReversedOp::I32SubFrom,
            BinaryOp::I64Sub => ReversedOp::I64SubFrom,
            BinaryOp::I32Shl => ReversedOp::I32ShlOf,
            BinaryOp::I64Shl => ReversedOp::I64ShlOf,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negating_and_swapping_twice_is_the_same_comparison() {
        for op in CompareOp::ALL {
            assert_eq!(op.negated().negated(), op);
            assert_eq!(op.swapped().swapped(), op);
        }
        assert_eq!(CompareOp::I32LtS.negated(), CompareOp::I32GeS);
        assert_eq!(CompareOp::I64GtU.negated(), CompareOp::I64LeU);
        assert_eq!(CompareOp::I64LeU.swapped(), CompareOp::I64GeU);
    }
}
