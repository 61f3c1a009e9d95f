//! Where the host has an instruction that the compiler does not find by itself, or that its architecture does not promise.

#![allow(unsafe_code)]

use super::*;

/// What handlers are compiled for: the least an architecture has, or more. The translator asks the processor once.
pub(crate) trait Host {
    /// Floats can be rounded to integers in one instruction.
    const ROUNDS: bool;
    /// x86-64: AVX and all that came before it.
    #[cfg_attr(
        not(all(target_arch = "x86_64", not(miri))),
        expect(dead_code, reason = "there is none")
    )]
    const AVX: bool;
}

/// What the architecture promises.
pub(crate) struct Baseline;
impl Host for Baseline {
    const ROUNDS: bool = cfg!(all(target_arch = "aarch64", not(miri)));
    const AVX: bool = false;
}

/// x86-64 processors of the last decade.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) struct Avx;
#[cfg(all(target_arch = "x86_64", not(miri)))]
impl Host for Avx {
    const ROUNDS: bool = true;
    const AVX: bool = true;
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) use x86::*;

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub(crate) use portable::*;

/// `table[index]` for each index, 0 for those that are not below 16: each byte of the table goes to the indices that name it.
#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
#[inline(always)]
fn look_up(table: U8x16, indices: U8x16) -> U8x16 {
    let mut found = [0; 16];
    for (number, byte) in table.into_iter().enumerate() {
        found = zip(
            found,
            indices,
            |found, index| if index == number as u8 { byte } else { found },
        );
    }
    found
}

