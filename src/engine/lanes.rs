//! What vector instructions compute, as plain functions on arrays of lanes. Spec: exec/numerics.html, exec/instructions.html
//!
//! The arrays are for the compiler to make vectors of, which it does for nearly all of them. Where it does not, `host` has
//! the machine's instruction; where it needs one the architecture does not promise, the function asks [`Host`].

mod host;

pub(crate) use host::*;

use super::num;
pub(crate) use std::array::from_fn;

/// A number as it lies in a vector's bytes, which are in the order of the least first on every host.
pub(crate) trait Lane: Copy {
    fn swap_on_big_endian(self) -> Self;
}
macro_rules! lane {
    ($($int:ident)*, $($float:ident)*) => {
        $(impl Lane for $int {
            #[inline(always)]
            fn swap_on_big_endian(self) -> $int { $int::from_le(self) }
        })*
        $(impl Lane for $float {
            #[inline(always)]
            fn swap_on_big_endian(self) -> $float { $float::from_le_bytes(self.to_ne_bytes()) }
        })*
    };
}
lane!(u8 i8 u16 i16 u32 i32 u64 i64, f32 f64);

impl<L: Lane, const N: usize> Lane for [L; N] {
    #[inline(always)]
    fn swap_on_big_endian(self) -> [L; N] {
        if cfg!(target_endian = "little") {
            self
        } else {
            map(self, L::swap_on_big_endian)
        }
    }
}

pub(crate) type I8x16 = [i8; 16];
pub(crate) type U8x16 = [u8; 16];
pub(crate) type I16x8 = [i16; 8];
pub(crate) type U16x8 = [u16; 8];
pub(crate) type I32x4 = [i32; 4];
pub(crate) type U32x4 = [u32; 4];
pub(crate) type I64x2 = [i64; 2];
pub(crate) type U64x2 = [u64; 2];
pub(crate) type F32x4 = [f32; 4];
pub(crate) type F64x2 = [f64; 2];

/// `op` on each lane.
#[inline(always)]
pub(crate) fn map<A: Copy, B, const N: usize>(a: [A; N], op: impl Fn(A) -> B) -> [B; N] {
    from_fn(|i| op(a[i]))
}

/// `op` on each pair of lanes.
#[inline(always)]
pub(crate) fn zip<A: Copy, B: Copy, C, const N: usize>(a: [A; N], b: [B; N], op: impl Fn(A, B) -> C) -> [C; N] {
    from_fn(|i| op(a[i], b[i]))
}

/// `op` on the lanes of the lower half.
#[inline(always)]
pub(crate) fn low<A: Copy, B, const N: usize, const M: usize>(a: [A; N], op: impl Fn(A) -> B) -> [B; M] {
    from_fn(|i| op(a[i]))
}

/// `op` on the lanes of the upper half.
#[inline(always)]
pub(crate) fn high<A: Copy, B, const N: usize, const M: usize>(a: [A; N], op: impl Fn(A) -> B) -> [B; M] {
    from_fn(|i| op(a[i + M]))
}

/// `op` on the pairs of the lower halves.
#[inline(always)]
pub(crate) fn zip_low<A: Copy, B, const N: usize, const M: usize>(
    a: [A; N],
    b: [A; N],
    op: impl Fn(A, A) -> B,
) -> [B; M] {
    from_fn(|i| op(a[i], b[i]))
}

/// `op` on the pairs of the upper halves.
#[inline(always)]
pub(crate) fn zip_high<A: Copy, B, const N: usize, const M: usize>(
    a: [A; N],
    b: [A; N],
    op: impl Fn(A, A) -> B,
) -> [B; M] {
    from_fn(|i| op(a[i + M], b[i + M]))
}

/// `op` on neighbours.
#[inline(always)]
pub(crate) fn pairwise<A: Copy, B, const N: usize, const M: usize>(a: [A; N], op: impl Fn(A, A) -> B) -> [B; M] {
    from_fn(|i| op(a[2 * i], a[2 * i + 1]))
}

