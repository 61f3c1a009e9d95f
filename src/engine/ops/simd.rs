//! Vector instructions. Spec: exec/instructions.html#vector-instructions
//!
//! Rows: `Name "mnemonic" visit (operands) -> result { value }`, with lanes as arrays. `H` is the host the handler is made
//! for: see `lanes::Host`. Relaxed instructions do the same on every host; where the choice is not that of their strict
//! counterpart, the row says which it is.

use super::{Bank, LoadOp, define_ops};

/// One vector in, one out. Rows without a visit make NaNs canonical: see `for_each_f64_unary`.
macro_rules! for_each_vector_unary {
    ($mac:ident) => {
        $mac! {
            V128Not "v128.not" visit_v128_not (a: U64x2) -> U64x2 { map(a, |a| !a) }
            I8x16Abs "i8x16.abs" visit_i8x16_abs (a: I8x16) -> I8x16 { map(a, i8::wrapping_abs) }
            I8x16Neg "i8x16.neg" visit_i8x16_neg (a: I8x16) -> I8x16 { map(a, i8::wrapping_neg) }
            I8x16Popcnt "i8x16.popcnt" visit_i8x16_popcnt (a: U8x16) -> U8x16 { map(a, |a| a.count_ones() as u8) }
            I16x8Abs "i16x8.abs" visit_i16x8_abs (a: I16x8) -> I16x8 { map(a, i16::wrapping_abs) }
            I16x8Neg "i16x8.neg" visit_i16x8_neg (a: I16x8) -> I16x8 { map(a, i16::wrapping_neg) }
            I32x4Abs "i32x4.abs" visit_i32x4_abs (a: I32x4) -> I32x4 { map(a, i32::wrapping_abs) }
            I32x4Neg "i32x4.neg" visit_i32x4_neg (a: I32x4) -> I32x4 { map(a, i32::wrapping_neg) }
            I64x2Abs "i64x2.abs" visit_i64x2_abs (a: I64x2) -> I64x2 { map(a, i64::wrapping_abs) }
            I64x2Neg "i64x2.neg" visit_i64x2_neg (a: I64x2) -> I64x2 { map(a, i64::wrapping_neg) }
            I16x8ExtaddPairwiseI8x16S "i16x8.extadd_pairwise_i8x16_s" visit_i16x8_extadd_pairwise_i8x16_s
                (a: I8x16) -> I16x8 { pairwise(a, |a, b| a as i16 + b as i16) }
            I16x8ExtaddPairwiseI8x16U "i16x8.extadd_pairwise_i8x16_u" visit_i16x8_extadd_pairwise_i8x16_u
                (a: U8x16) -> U16x8 { pairwise(a, |a, b| a as u16 + b as u16) }
            I32x4ExtaddPairwiseI16x8S "i32x4.extadd_pairwise_i16x8_s" visit_i32x4_extadd_pairwise_i16x8_s
                (a: I16x8) -> I32x4 { pairwise(a, |a, b| a as i32 + b as i32) }
            I32x4ExtaddPairwiseI16x8U "i32x4.extadd_pairwise_i16x8_u" visit_i32x4_extadd_pairwise_i16x8_u
                (a: U16x8) -> U32x4 { pairwise(a, |a, b| a as u32 + b as u32) }
            I16x8ExtendLowI8x16S "i16x8.extend_low_i8x16_s" visit_i16x8_extend_low_i8x16_s (a: I8x16) -> I16x8 { low(a, |a| a as i16) }
            I16x8ExtendHighI8x16S "i16x8.extend_high_i8x16_s" visit_i16x8_extend_high_i8x16_s (a: I8x16) -> I16x8 { high(a, |a| a as i16) }
            I16x8ExtendLowI8x16U "i16x8.extend_low_i8x16_u" visit_i16x8_extend_low_i8x16_u (a: U8x16) -> U16x8 { low(a, |a| a as u16) }
            I16x8ExtendHighI8x16U "i16x8.extend_high_i8x16_u" visit_i16x8_extend_high_i8x16_u (a: U8x16) -> U16x8 { high(a, |a| a as u16) }
            I32x4ExtendLowI16x8S "i32x4.extend_low_i16x8_s" visit_i32x4_extend_low_i16x8_s (a: I16x8) -> I32x4 { low(a, |a| a as i32) }
            I32x4ExtendHighI16x8S "i32x4.extend_high_i16x8_s" visit_i32x4_extend_high_i16x8_s (a: I16x8) -> I32x4 { high(a, |a| a as i32) }
            I32x4ExtendLowI16x8U "i32x4.extend_low_i16x8_u" visit_i32x4_extend_low_i16x8_u (a: U16x8) -> U32x4 { low(a, |a| a as u32) }
            I32x4ExtendHighI16x8U "i32x4.extend_high_i16x8_u" visit_i32x4_extend_high_i16x8_u (a: U16x8) -> U32x4 { high(a, |a| a as u32) }
            I64x2ExtendLowI32x4S "i64x2.extend_low_i32x4_s" visit_i64x2_extend_low_i32x4_s (a: I32x4) -> I64x2 { low(a, |a| a as i64) }
            I64x2ExtendHighI32x4S "i64x2.extend_high_i32x4_s" visit_i64x2_extend_high_i32x4_s (a: I32x4) -> I64x2 { high(a, |a| a as i64) }
            I64x2ExtendLowI32x4U "i64x2.extend_low_i32x4_u" visit_i64x2_extend_low_i32x4_u (a: U32x4) -> U64x2 { low(a, |a| a as u64) }
            I64x2ExtendHighI32x4U "i64x2.extend_high_i32x4_u" visit_i64x2_extend_high_i32x4_u (a: U32x4) -> U64x2 { high(a, |a| a as u64) }
            F32x4Ceil "f32x4.ceil" visit_f32x4_ceil (a: F32x4) -> F32x4 { f32_ceil::<H>(a) }
            F32x4Floor "f32x4.floor" visit_f32x4_floor (a: F32x4) -> F32x4 { f32_floor::<H>(a) }
            F32x4Trunc "f32x4.trunc" visit_f32x4_trunc (a: F32x4) -> F32x4 { f32_trunc::<H>(a) }
            F32x4Nearest "f32x4.nearest" visit_f32x4_nearest (a: F32x4) -> F32x4 { f32_nearest::<H>(a) }
            F32x4Abs "f32x4.abs" visit_f32x4_abs (a: F32x4) -> F32x4 { map(a, f32::abs) }
            F32x4Neg "f32x4.neg" visit_f32x4_neg (a: F32x4) -> F32x4 { map(a, |a| -a) }
            F32x4Sqrt "f32x4.sqrt" visit_f32x4_sqrt (a: F32x4) -> F32x4 { map(a, f32::sqrt) }
            F64x2Ceil "f64x2.ceil" visit_f64x2_ceil (a: F64x2) -> F64x2 { f64_ceil::<H>(a) }
            F64x2Floor "f64x2.floor" visit_f64x2_floor (a: F64x2) -> F64x2 { f64_floor::<H>(a) }
            F64x2Trunc "f64x2.trunc" visit_f64x2_trunc (a: F64x2) -> F64x2 { f64_trunc::<H>(a) }
            F64x2Nearest "f64x2.nearest" visit_f64x2_nearest (a: F64x2) -> F64x2 { f64_nearest::<H>(a) }
            F64x2Abs "f64x2.abs" visit_f64x2_abs (a: F64x2) -> F64x2 { map(a, f64::abs) }
            F64x2Neg "f64x2.neg" visit_f64x2_neg (a: F64x2) -> F64x2 { map(a, |a| -a) }
            F64x2Sqrt "f64x2.sqrt" visit_f64x2_sqrt (a: F64x2) -> F64x2 { map(a, f64::sqrt) }
            I32x4TruncSatF32x4S "i32x4.trunc_sat_f32x4_s" visit_i32x4_trunc_sat_f32x4_s (a: F32x4) -> I32x4 { trunc_sat_s(a) }
            I32x4TruncSatF32x4U "i32x4.trunc_sat_f32x4_u" visit_i32x4_trunc_sat_f32x4_u (a: F32x4) -> U32x4 { trunc_sat_u(a) }
            F32x4ConvertI32x4S "f32x4.convert_i32x4_s" visit_f32x4_convert_i32x4_s (a: I32x4) -> F32x4 { map(a, |a| a as f32) }
            F32x4ConvertI32x4U "f32x4.convert_i32x4_u" visit_f32x4_convert_i32x4_u (a: U32x4) -> F32x4 { map(a, |a| a as f32) }
            I32x4TruncSatF64x2SZero "i32x4.trunc_sat_f64x2_s_zero" visit_i32x4_trunc_sat_f64x2_s_zero
                (a: F64x2) -> I32x4 { low_then_zero(a, |a| a as i32) }
            I32x4TruncSatF64x2UZero "i32x4.trunc_sat_f64x2_u_zero" visit_i32x4_trunc_sat_f64x2_u_zero
                (a: F64x2) -> U32x4 { low_then_zero(a, |a| a as u32) }
            F64x2ConvertLowI32x4S "f64x2.convert_low_i32x4_s" visit_f64x2_convert_low_i32x4_s (a: I32x4) -> F64x2 { low(a, |a| a as f64) }
            F64x2ConvertLowI32x4U "f64x2.convert_low_i32x4_u" visit_f64x2_convert_low_i32x4_u (a: U32x4) -> F64x2 { low(a, |a| a as f64) }
            F32x4DemoteF64x2Zero "f32x4.demote_f64x2_zero" visit_f32x4_demote_f64x2_zero
                (a: F64x2) -> F32x4 { low_then_zero(a, |a| a as f32) }
            F64x2PromoteLowF32x4 "f64x2.promote_low_f32x4" visit_f64x2_promote_low_f32x4 (a: F32x4) -> F64x2 { low(a, |a| a as f64) }
            I32x4RelaxedTruncF32x4S "i32x4.relaxed_trunc_f32x4_s" visit_i32x4_relaxed_trunc_f32x4_s (a: F32x4) -> I32x4 { trunc_sat_s(a) }
            I32x4RelaxedTruncF32x4U "i32x4.relaxed_trunc_f32x4_u" visit_i32x4_relaxed_trunc_f32x4_u (a: F32x4) -> U32x4 { trunc_sat_u(a) }
            I32x4RelaxedTruncF64x2SZero "i32x4.relaxed_trunc_f64x2_s_zero" visit_i32x4_relaxed_trunc_f64x2_s_zero
                (a: F64x2) -> I32x4 { low_then_zero(a, |a| a as i32) }
            I32x4RelaxedTruncF64x2UZero "i32x4.relaxed_trunc_f64x2_u_zero" visit_i32x4_relaxed_trunc_f64x2_u_zero
                (a: F64x2) -> U32x4 { low_then_zero(a, |a| a as u32) }
            F32x4Canonical "f32x4.canonical" none (a: F32x4) -> F32x4 { map(a, num::f32_canonical) }
            F64x2Canonical "f64x2.canonical" none (a: F64x2) -> F64x2 { map(a, num::f64_canonical) }
        }
    };
}
pub(crate) use for_each_vector_unary;