/// A vector's bits, as lanes or as what instructions take.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
#[inline(always)]
fn cast<A: Copy, B: Copy>(a: A) -> B {
    const { assert!(size_of::<A>() == 16 && size_of::<B>() == 16) }
    // SAFETY: both are 16 bytes of numbers without padding: arrays of lanes, or the machine's types.
    unsafe { std::mem::transmute_copy(&a) }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    use super::*;
    use std::arch::x86_64::*;

    macro_rules! sse2 {
        ($($name:ident($($arg:ident: $ty:ty),*) -> $r:ty = $body:expr;)*) => { $(
            #[inline(always)]
            pub(crate) fn $name($($arg: $ty),*) -> $r {
                $(let $arg = cast($arg);)*
                // SAFETY: SSE2 is part of x86-64.
                unsafe { $body }
            }
        )* };
    }
    sse2! {
        avgr_u8(a: U8x16, b: U8x16) -> U8x16 = cast(_mm_avg_epu8(a, b));
        avgr_u16(a: U16x8, b: U16x8) -> U16x8 = cast(_mm_avg_epu16(a, b));
        narrow_i16_s(a: I16x8, b: I16x8) -> I8x16 = cast(_mm_packs_epi16(a, b));
        narrow_i16_u(a: I16x8, b: I16x8) -> U8x16 = cast(_mm_packus_epi16(a, b));
        narrow_i32_s(a: I32x4, b: I32x4) -> I16x8 = cast(_mm_packs_epi32(a, b));
        dot_i16(a: I16x8, b: I16x8) -> I32x4 = cast(_mm_madd_epi16(a, b));
        all_true_i8(a: I8x16) -> bool = _mm_movemask_epi8(_mm_cmpeq_epi8(a, _mm_setzero_si128())) == 0;
        all_true_i16(a: I16x8) -> bool = _mm_movemask_epi8(_mm_cmpeq_epi16(a, _mm_setzero_si128())) == 0;
        all_true_i32(a: I32x4) -> bool = _mm_movemask_epi8(_mm_cmpeq_epi32(a, _mm_setzero_si128())) == 0;
        bitmask_i8(a: I8x16) -> u32 = _mm_movemask_epi8(a) as u32;
        bitmask_i16(a: I16x8) -> u32 = _mm_movemask_epi8(_mm_packs_epi16(a, _mm_setzero_si128())) as u32;
        bitmask_i32(a: I32x4) -> u32 = _mm_movemask_ps(a) as u32;
        trunc_sat_s(a: F32x4) -> I32x4 = {
            // NaN becomes 0; what is too great is converted to the least integer, of which all bits are then turned over.
            let number = _mm_and_ps(a, _mm_cmpeq_ps(a, a));
            let great = _mm_cmpge_ps(a, _mm_set1_ps(2147483648.0));
            cast(_mm_xor_si128(_mm_cvttps_epi32(number), _mm_castps_si128(great)))
        };
        trunc_sat_u(a: F32x4) -> U32x4 = {
            // What lies above 2^31 is converted apart from it, and both are added. The maximum makes 0 of NaN.
            let half = _mm_set1_ps(2147483648.0);
            let number = _mm_max_ps(a, _mm_setzero_ps());
            let above = _mm_sub_ps(number, half);
            let great = _mm_castps_si128(_mm_cmpge_ps(above, half));
            let above = _mm_xor_si128(_mm_cvttps_epi32(above), great);
            let positive = _mm_andnot_si128(_mm_srai_epi32::<31>(above), above);
            cast(_mm_add_epi32(_mm_cvttps_epi32(number), positive))
        };
    }

    macro_rules! roundings {
        ($($name:ident $lanes:ty, $instruction:ident $mode:ident;)*) => { $(
            #[inline(always)]
            pub(crate) fn $name(a: $lanes) -> $lanes {
                // SAFETY: only called by handlers for the host `Avx`, which includes SSE4.1.
                unsafe { cast($instruction::<{ $mode | _MM_FROUND_NO_EXC }>(cast(a))) }
            }
        )* };
    }
    roundings! {
        ceil_f32 F32x4, _mm_round_ps _MM_FROUND_TO_POS_INF;
        floor_f32 F32x4, _mm_round_ps _MM_FROUND_TO_NEG_INF;
        trunc_f32 F32x4, _mm_round_ps _MM_FROUND_TO_ZERO;
        nearest_f32 F32x4, _mm_round_ps _MM_FROUND_TO_NEAREST_INT;
        ceil_f64 F64x2, _mm_round_pd _MM_FROUND_TO_POS_INF;
        floor_f64 F64x2, _mm_round_pd _MM_FROUND_TO_NEG_INF;
        trunc_f64 F64x2, _mm_round_pd _MM_FROUND_TO_ZERO;
        nearest_f64 F64x2, _mm_round_pd _MM_FROUND_TO_NEAREST_INT;
    }

    #[inline(always)]
    pub(crate) fn narrow_i32_u<H: Host>(a: I32x4, b: I32x4) -> U16x8 {
        if H::AVX {
            // SAFETY: handlers for this host run where it has been found, and AVX includes SSE4.1.
            return unsafe { cast(_mm_packus_epi32(cast(a), cast(b))) };
        }
        // Clamped, then moved to where the signed instruction keeps all of them apart.
        let moved = |a: I32x4| map(a, |a| a.clamp(0, 0xffff) - 0x8000);
        map(cast::<_, U16x8>(narrow_i32_s(moved(a), moved(b))), |a| a ^ 0x8000)
    }

    #[inline(always)]
    pub(crate) fn q15mulr<H: Host>(a: I16x8, b: I16x8) -> I16x8 {
        if H::AVX {
            // SAFETY: as above.
            let product: I16x8 = unsafe { cast(_mm_mulhrs_epi16(cast(a), cast(b))) };
            // Only -1 * -1 overflows, to -1.
            return map(product, |product| product ^ -((product == i16::MIN) as i16));
        }
        // SAFETY: SSE2 is part of x86-64.
        let (high, low): (I16x8, U16x8) = unsafe {
            let (a, b) = (cast(a), cast(b));
            (cast(_mm_mulhi_epi16(a, b)), cast(_mm_mullo_epi16(a, b)))
        };
        // The product doubled, its upper half, rounded by the bit below.
        let product: I16x8 = from_fn(|i| {
            let bit = (low[i] >> 14 & 1) as i16;
            ((high[i] << 1) | (low[i] >> 15) as i16).wrapping_add(bit)
        });
        map(product, |product| product ^ -((product == i16::MIN) as i16))
    }

    /// `table[index]` for each index, `found` for those that are not below 16: each byte of the table, in all places at once,
    /// goes to the indices that name it.
    #[inline(always)]
    fn look_up(found: U8x16, table: U8x16, indices: U8x16) -> U8x16 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            let (mut found, table, indices) = (cast(found), cast(table), cast(indices));
            macro_rules! bytes {
                ($($number:literal)*) => { $({
                    let byte = _mm_srli_si128::<$number>(table);
                    let byte = _mm_shufflelo_epi16::<0>(_mm_unpacklo_epi8(byte, byte));
                    let byte = _mm_shuffle_epi32::<0>(byte);
                    let named = _mm_cmpeq_epi8(indices, _mm_set1_epi8($number));
                    found = _mm_or_si128(found, _mm_and_si128(byte, named));
                })* };
            }
            bytes!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            cast(found)
        }
    }

    /// `table[index]` for each index, 0 for those that are not below 16.
    #[inline(always)]
    pub(crate) fn swizzle<H: Host>(table: U8x16, indices: U8x16) -> U8x16 {
        match H::AVX {
            // The instruction looks at the highest bit and the lowest four.
            true => shuffle::<H>(table, map(indices, |index| index.saturating_add(0x70))),
            false => look_up([0; 16], table, indices),
        }
    }

    /// The same for indices that are below 16, or have their highest bit set.
    #[inline(always)]
    pub(crate) fn shuffle<H: Host>(table: U8x16, indices: U8x16) -> U8x16 {
        match H::AVX {
            // SAFETY: handlers for this host run where it has been found, and AVX includes SSSE3.
            true => unsafe { cast(_mm_shuffle_epi8(cast(table), cast(indices))) },
            false => look_up([0; 16], table, indices),
        }
    }

    /// What was found in one table, or else in another: the indices that were below 16 for the first are not for this one.
    #[inline(always)]
    pub(crate) fn shuffle_more<H: Host>(found: U8x16, table: U8x16, indices: U8x16) -> U8x16 {
        match H::AVX {
            true => zip(found, shuffle::<H>(table, indices), |a, b| a | b),
            false => look_up(found, table, indices),
        }
    }

    /// Two lanes, one of them replaced. The compiler would make numbers of them, with more integer registers than are free.
    #[inline(always)]
    pub(crate) fn replace_of_two(a: U64x2, lane: usize, value: u64) -> U64x2 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            let mask = _mm_cmpeq_epi32(_mm_set1_epi32(lane as i32), _mm_setr_epi32(0, 0, 1, 1));
            let value = _mm_set1_epi64x(value as i64);
            cast(_mm_or_si128(
                _mm_and_si128(mask, value),
                _mm_andnot_si128(mask, cast(a)),
            ))
        }
    }

    /// Two numbers of 32 bits, sign-extended.
    #[inline(always)]
    pub(crate) fn extend_i32<H: Host>(a: u64) -> I64x2 {
        // SAFETY: SSE2 is part of x86-64.
        let a = unsafe { _mm_cvtsi64_si128(a as i64) };
        match H::AVX {
            // SAFETY: as above; AVX includes SSE4.1.
            true => unsafe { cast(_mm_cvtepi32_epi64(a)) },
            // SAFETY: SSE2 is part of x86-64.
            false => unsafe { cast(_mm_unpacklo_epi32(a, _mm_srai_epi32::<31>(a))) },
        }
    }

    /// Products of the lower halves of lanes, which are zero-extended.
    #[inline(always)]
    pub(crate) fn mul_u32(a: U64x2, b: U64x2) -> U64x2 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { cast(_mm_mul_epu32(cast(a), cast(b))) }
    }

    /// Products of the lower halves of lanes, which are sign-extended.
    #[inline(always)]
    pub(crate) fn mul_i32<H: Host>(a: I64x2, b: I64x2) -> I64x2 {
        match H::AVX {
            // SAFETY: as above; AVX includes SSE4.1.
            true => unsafe { cast(_mm_mul_epi32(cast(a), cast(b))) },
            // The product without signs, and what that is off by.
            false => {
                let product = mul_u32(cast(a), cast(b));
                from_fn(|i| (product[i] as i64).wrapping_sub((a[i] >> 63 & b[i]).wrapping_add(b[i] >> 63 & a[i]) << 32))
            }
        }
    }
}