/// Two lanes made of wider ones, and zeros above them.
#[inline(always)]
pub(crate) fn low_then_zero<A: Copy, B: Default>(a: [A; 2], op: impl Fn(A) -> B) -> [B; 4] {
    [op(a[0]), op(a[1]), B::default(), B::default()]
}

/// The lane with this number replaced.
#[inline(always)]
pub(crate) fn replace<A: Copy, const N: usize>(a: [A; N], lane: usize, value: A) -> [A; N] {
    from_fn(|i| if i == lane { value } else { a[i] })
}

/// Of each bit that of `a` where `mask` is 1, else that of `b`. Also what relaxed `laneselect` does here.
#[inline(always)]
pub(crate) fn bitselect(a: U64x2, b: U64x2, mask: U64x2) -> U64x2 {
    from_fn(|i| a[i] & mask[i] | b[i] & !mask[i])
}

#[inline(always)]
pub(crate) fn any_true(a: U64x2) -> bool {
    a[0] | a[1] != 0
}

/// Sums of products of neighbours, modulo 2^16. Of the choices for relaxed `dot` this is both operands signed, and sums that
/// wrap.
#[inline(always)]
pub(crate) fn dot_i8(a: I8x16, b: I8x16) -> I16x8 {
    from_fn(|i| {
        let product = |i: usize| a[i] as i16 * b[i] as i16;
        product(2 * i).wrapping_add(product(2 * i + 1))
    })
}

#[inline(always)]
pub(crate) fn dot_i8_add(a: I8x16, b: I8x16, c: I32x4) -> I32x4 {
    zip(dot_i16(dot_i8(a, b), [1; 8]), c, i32::wrapping_add)
}

macro_rules! min_max {
    ($($name:ident $float:ty, $bits:ty, $quiet:expr, $less:tt, $join:tt;)*) => { $(
        /// Without branches, so that lanes go together: the lesser (greater) of both, whichever comes first; of zeros the
        /// negative (positive) one, by their bits; a NaN made quiet.
        #[inline(always)]
        pub(crate) fn $name<const N: usize>(a: [$float; N], b: [$float; N]) -> [$float; N] {
            // Step by step over all lanes, because the compiler makes no vectors of all steps in one.
            let one: [$bits; N] = zip(a, b, |a, b| (if a $less b { a } else { b }).to_bits());
            let two: [$bits; N] = zip(a, b, |a, b| (if b $less a { b } else { a }).to_bits());
            let nan: [$bits; N] = zip(a, b, |a, b| (if a != a { a } else { b }).to_bits() | $quiet);
            let is_nan: [bool; N] = zip(a, b, |a, b| a != a || b != b);
            from_fn(|i| <$float>::from_bits(if is_nan[i] { nan[i] } else { one[i] $join two[i] }))
        }
    )* };
}
min_max! {
    f32_min f32, u32, 0x0040_0000, <, |;
    f32_max f32, u32, 0x0040_0000, >, &;
    f64_min f64, u64, 0x0008_0000_0000_0000, <, |;
    f64_max f64, u64, 0x0008_0000_0000_0000, >, &;
}

macro_rules! roundings {
    ($($name:ident $lanes:ty, $instruction:ident;)*) => { $(
        #[inline(always)]
        pub(crate) fn $name<H: Host>(a: $lanes) -> $lanes {
            if H::ROUNDS {
                host::$instruction(a)
            } else {
                map(a, num::$name)
            }
        }
    )* };
}
roundings! {
    f32_ceil F32x4, ceil_f32;
    f32_floor F32x4, floor_f32;
    f32_trunc F32x4, trunc_f32;
    f32_nearest F32x4, nearest_f32;
    f64_ceil F64x2, ceil_f64;
    f64_floor F64x2, floor_f64;
    f64_trunc F64x2, trunc_f64;
    f64_nearest F64x2, nearest_f64;
}