/// Two vectors in, one out. Relaxed `min` and `max` are `pmin` and `pmax`.
macro_rules! for_each_vector_binary {
    ($mac:ident) => {
        $mac! {
            I8x16Eq "i8x16.eq" visit_i8x16_eq (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, |a, b| -((a == b) as i8)) }
            I8x16Ne "i8x16.ne" visit_i8x16_ne (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, |a, b| -((a != b) as i8)) }
            I8x16LtS "i8x16.lt_s" visit_i8x16_lt_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, |a, b| -((a < b) as i8)) }
            I8x16LtU "i8x16.lt_u" visit_i8x16_lt_u (a: U8x16, b: U8x16) -> I8x16 { zip(a, b, |a, b| -((a < b) as i8)) }
            I8x16GtS "i8x16.gt_s" visit_i8x16_gt_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, |a, b| -((a > b) as i8)) }
            I8x16GtU "i8x16.gt_u" visit_i8x16_gt_u (a: U8x16, b: U8x16) -> I8x16 { zip(a, b, |a, b| -((a > b) as i8)) }
            I8x16LeS "i8x16.le_s" visit_i8x16_le_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, |a, b| -((a <= b) as i8)) }
            I8x16LeU "i8x16.le_u" visit_i8x16_le_u (a: U8x16, b: U8x16) -> I8x16 { zip(a, b, |a, b| -((a <= b) as i8)) }
            I8x16GeS "i8x16.ge_s" visit_i8x16_ge_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, |a, b| -((a >= b) as i8)) }
            I8x16GeU "i8x16.ge_u" visit_i8x16_ge_u (a: U8x16, b: U8x16) -> I8x16 { zip(a, b, |a, b| -((a >= b) as i8)) }
            I16x8Eq "i16x8.eq" visit_i16x8_eq (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, |a, b| -((a == b) as i16)) }
            I16x8Ne "i16x8.ne" visit_i16x8_ne (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, |a, b| -((a != b) as i16)) }
            I16x8LtS "i16x8.lt_s" visit_i16x8_lt_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, |a, b| -((a < b) as i16)) }
            I16x8LtU "i16x8.lt_u" visit_i16x8_lt_u (a: U16x8, b: U16x8) -> I16x8 { zip(a, b, |a, b| -((a < b) as i16)) }
            I16x8GtS "i16x8.gt_s" visit_i16x8_gt_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, |a, b| -((a > b) as i16)) }
            I16x8GtU "i16x8.gt_u" visit_i16x8_gt_u (a: U16x8, b: U16x8) -> I16x8 { zip(a, b, |a, b| -((a > b) as i16)) }
            I16x8LeS "i16x8.le_s" visit_i16x8_le_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, |a, b| -((a <= b) as i16)) }
            I16x8LeU "i16x8.le_u" visit_i16x8_le_u (a: U16x8, b: U16x8) -> I16x8 { zip(a, b, |a, b| -((a <= b) as i16)) }
            I16x8GeS "i16x8.ge_s" visit_i16x8_ge_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, |a, b| -((a >= b) as i16)) }
            I16x8GeU "i16x8.ge_u" visit_i16x8_ge_u (a: U16x8, b: U16x8) -> I16x8 { zip(a, b, |a, b| -((a >= b) as i16)) }
            I32x4Eq "i32x4.eq" visit_i32x4_eq (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, |a, b| -((a == b) as i32)) }
            I32x4Ne "i32x4.ne" visit_i32x4_ne (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, |a, b| -((a != b) as i32)) }
            I32x4LtS "i32x4.lt_s" visit_i32x4_lt_s (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, |a, b| -((a < b) as i32)) }
            I32x4LtU "i32x4.lt_u" visit_i32x4_lt_u (a: U32x4, b: U32x4) -> I32x4 { zip(a, b, |a, b| -((a < b) as i32)) }
            I32x4GtS "i32x4.gt_s" visit_i32x4_gt_s (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, |a, b| -((a > b) as i32)) }
            I32x4GtU "i32x4.gt_u" visit_i32x4_gt_u (a: U32x4, b: U32x4) -> I32x4 { zip(a, b, |a, b| -((a > b) as i32)) }
            I32x4LeS "i32x4.le_s" visit_i32x4_le_s (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, |a, b| -((a <= b) as i32)) }
            I32x4LeU "i32x4.le_u" visit_i32x4_le_u (a: U32x4, b: U32x4) -> I32x4 { zip(a, b, |a, b| -((a <= b) as i32)) }
            I32x4GeS "i32x4.ge_s" visit_i32x4_ge_s (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, |a, b| -((a >= b) as i32)) }
            I32x4GeU "i32x4.ge_u" visit_i32x4_ge_u (a: U32x4, b: U32x4) -> I32x4 { zip(a, b, |a, b| -((a >= b) as i32)) }
            I64x2Eq "i64x2.eq" visit_i64x2_eq (a: I64x2, b: I64x2) -> I64x2 { zip(a, b, |a, b| -((a == b) as i64)) }
            I64x2Ne "i64x2.ne" visit_i64x2_ne (a: I64x2, b: I64x2) -> I64x2 { zip(a, b, |a, b| -((a != b) as i64)) }
            I64x2LtS "i64x2.lt_s" visit_i64x2_lt_s (a: I64x2, b: I64x2) -> I64x2 { zip(a, b, |a, b| -((a < b) as i64)) }
            I64x2GtS "i64x2.gt_s" visit_i64x2_gt_s (a: I64x2, b: I64x2) -> I64x2 { zip(a, b, |a, b| -((a > b) as i64)) }
            I64x2LeS "i64x2.le_s" visit_i64x2_le_s (a: I64x2, b: I64x2) -> I64x2 { zip(a, b, |a, b| -((a <= b) as i64)) }
            I64x2GeS "i64x2.ge_s" visit_i64x2_ge_s (a: I64x2, b: I64x2) -> I64x2 { zip(a, b, |a, b| -((a >= b) as i64)) }
            F32x4Eq "f32x4.eq" visit_f32x4_eq (a: F32x4, b: F32x4) -> I32x4 { zip(a, b, |a, b| -((a == b) as i32)) }
            F32x4Ne "f32x4.ne" visit_f32x4_ne (a: F32x4, b: F32x4) -> I32x4 { zip(a, b, |a, b| -((a != b) as i32)) }
            F32x4Lt "f32x4.lt" visit_f32x4_lt (a: F32x4, b: F32x4) -> I32x4 { zip(a, b, |a, b| -((a < b) as i32)) }
            F32x4Gt "f32x4.gt" visit_f32x4_gt (a: F32x4, b: F32x4) -> I32x4 { zip(a, b, |a, b| -((a > b) as i32)) }
            F32x4Le "f32x4.le" visit_f32x4_le (a: F32x4, b: F32x4) -> I32x4 { zip(a, b, |a, b| -((a <= b) as i32)) }
            F32x4Ge "f32x4.ge" visit_f32x4_ge (a: F32x4, b: F32x4) -> I32x4 { zip(a, b, |a, b| -((a >= b) as i32)) }
            F64x2Eq "f64x2.eq" visit_f64x2_eq (a: F64x2, b: F64x2) -> I64x2 { zip(a, b, |a, b| -((a == b) as i64)) }
            F64x2Ne "f64x2.ne" visit_f64x2_ne (a: F64x2, b: F64x2) -> I64x2 { zip(a, b, |a, b| -((a != b) as i64)) }
            F64x2Lt "f64x2.lt" visit_f64x2_lt (a: F64x2, b: F64x2) -> I64x2 { zip(a, b, |a, b| -((a < b) as i64)) }
            F64x2Gt "f64x2.gt" visit_f64x2_gt (a: F64x2, b: F64x2) -> I64x2 { zip(a, b, |a, b| -((a > b) as i64)) }
            F64x2Le "f64x2.le" visit_f64x2_le (a: F64x2, b: F64x2) -> I64x2 { zip(a, b, |a, b| -((a <= b) as i64)) }
            F64x2Ge "f64x2.ge" visit_f64x2_ge (a: F64x2, b: F64x2) -> I64x2 { zip(a, b, |a, b| -((a >= b) as i64)) }
            V128And "v128.and" visit_v128_and (a: U64x2, b: U64x2) -> U64x2 { zip(a, b, |a, b| a & b) }
            V128Andnot "v128.andnot" visit_v128_andnot (a: U64x2, b: U64x2) -> U64x2 { zip(a, b, |a, b| a & !b) }
            V128Or "v128.or" visit_v128_or (a: U64x2, b: U64x2) -> U64x2 { zip(a, b, |a, b| a | b) }
            V128Xor "v128.xor" visit_v128_xor (a: U64x2, b: U64x2) -> U64x2 { zip(a, b, |a, b| a ^ b) }
            I8x16Add "i8x16.add" visit_i8x16_add (a: U8x16, b: U8x16) -> U8x16 { zip(a, b, u8::wrapping_add) }
            I8x16Sub "i8x16.sub" visit_i8x16_sub (a: U8x16, b: U8x16) -> U8x16 { zip(a, b, u8::wrapping_sub) }
            I8x16AddSatS "i8x16.add_sat_s" visit_i8x16_add_sat_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, i8::saturating_add) }
            I8x16AddSatU "i8x16.add_sat_u" visit_i8x16_add_sat_u (a: U8x16, b: U8x16) -> U8x16 { zip(a, b, u8::saturating_add) }
            I8x16SubSatS "i8x16.sub_sat_s" visit_i8x16_sub_sat_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, i8::saturating_sub) }
            I8x16SubSatU "i8x16.sub_sat_u" visit_i8x16_sub_sat_u (a: U8x16, b: U8x16) -> U8x16 { zip(a, b, u8::saturating_sub) }
            I8x16AvgrU "i8x16.avgr_u" visit_i8x16_avgr_u (a: U8x16, b: U8x16) -> U8x16 { avgr_u8(a, b) }
            I8x16MinS "i8x16.min_s" visit_i8x16_min_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, i8::min) }
            I8x16MinU "i8x16.min_u" visit_i8x16_min_u (a: U8x16, b: U8x16) -> U8x16 { zip(a, b, u8::min) }
            I8x16MaxS "i8x16.max_s" visit_i8x16_max_s (a: I8x16, b: I8x16) -> I8x16 { zip(a, b, i8::max) }
            I8x16MaxU "i8x16.max_u" visit_i8x16_max_u (a: U8x16, b: U8x16) -> U8x16 { zip(a, b, u8::max) }
            I8x16NarrowI16x8S "i8x16.narrow_i16x8_s" visit_i8x16_narrow_i16x8_s (a: I16x8, b: I16x8) -> I8x16 { narrow_i16_s(a, b) }
            I8x16NarrowI16x8U "i8x16.narrow_i16x8_u" visit_i8x16_narrow_i16x8_u (a: I16x8, b: I16x8) -> U8x16 { narrow_i16_u(a, b) }
            I16x8Add "i16x8.add" visit_i16x8_add (a: U16x8, b: U16x8) -> U16x8 { zip(a, b, u16::wrapping_add) }
            I16x8Sub "i16x8.sub" visit_i16x8_sub (a: U16x8, b: U16x8) -> U16x8 { zip(a, b, u16::wrapping_sub) }
            I16x8AddSatS "i16x8.add_sat_s" visit_i16x8_add_sat_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, i16::saturating_add) }
            I16x8AddSatU "i16x8.add_sat_u" visit_i16x8_add_sat_u (a: U16x8, b: U16x8) -> U16x8 { zip(a, b, u16::saturating_add) }
            I16x8SubSatS "i16x8.sub_sat_s" visit_i16x8_sub_sat_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, i16::saturating_sub) }
            I16x8SubSatU "i16x8.sub_sat_u" visit_i16x8_sub_sat_u (a: U16x8, b: U16x8) -> U16x8 { zip(a, b, u16::saturating_sub) }
            I16x8AvgrU "i16x8.avgr_u" visit_i16x8_avgr_u (a: U16x8, b: U16x8) -> U16x8 { avgr_u16(a, b) }
            I16x8Mul "i16x8.mul" visit_i16x8_mul (a: U16x8, b: U16x8) -> U16x8 { zip(a, b, u16::wrapping_mul) }
            I16x8MinS "i16x8.min_s" visit_i16x8_min_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, i16::min) }
            I16x8MinU "i16x8.min_u" visit_i16x8_min_u (a: U16x8, b: U16x8) -> U16x8 { zip(a, b, u16::min) }
            I16x8MaxS "i16x8.max_s" visit_i16x8_max_s (a: I16x8, b: I16x8) -> I16x8 { zip(a, b, i16::max) }
            I16x8MaxU "i16x8.max_u" visit_i16x8_max_u (a: U16x8, b: U16x8) -> U16x8 { zip(a, b, u16::max) }
            I16x8Q15mulrSatS "i16x8.q15mulr_sat_s" visit_i16x8_q15mulr_sat_s (a: I16x8, b: I16x8) -> I16x8 { q15mulr::<H>(a, b) }
            I16x8NarrowI32x4S "i16x8.narrow_i32x4_s" visit_i16x8_narrow_i32x4_s (a: I32x4, b: I32x4) -> I16x8 { narrow_i32_s(a, b) }
            I16x8NarrowI32x4U "i16x8.narrow_i32x4_u" visit_i16x8_narrow_i32x4_u (a: I32x4, b: I32x4) -> U16x8 { narrow_i32_u::<H>(a, b) }
            I16x8ExtmulLowI8x16S "i16x8.extmul_low_i8x16_s" visit_i16x8_extmul_low_i8x16_s
                (a: I8x16, b: I8x16) -> I16x8 { zip_low(a, b, |a, b| a as i16 * b as i16) }
            I16x8ExtmulLowI8x16U "i16x8.extmul_low_i8x16_u" visit_i16x8_extmul_low_i8x16_u
                (a: U8x16, b: U8x16) -> U16x8 { zip_low(a, b, |a, b| a as u16 * b as u16) }
            I16x8ExtmulHighI8x16S "i16x8.extmul_high_i8x16_s" visit_i16x8_extmul_high_i8x16_s
                (a: I8x16, b: I8x16) -> I16x8 { zip_high(a, b, |a, b| a as i16 * b as i16) }
            I16x8ExtmulHighI8x16U "i16x8.extmul_high_i8x16_u" visit_i16x8_extmul_high_i8x16_u
                (a: U8x16, b: U8x16) -> U16x8 { zip_high(a, b, |a, b| a as u16 * b as u16) }
            I32x4Add "i32x4.add" visit_i32x4_add (a: U32x4, b: U32x4) -> U32x4 { zip(a, b, u32::wrapping_add) }
            I32x4Sub "i32x4.sub" visit_i32x4_sub (a: U32x4, b: U32x4) -> U32x4 { zip(a, b, u32::wrapping_sub) }
            I32x4Mul "i32x4.mul" visit_i32x4_mul (a: U32x4, b: U32x4) -> U32x4 { zip(a, b, u32::wrapping_mul) }
            I32x4MinS "i32x4.min_s" visit_i32x4_min_s (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, i32::min) }
            I32x4MinU "i32x4.min_u" visit_i32x4_min_u (a: U32x4, b: U32x4) -> U32x4 { zip(a, b, u32::min) }
            I32x4MaxS "i32x4.max_s" visit_i32x4_max_s (a: I32x4, b: I32x4) -> I32x4 { zip(a, b, i32::max) }
            I32x4MaxU "i32x4.max_u" visit_i32x4_max_u (a: U32x4, b: U32x4) -> U32x4 { zip(a, b, u32::max) }
            I32x4DotI16x8S "i32x4.dot_i16x8_s" visit_i32x4_dot_i16x8_s (a: I16x8, b: I16x8) -> I32x4 { dot_i16(a, b) }
            I32x4ExtmulLowI16x8S "i32x4.extmul_low_i16x8_s" visit_i32x4_extmul_low_i16x8_s
                (a: I16x8, b: I16x8) -> I32x4 { zip_low(a, b, |a, b| a as i32 * b as i32) }
            I32x4ExtmulLowI16x8U "i32x4.extmul_low_i16x8_u" visit_i32x4_extmul_low_i16x8_u
                (a: U16x8, b: U16x8) -> U32x4 { zip_low(a, b, |a, b| a as u32 * b as u32) }
            I32x4ExtmulHighI16x8S "i32x4.extmul_high_i16x8_s" visit_i32x4_extmul_high_i16x8_s
                (a: I16x8, b: I16x8) -> I32x4 { zip_high(a, b, |a, b| a as i32 * b as i32) }
            I32x4ExtmulHighI16x8U "i32x4.extmul_high_i16x8_u" visit_i32x4_extmul_high_i16x8_u
                (a: U16x8, b: U16x8) -> U32x4 { zip_high(a, b, |a, b| a as u32 * b as u32) }
            I64x2Add "i64x2.add" visit_i64x2_add (a: U64x2, b: U64x2) -> U64x2 { zip(a, b, u64::wrapping_add) }
            I64x2Sub "i64x2.sub" visit_i64x2_sub (a: U64x2, b: U64x2) -> U64x2 { zip(a, b, u64::wrapping_sub) }
            I64x2Mul "i64x2.mul" visit_i64x2_mul (a: U64x2, b: U64x2) -> U64x2 { zip(a, b, u64::wrapping_mul) }
            I64x2ExtmulLowI32x4S "i64x2.extmul_low_i32x4_s" visit_i64x2_extmul_low_i32x4_s
                (a: I32x4, b: I32x4) -> I64x2 { mul_i32::<H>(low(a, |a| a as i64), low(b, |b| b as i64)) }
            I64x2ExtmulLowI32x4U "i64x2.extmul_low_i32x4_u" visit_i64x2_extmul_low_i32x4_u
                (a: U32x4, b: U32x4) -> U64x2 { mul_u32(low(a, |a| a as u64), low(b, |b| b as u64)) }
            I64x2ExtmulHighI32x4S "i64x2.extmul_high_i32x4_s" visit_i64x2_extmul_high_i32x4_s
                (a: I32x4, b: I32x4) -> I64x2 { mul_i32::<H>(high(a, |a| a as i64), high(b, |b| b as i64)) }
            I64x2ExtmulHighI32x4U "i64x2.extmul_high_i32x4_u" visit_i64x2_extmul_high_i32x4_u
                (a: U32x4, b: U32x4) -> U64x2 { mul_u32(high(a, |a| a as u64), high(b, |b| b as u64)) }
            F32x4Add "f32x4.add" visit_f32x4_add (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| a + b) }
            F32x4Sub "f32x4.sub" visit_f32x4_sub (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| a - b) }
            F32x4Mul "f32x4.mul" visit_f32x4_mul (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| a * b) }
            F32x4Div "f32x4.div" visit_f32x4_div (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| a / b) }
            F32x4Min "f32x4.min" visit_f32x4_min (a: F32x4, b: F32x4) -> F32x4 { f32_min(a, b) }
            F32x4Max "f32x4.max" visit_f32x4_max (a: F32x4, b: F32x4) -> F32x4 { f32_max(a, b) }
            F32x4Pmin "f32x4.pmin" visit_f32x4_pmin (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| if b < a { b } else { a }) }
            F32x4Pmax "f32x4.pmax" visit_f32x4_pmax (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| if a < b { b } else { a }) }
            F64x2Add "f64x2.add" visit_f64x2_add (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| a + b) }
            F64x2Sub "f64x2.sub" visit_f64x2_sub (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| a - b) }
            F64x2Mul "f64x2.mul" visit_f64x2_mul (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| a * b) }
            F64x2Div "f64x2.div" visit_f64x2_div (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| a / b) }
            F64x2Min "f64x2.min" visit_f64x2_min (a: F64x2, b: F64x2) -> F64x2 { f64_min(a, b) }
            F64x2Max "f64x2.max" visit_f64x2_max (a: F64x2, b: F64x2) -> F64x2 { f64_max(a, b) }
            F64x2Pmin "f64x2.pmin" visit_f64x2_pmin (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| if b < a { b } else { a }) }
            F64x2Pmax "f64x2.pmax" visit_f64x2_pmax (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| if a < b { b } else { a }) }
            F32x4RelaxedMin "f32x4.relaxed_min" visit_f32x4_relaxed_min (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| if b < a { b } else { a }) }
            F32x4RelaxedMax "f32x4.relaxed_max" visit_f32x4_relaxed_max (a: F32x4, b: F32x4) -> F32x4 { zip(a, b, |a, b| if a < b { b } else { a }) }
            F64x2RelaxedMin "f64x2.relaxed_min" visit_f64x2_relaxed_min (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| if b < a { b } else { a }) }
            F64x2RelaxedMax "f64x2.relaxed_max" visit_f64x2_relaxed_max (a: F64x2, b: F64x2) -> F64x2 { zip(a, b, |a, b| if a < b { b } else { a }) }
            I16x8RelaxedQ15mulrS "i16x8.relaxed_q15mulr_s" visit_i16x8_relaxed_q15mulr_s (a: I16x8, b: I16x8) -> I16x8 { q15mulr::<H>(a, b) }
            I16x8RelaxedDotI8x16I7x16S "i16x8.relaxed_dot_i8x16_i7x16_s" visit_i16x8_relaxed_dot_i8x16_i7x16_s
                (a: I8x16, b: I8x16) -> I16x8 { dot_i8(a, b) }
        }
    };
}
pub(crate) use for_each_vector_binary;