/// aarch64 has an instruction for what the compiler does not find, and it finds nearly everything.
#[cfg(all(target_arch = "aarch64", not(miri)))]
mod neon {
    use super::*;
    use std::arch::aarch64::*;

    /// `table[index]` for each index, 0 for those that are not below 16.
    #[inline(always)]
    pub(crate) fn swizzle<H: Host>(table: U8x16, indices: U8x16) -> U8x16 {
        // SAFETY: NEON is part of aarch64.
        unsafe { cast(vqtbl1q_u8(cast(table), cast(indices))) }
    }

    /// Sums of products of neighbours.
    #[inline(always)]
    pub(crate) fn dot_i16(a: I16x8, b: I16x8) -> I32x4 {
        // SAFETY: NEON is part of aarch64.
        unsafe {
            let (a, b) = (cast(a), cast(b));
            let low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
            cast(vpaddq_s32(low, vmull_high_s16(a, b)))
        }
    }

    macro_rules! roundings {
        ($($name:ident $lanes:ty, $instruction:ident;)*) => { $(
            #[inline(always)]
            pub(crate) fn $name(a: $lanes) -> $lanes {
                // SAFETY: NEON is part of aarch64.
                unsafe { cast($instruction(cast(a))) }
            }
        )* };
    }
    roundings! {
        ceil_f32 F32x4, vrndpq_f32;
        floor_f32 F32x4, vrndmq_f32;
        trunc_f32 F32x4, vrndq_f32;
        nearest_f32 F32x4, vrndnq_f32;
        ceil_f64 F64x2, vrndpq_f64;
        floor_f64 F64x2, vrndmq_f64;
        trunc_f64 F64x2, vrndq_f64;
        nearest_f64 F64x2, vrndnq_f64;
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
pub(crate) use neon::*;

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
mod portable {
    use super::*;

    /// Two lanes, one of them replaced.
    #[inline(always)]
    pub(crate) fn replace_of_two(a: U64x2, lane: usize, value: u64) -> U64x2 {
        const MASKS: [U64x2; 2] = [[u64::MAX, 0], [0, u64::MAX]];
        bitselect([value; 2], a, MASKS[lane & 1])
    }

    /// What was found in one table, or else in another.
    #[inline(always)]
    pub(crate) fn shuffle_more<H: Host>(found: U8x16, table: U8x16, indices: U8x16) -> U8x16 {
        zip(found, shuffle::<H>(table, indices), |a, b| a | b)
    }

    #[cfg(not(all(target_arch = "aarch64", not(miri))))]
    #[inline(always)]
    pub(crate) fn swizzle<H: Host>(table: U8x16, indices: U8x16) -> U8x16 {
        look_up(table, indices)
    }

    #[inline(always)]
    pub(crate) fn shuffle<H: Host>(table: U8x16, indices: U8x16) -> U8x16 {
        swizzle::<H>(table, indices)
    }

    #[inline(always)]
    pub(crate) fn extend_i32<H: Host>(a: u64) -> I64x2 {
        [a as i32 as i64, a as i64 >> 32]
    }

    #[inline(always)]
    pub(crate) fn mul_u32(a: U64x2, b: U64x2) -> U64x2 {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    pub(crate) fn mul_i32<H: Host>(a: I64x2, b: I64x2) -> I64x2 {
        zip(a, b, |a, b| a * b)
    }

    macro_rules! roundings {
        ($($name:ident $lanes:ty, $num:ident;)*) => { $(
            #[cfg(not(all(target_arch = "aarch64", not(miri))))]
            #[inline(always)]
            pub(crate) fn $name(a: $lanes) -> $lanes {
                map(a, num::$num)
            }
        )* };
    }
    roundings! {
        ceil_f32 F32x4, f32_ceil;
        floor_f32 F32x4, f32_floor;
        trunc_f32 F32x4, f32_trunc;
        nearest_f32 F32x4, f32_nearest;
        ceil_f64 F64x2, f64_ceil;
        floor_f64 F64x2, f64_floor;
        trunc_f64 F64x2, f64_trunc;
        nearest_f64 F64x2, f64_nearest;
    }

    #[inline(always)]
    pub(crate) fn avgr_u8(a: U8x16, b: U8x16) -> U8x16 {
        zip(a, b, |a, b| ((a as u16 + b as u16 + 1) >> 1) as u8)
    }

    #[inline(always)]
    pub(crate) fn avgr_u16(a: U16x8, b: U16x8) -> U16x8 {
        zip(a, b, |a, b| ((a as u32 + b as u32 + 1) >> 1) as u16)
    }

    /// `op` on the lanes of both, into lanes half as wide.
    #[inline(always)]
    fn narrow<A: Copy, B, const N: usize, const M: usize>(a: [A; N], b: [A; N], op: impl Fn(A) -> B) -> [B; M] {
        from_fn(|i| op(if i < N { a[i] } else { b[i - N] }))
    }

    #[inline(always)]
    pub(crate) fn narrow_i16_s(a: I16x8, b: I16x8) -> I8x16 {
        narrow(a, b, |a| a.clamp(-0x80, 0x7f) as i8)
    }

    #[inline(always)]
    pub(crate) fn narrow_i16_u(a: I16x8, b: I16x8) -> U8x16 {
        narrow(a, b, |a| a.clamp(0, 0xff) as u8)
    }

    #[inline(always)]
    pub(crate) fn narrow_i32_s(a: I32x4, b: I32x4) -> I16x8 {
        narrow(a, b, |a| a.clamp(-0x8000, 0x7fff) as i16)
    }

    #[inline(always)]
    pub(crate) fn narrow_i32_u<H: Host>(a: I32x4, b: I32x4) -> U16x8 {
        narrow(a, b, |a| a.clamp(0, 0xffff) as u16)
    }

    #[inline(always)]
    pub(crate) fn q15mulr<H: Host>(a: I16x8, b: I16x8) -> I16x8 {
        zip(a, b, |a, b| ((a as i32 * b as i32 + 0x4000) >> 15).min(0x7fff) as i16)
    }

    #[cfg(not(all(target_arch = "aarch64", not(miri))))]
    #[inline(always)]
    pub(crate) fn dot_i16(a: I16x8, b: I16x8) -> I32x4 {
        from_fn(|i| {
            let product = |i: usize| a[i] as i32 * b[i] as i32;
            product(2 * i).wrapping_add(product(2 * i + 1))
        })
    }

    macro_rules! tests {
        ($($all_true:ident $bitmask:ident $lanes:ty;)*) => { $(
            #[inline(always)]
            pub(crate) fn $all_true(a: $lanes) -> bool {
                a.iter().fold(true, |all, &lane| all & (lane != 0))
            }
            #[inline(always)]
            pub(crate) fn $bitmask(a: $lanes) -> u32 {
                let bit = |(i, &lane)| ((lane < 0) as u32) << i;
                a.iter().enumerate().map(bit).fold(0, |mask, bit| mask | bit)
            }
        )* };
    }
    tests! {
        all_true_i8 bitmask_i8 I8x16;
        all_true_i16 bitmask_i16 I16x8;
        all_true_i32 bitmask_i32 I32x4;
    }

    #[inline(always)]
    pub(crate) fn trunc_sat_s(a: F32x4) -> I32x4 {
        map(a, |a| a as i32)
    }

    #[inline(always)]
    pub(crate) fn trunc_sat_u(a: F32x4) -> U32x4 {
        map(a, |a| a as u32)
    }
}