/// Three vectors in, one out. Those without a visit are two instructions, of which the second alone reads the first's result.
/// `laneselect` selects bits; `madd` rounds twice, because a host without the fused instruction
/// would have to emulate it.
macro_rules! for_each_vector_ternary {
    ($mac:ident) => {
        $mac! {
            V128Bitselect "v128.bitselect" visit_v128_bitselect (a: U64x2, b: U64x2, c: U64x2) -> U64x2 { bitselect(a, b, c) }
            I8x16RelaxedLaneselect "i8x16.relaxed_laneselect" visit_i8x16_relaxed_laneselect
                (a: U64x2, b: U64x2, c: U64x2) -> U64x2 { bitselect(a, b, c) }
            I16x8RelaxedLaneselect "i16x8.relaxed_laneselect" visit_i16x8_relaxed_laneselect
                (a: U64x2, b: U64x2, c: U64x2) -> U64x2 { bitselect(a, b, c) }
            I32x4RelaxedLaneselect "i32x4.relaxed_laneselect" visit_i32x4_relaxed_laneselect
                (a: U64x2, b: U64x2, c: U64x2) -> U64x2 { bitselect(a, b, c) }
            I64x2RelaxedLaneselect "i64x2.relaxed_laneselect" visit_i64x2_relaxed_laneselect
                (a: U64x2, b: U64x2, c: U64x2) -> U64x2 { bitselect(a, b, c) }
            F32x4RelaxedMadd "f32x4.relaxed_madd" visit_f32x4_relaxed_madd
                (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a * b), c, |ab, c| ab + c) }
            F32x4RelaxedNmadd "f32x4.relaxed_nmadd" visit_f32x4_relaxed_nmadd
                (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| -a * b), c, |ab, c| ab + c) }
            F64x2RelaxedMadd "f64x2.relaxed_madd" visit_f64x2_relaxed_madd
                (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a * b), c, |ab, c| ab + c) }
            F64x2RelaxedNmadd "f64x2.relaxed_nmadd" visit_f64x2_relaxed_nmadd
                (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| -a * b), c, |ab, c| ab + c) }
F32x4AddAdd "f32x4.add.add" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a + b), c, |ab, c| ab + c) }
            F32x4AddSub "f32x4.add.sub" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a + b), c, |ab, c| ab - c) }
            F32x4AddSubFrom "f32x4.add.sub_from" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a + b), c, |ab, c| c - ab) }
            F32x4AddMul "f32x4.add.mul" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a + b), c, |ab, c| ab * c) }
            F32x4SubAdd "f32x4.sub.add" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a - b), c, |ab, c| ab + c) }
            F32x4SubSub "f32x4.sub.sub" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a - b), c, |ab, c| ab - c) }
            F32x4SubSubFrom "f32x4.sub.sub_from" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a - b), c, |ab, c| c - ab) }
            F32x4SubMul "f32x4.sub.mul" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a - b), c, |ab, c| ab * c) }
            F32x4MulSub "f32x4.mul.sub" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a * b), c, |ab, c| ab - c) }
            F32x4MulSubFrom "f32x4.mul.sub_from" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a * b), c, |ab, c| c - ab) }
            F32x4MulMul "f32x4.mul.mul" none (a: F32x4, b: F32x4, c: F32x4) -> F32x4 { zip(zip(a, b, |a, b| a * b), c, |ab, c| ab * c) }
            F64x2AddAdd "f64x2.add.add" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a + b), c, |ab, c| ab + c) }
            F64x2AddSub "f64x2.add.sub" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a + b), c, |ab, c| ab - c) }
            F64x2AddSubFrom "f64x2.add.sub_from" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a + b), c, |ab, c| c - ab) }
            F64x2AddMul "f64x2.add.mul" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a + b), c, |ab, c| ab * c) }
            F64x2SubAdd "f64x2.sub.add" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a - b), c, |ab, c| ab + c) }
            F64x2SubSub "f64x2.sub.sub" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a - b), c, |ab, c| ab - c) }
            F64x2SubSubFrom "f64x2.sub.sub_from" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a - b), c, |ab, c| c - ab) }
            F64x2SubMul "f64x2.sub.mul" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a - b), c, |ab, c| ab * c) }
            F64x2MulSub "f64x2.mul.sub" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a * b), c, |ab, c| ab - c) }
            F64x2MulSubFrom "f64x2.mul.sub_from" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a * b), c, |ab, c| c - ab) }
            F64x2MulMul "f64x2.mul.mul" none (a: F64x2, b: F64x2, c: F64x2) -> F64x2 { zip(zip(a, b, |a, b| a * b), c, |ab, c| ab * c) }
            I32x4RelaxedDotI8x16I7x16AddS "i32x4.relaxed_dot_i8x16_i7x16_add_s" visit_i32x4_relaxed_dot_i8x16_i7x16_add_s
                (a: I8x16, b: I8x16, c: I32x4) -> I32x4 { dot_i8_add(a, b, c) }
        }
    };
}
pub(crate) use for_each_vector_ternary;

/// A vector and an i32: shifts by it, modulo the width of a lane.
macro_rules! for_each_vector_shift {
    ($mac:ident) => {
        $mac! {
            I8x16Shl "i8x16.shl" visit_i8x16_shl (a: U8x16, n) -> U8x16 { map(a, |a| a << (n & 7)) }
            I8x16ShrS "i8x16.shr_s" visit_i8x16_shr_s (a: I8x16, n) -> I8x16 { map(a, |a| a >> (n & 7)) }
            I8x16ShrU "i8x16.shr_u" visit_i8x16_shr_u (a: U8x16, n) -> U8x16 { map(a, |a| a >> (n & 7)) }
            I16x8Shl "i16x8.shl" visit_i16x8_shl (a: U16x8, n) -> U16x8 { map(a, |a| a << (n & 15)) }
            I16x8ShrS "i16x8.shr_s" visit_i16x8_shr_s (a: I16x8, n) -> I16x8 { map(a, |a| a >> (n & 15)) }
            I16x8ShrU "i16x8.shr_u" visit_i16x8_shr_u (a: U16x8, n) -> U16x8 { map(a, |a| a >> (n & 15)) }
            I32x4Shl "i32x4.shl" visit_i32x4_shl (a: U32x4, n) -> U32x4 { map(a, |a| a << (n & 31)) }
            I32x4ShrS "i32x4.shr_s" visit_i32x4_shr_s (a: I32x4, n) -> I32x4 { map(a, |a| a >> (n & 31)) }
            I32x4ShrU "i32x4.shr_u" visit_i32x4_shr_u (a: U32x4, n) -> U32x4 { map(a, |a| a >> (n & 31)) }
            I64x2Shl "i64x2.shl" visit_i64x2_shl (a: U64x2, n) -> U64x2 { map(a, |a| a << (n & 63)) }
            I64x2ShrS "i64x2.shr_s" visit_i64x2_shr_s (a: I64x2, n) -> I64x2 { map(a, |a| a >> (n & 63)) }
            I64x2ShrU "i64x2.shr_u" visit_i64x2_shr_u (a: U64x2, n) -> U64x2 { map(a, |a| a >> (n & 63)) }
        }
    };
}
pub(crate) use for_each_vector_shift;

/// A vector made an i32.
macro_rules! for_each_vector_test {
    ($mac:ident) => {
        $mac! {
            V128AnyTrue "v128.any_true" visit_v128_any_true (a: U64x2) { any_true(a) as u32 }
            I8x16AllTrue "i8x16.all_true" visit_i8x16_all_true (a: I8x16) { all_true_i8(a) as u32 }
            I16x8AllTrue "i16x8.all_true" visit_i16x8_all_true (a: I16x8) { all_true_i16(a) as u32 }
            I32x4AllTrue "i32x4.all_true" visit_i32x4_all_true (a: I32x4) { all_true_i32(a) as u32 }
            I64x2AllTrue "i64x2.all_true" visit_i64x2_all_true (a: U64x2) { (a[0] != 0 && a[1] != 0) as u32 }
            I8x16Bitmask "i8x16.bitmask" visit_i8x16_bitmask (a: I8x16) { bitmask_i8(a) }
            I16x8Bitmask "i16x8.bitmask" visit_i16x8_bitmask (a: I16x8) { bitmask_i16(a) }
            I32x4Bitmask "i32x4.bitmask" visit_i32x4_bitmask (a: I32x4) { bitmask_i32(a) }
            I64x2Bitmask "i64x2.bitmask" visit_i64x2_bitmask (a: U64x2) { (a[0] >> 63 | a[1] >> 63 << 1) as u32 }
        }
    };
}
pub(crate) use for_each_vector_test;

/// A number in every lane: `Name "mnemonic" visit bank`.
macro_rules! for_each_splat {
    ($mac:ident) => {
        $mac! {
            I8x16Splat "i8x16.splat" visit_i8x16_splat Int (a) -> U8x16 { [a as u8; 16] }
            I16x8Splat "i16x8.splat" visit_i16x8_splat Int (a) -> U16x8 { [a as u16; 8] }
            I32x4Splat "i32x4.splat" visit_i32x4_splat Int (a) -> U32x4 { [a as u32; 4] }
            I64x2Splat "i64x2.splat" visit_i64x2_splat Int (a) -> U64x2 { [a; 2] }
            F32x4Splat "f32x4.splat" visit_f32x4_splat F32 (a) -> F32x4 { [a; 4] }
            F64x2Splat "f64x2.splat" visit_f64x2_splat F64 (a) -> F64x2 { [a; 2] }
        }
    };
}
pub(crate) use for_each_splat;

/// One lane replaced by a number.
macro_rules! for_each_replace {
    ($mac:ident) => {
        $mac! {
            I8x16ReplaceLane "i8x16.replace_lane" visit_i8x16_replace_lane Int (a: U8x16, lane, b) { replace(a, lane, b as u8) }
            I16x8ReplaceLane "i16x8.replace_lane" visit_i16x8_replace_lane Int (a: U16x8, lane, b) { replace(a, lane, b as u16) }
            I32x4ReplaceLane "i32x4.replace_lane" visit_i32x4_replace_lane Int (a: U32x4, lane, b) { replace(a, lane, b as u32) }
            I64x2ReplaceLane "i64x2.replace_lane" visit_i64x2_replace_lane Int (a: U64x2, lane, b) { replace_of_two(a, lane, b) }
            F32x4ReplaceLane "f32x4.replace_lane" visit_f32x4_replace_lane F32 (a: F32x4, lane, b) { replace(a, lane, b) }
            F64x2ReplaceLane "f64x2.replace_lane" visit_f64x2_replace_lane F64 (a: U64x2, lane, b) { replace_of_two(a, lane, b.to_bits()) }
        }
    };
}
pub(crate) use for_each_replace;

/// One lane as a number. A lane lies in its vector's slots as a number lies in memory, so these are loads:
/// `Name "mnemonic" visit load type`.
macro_rules! for_each_extract {
    ($mac:ident) => {
        $mac! {
            I8x16ExtractLaneS "i8x16.extract_lane_s" visit_i8x16_extract_lane_s I32Load8S I32
            I8x16ExtractLaneU "i8x16.extract_lane_u" visit_i8x16_extract_lane_u Load8U I32
            I16x8ExtractLaneS "i16x8.extract_lane_s" visit_i16x8_extract_lane_s I32Load16S I32
            I16x8ExtractLaneU "i16x8.extract_lane_u" visit_i16x8_extract_lane_u Load16U I32
            I32x4ExtractLane "i32x4.extract_lane" visit_i32x4_extract_lane Load32U I32
            I64x2ExtractLane "i64x2.extract_lane" visit_i64x2_extract_lane Load64 I64
        }
    };
}
pub(crate) use for_each_extract;

/// Loads of vectors: the type and number of the lanes in memory, and the vector that is made of them.
macro_rules! for_each_vector_load {
    ($mac:ident) => {
        $mac! {
            V128Load "v128.load" visit_v128_load u64 2, (lane) -> U64x2 { [lane(0), lane(1)] }
            V128Load8x8S "v128.load8x8_s" visit_v128_load8x8_s u8 8, (lane) -> I16x8 { from_fn(|i| lane(i) as i8 as i16) }
            V128Load8x8U "v128.load8x8_u" visit_v128_load8x8_u u8 8, (lane) -> U16x8 { from_fn(|i| lane(i) as u16) }
            V128Load16x4S "v128.load16x4_s" visit_v128_load16x4_s u16 4, (lane) -> I32x4 { from_fn(|i| lane(i) as i16 as i32) }
            V128Load16x4U "v128.load16x4_u" visit_v128_load16x4_u u16 4, (lane) -> U32x4 { from_fn(|i| lane(i) as u32) }
            V128Load32x2S "v128.load32x2_s" visit_v128_load32x2_s u64 1, (lane) -> I64x2 { extend_i32::<H>(lane(0)) }
            V128Load32x2U "v128.load32x2_u" visit_v128_load32x2_u u32 2, (lane) -> U64x2 { from_fn(|i| lane(i) as u64) }
            V128Load8Splat "v128.load8_splat" visit_v128_load8_splat u8 1, (lane) -> U8x16 { [lane(0); 16] }
            V128Load16Splat "v128.load16_splat" visit_v128_load16_splat u16 1, (lane) -> U16x8 { [lane(0); 8] }
            V128Load32Splat "v128.load32_splat" visit_v128_load32_splat u32 1, (lane) -> U32x4 { [lane(0); 4] }
            V128Load64Splat "v128.load64_splat" visit_v128_load64_splat u64 1, (lane) -> U64x2 { [lane(0); 2] }
            V128Load32Zero "v128.load32_zero" visit_v128_load32_zero u32 1, (lane) -> U32x4 { [lane(0), 0, 0, 0] }
            V128Load64Zero "v128.load64_zero" visit_v128_load64_zero u64 1, (lane) -> U64x2 { [lane(0), 0] }
        }
    };
}
pub(crate) use for_each_vector_load;

/// Loads and stores of one lane.
macro_rules! for_each_lane_access {
    ($mac:ident) => {
        $mac! {
            Lane8 "v128.load8_lane" "v128.store8_lane" visit_v128_load8_lane visit_v128_store8_lane replace u8, U8x16
            Lane16 "v128.load16_lane" "v128.store16_lane" visit_v128_load16_lane visit_v128_store16_lane replace u16, U16x8
            Lane32 "v128.load32_lane" "v128.store32_lane" visit_v128_load32_lane visit_v128_store32_lane replace u32, U32x4
            Lane64 "v128.load64_lane" "v128.store64_lane" visit_v128_load64_lane visit_v128_store64_lane replace_of_two u64, U64x2
        }
    };
}
pub(crate) use for_each_lane_access;

// ---- enums ---------------------------------------------------------------------------------------------------

macro_rules! unary {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        define_ops! { VectorUnaryOp: $($name $text)* }
    };
}
for_each_vector_unary!(unary);
macro_rules! binary {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        define_ops! { VectorBinaryOp: $($name $text)* }
    };
}
for_each_vector_binary!(binary);
macro_rules! ternary {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        define_ops! { VectorTernaryOp: $($name $text)* }
    };
}
for_each_vector_ternary!(ternary);
macro_rules! shift {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        define_ops! { VectorShiftOp: $($name $text)* }
    };
}
for_each_vector_shift!(shift);
macro_rules! test {
    ($($name:ident $text:literal $visit:ident $args:tt $body:block)*) => {
        define_ops! { VectorTestOp: $($name $text)* }
    };
}
for_each_vector_test!(test);
macro_rules! with_bank {
    ($enum:ident: $($name:ident $text:literal $bank:ident)*) => {
        define_ops! { $enum: $($name $text)* }
        impl $enum {
            /// The bank of the number.
            pub(crate) fn bank(self) -> Bank { match self { $($enum::$name => Bank::$bank),* } }
        }
    };
}
macro_rules! splat {
    ($($name:ident $text:literal $visit:ident $bank:ident $args:tt -> $r:ty $body:block)*) => {
        with_bank! { SplatOp: $($name $text $bank)* }
    };
}
for_each_splat!(splat);
macro_rules! replace {
    ($($name:ident $text:literal $visit:ident $bank:ident $args:tt $body:block)*) => {
        with_bank! { ReplaceOp: $($name $text $bank)* }
    };
}
for_each_replace!(replace);
macro_rules! extract {
    ($($name:ident $text:literal $visit:ident $load:ident $ty:ident)*) => {
        define_ops! { ExtractOp: $($name $text)* }
        impl ExtractOp {
            /// Bytes of the lane.
            pub(crate) fn bytes(self) -> u32 {
                match self { $(ExtractOp::$name => LoadOp::$load.bytes()),* }
            }
        }
    };
}
for_each_extract!(extract);
macro_rules! load {
    ($($name:ident $text:literal $visit:ident $raw:ident $lanes:literal, $args:tt -> $r:ty $body:block)*) => {
        define_ops! { VectorLoadOp: $($name $text)* }
        impl VectorLoadOp {
            /// Bytes of memory it accesses.
            pub(crate) fn bytes(self) -> u32 {
                match self { $(VectorLoadOp::$name => $lanes * size_of::<$raw>() as u32),* }
            }
        }
    };
}
for_each_vector_load!(load);
macro_rules! lane {
    ($($name:ident $load:literal $store:literal $load_visit:ident $store_visit:ident $replace:ident $raw:ty, $lanes:ident)*) => {
        define_ops! { LaneOp: $($name $load)* }
        impl LaneOp {
            /// Bytes of the lane.
            pub(crate) fn bytes(self) -> u32 {
                match self { $(LaneOp::$name => size_of::<$raw>() as u32),* }
            }
            /// What storing it is called.
            pub(crate) fn store_text(self) -> &'static str {
                match self { $(LaneOp::$name => $store),* }
            }
        }
    };
}
for_each_lane_access!(lane);
