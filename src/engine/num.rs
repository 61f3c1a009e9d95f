//! The specification's numeric functions as plain functions. Spec: exec/numerics.html
//!
//! No engine types, no libm: x86-64 without SSE4.1 has no rounding instruction, and a call out of a handler would
//! cost a prologue, so rounding is done with additions.

/// Why a numeric instruction traps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NumTrap {
    DivideByZero,
    Overflow,
    InvalidConversion,
}
use NumTrap::*;

macro_rules! signed_division {
    ($div:ident, $rem:ident, $t:ty) => {
        #[inline(always)]
        pub(crate) fn $div(a: $t, b: $t) -> Result<$t, NumTrap> {
            if b == 0 {
                return Err(DivideByZero);
            }
            if b == -1 {
                return if a == <$t>::MIN {
                    Err(Overflow)
                } else {
                    Ok(a.wrapping_neg())
                };
            }
            // Not `wrapping_div`: at opt-level z that is a call.
            Ok(a / b)
        }
        #[inline(always)]
        pub(crate) fn $rem(a: $t, b: $t) -> Result<$t, NumTrap> {
            if b == 0 {
                return Err(DivideByZero);
            }
            // MIN % -1 is 0, but the machine's division overflows on it.
            if b == -1 {
                return Ok(0);
            }
            Ok(a % b)
        }
    };
}
signed_division!(i32_div_s, i32_rem_s, i32);
signed_division!(i64_div_s, i64_rem_s, i64);

macro_rules! unsigned_division {
    ($div:ident, $rem:ident, $t:ty) => {
        #[inline(always)]
        pub(crate) fn $div(a: $t, b: $t) -> Result<$t, NumTrap> {
            a.checked_div(b).ok_or(DivideByZero)
        }
        #[inline(always)]
        pub(crate) fn $rem(a: $t, b: $t) -> Result<$t, NumTrap> {
            a.checked_rem(b).ok_or(DivideByZero)
        }
    };
}
unsigned_division!(u32_div, u32_rem, u32);
unsigned_division!(u64_div, u64_rem, u64);

macro_rules! float_functions {
    ($t:ty, $mantissa:expr, $quiet:expr,
     $min:ident $max:ident $copysign:ident $abs:ident $neg:ident $ceil:ident $floor:ident $trunc:ident $nearest:ident
     $quieted:ident $magnitude:ident $canonical:ident) => {
        const _: () = assert!(<$t>::MANTISSA_DIGITS == $mantissa + 1);
        /// A NaN made quiet, as every arithmetic instruction does.
        #[inline(always)]
        fn $quieted(a: $t) -> $t {
            <$t>::from_bits(a.to_bits() | $quiet)
        }
        /// Any NaN as the one that the deterministic profile knows: positive, with the payload's highest bit alone.
        #[inline(always)]
        pub(crate) fn $canonical(a: $t) -> $t {
            if a == a {
                a
            } else {
                <$t>::from_bits(<$t>::INFINITY.to_bits() | $quiet)
            }
        }
        #[inline(always)]
        pub(crate) fn $abs(a: $t) -> $t {
            // Sign-bit operations of the standard library keep NaNs and stay in float registers.
            a.abs()
        }
        #[inline(always)]
        pub(crate) fn $neg(a: $t) -> $t {
            -a
        }
        #[inline(always)]
        pub(crate) fn $copysign(a: $t, b: $t) -> $t {
            a.copysign(b)
        }
        #[inline(always)]
        pub(crate) fn $min(a: $t, b: $t) -> $t {
            if a < b {
                a
            } else if b < a {
                b
            } else if a == b {
                // Equal, or zeros of different sign: -0 is the smaller.
                <$t>::from_bits(a.to_bits() | b.to_bits())
            } else if a != a {
                $quieted(a)
            } else {
                $quieted(b)
            }
        }
        #[inline(always)]
        pub(crate) fn $max(a: $t, b: $t) -> $t {
            if a > b {
                a
            } else if b > a {
                b
            } else if a == b {
                <$t>::from_bits(a.to_bits() & b.to_bits())
            } else if a != a {
                $quieted(a)
            } else {
                $quieted(b)
            }
        }
        /// `|a|` rounded to an integer, ties to even, for `|a|` below 2^mantissa; larger values are integers already.
        #[inline(always)]
        fn $magnitude(a: $t) -> $t {
            const INTEGERS: $t = (1u64 << $mantissa) as $t;
            ($abs(a) + INTEGERS) - INTEGERS
        }
        #[inline(always)]
        pub(crate) fn $nearest(a: $t) -> $t {
            const INTEGERS: $t = (1u64 << $mantissa) as $t;
            if $abs(a) < INTEGERS {
                $copysign($magnitude(a), a)
            } else if a != a {
                $quieted(a)
            } else {
                a
            }
        }
        #[inline(always)]
        pub(crate) fn $floor(a: $t) -> $t {
            let near = $nearest(a);
            if near > a { $copysign(near - 1.0, a) } else { near }
        }
        #[inline(always)]
        pub(crate) fn $ceil(a: $t) -> $t {
            let near = $nearest(a);
            if near < a { $copysign(near + 1.0, a) } else { near }
        }
        #[inline(always)]
        pub(crate) fn $trunc(a: $t) -> $t {
            let near = $nearest(a);
            if $abs(near) > $abs(a) {
                $copysign($abs(near) - 1.0, a)
            } else {
                near
            }
        }
    };
}
float_functions! {
    f32, 23, 0x0040_0000,
    f32_min f32_max f32_copysign f32_abs f32_neg f32_ceil f32_floor f32_trunc f32_nearest f32_quiet f32_magnitude
    f32_canonical
}
float_functions! {
    f64, 52, 0x0008_0000_0000_0000,
    f64_min f64_max f64_copysign f64_abs f64_neg f64_ceil f64_floor f64_trunc f64_nearest f64_quiet f64_magnitude
    f64_canonical
}

#[inline(always)]
pub(crate) fn promote(a: f32) -> f64 {
    a as f64
}
#[inline(always)]
pub(crate) fn demote(a: f64) -> f32 {
    a as f32
}

/// `$low` and `$high` are the nearest floats outside the range on either side; the result is a slot.
macro_rules! truncation {
    ($name:ident, $from:ty, $to:ty, $unsigned:ty, $low:expr, $high:expr) => {
        #[inline(always)]
        pub(crate) fn $name(a: $from) -> Result<u64, NumTrap> {
            if a > $low && a < $high {
                Ok(a as $to as $unsigned as u64)
            } else if a != a {
                Err(InvalidConversion)
            } else {
                Err(Overflow)
            }
        }
    };
}
// f32 and, for 64 bits, f64 have no value strictly between MIN - 1 and MIN: the bound is the next float below MIN.
truncation!(f32_to_i32, f32, i32, u32, -2147483904.0, 2147483648.0);
truncation!(f32_to_u32, f32, u32, u32, -1.0, 4294967296.0);
truncation!(f64_to_i32, f64, i32, u32, -2147483649.0, 2147483648.0);
truncation!(f64_to_u32, f64, u32, u32, -1.0, 4294967296.0);
truncation!(f32_to_i64, f32, i64, u64, -9223373136366403584.0, 9223372036854775808.0);
truncation!(f32_to_u64, f32, u64, u64, -1.0, 18446744073709551616.0);
truncation!(f64_to_i64, f64, i64, u64, -9223372036854777856.0, 9223372036854775808.0);
truncation!(f64_to_u64, f64, u64, u64, -1.0, 18446744073709551616.0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_agrees_with_the_standard_library() {
        let mut bits = 0x9e37_79b9_7f4a_7c15u64;
        for i in 0..200_000u64 {
            bits = bits.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // Half of the samples near the integers, where rounding happens.
            let a = if i % 2 == 0 {
                f64::from_bits(bits)
            } else {
                (bits as i64 >> 40) as f64 / 4.0
            };
            let b = if i % 2 == 0 {
                f32::from_bits(bits as u32)
            } else {
                (bits as i64 >> 44) as f32 / 4.0
            };
            if a == a {
                assert_eq!(f64_floor(a).to_bits(), a.floor().to_bits(), "floor {a}");
                assert_eq!(f64_ceil(a).to_bits(), a.ceil().to_bits(), "ceil {a}");
                assert_eq!(f64_trunc(a).to_bits(), a.trunc().to_bits(), "trunc {a}");
                assert_eq!(f64_nearest(a).to_bits(), a.round_ties_even().to_bits(), "nearest {a}");
            }
            if b == b {
                assert_eq!(f32_floor(b).to_bits(), b.floor().to_bits(), "floor {b}");
                assert_eq!(f32_ceil(b).to_bits(), b.ceil().to_bits(), "ceil {b}");
                assert_eq!(f32_trunc(b).to_bits(), b.trunc().to_bits(), "trunc {b}");
                assert_eq!(f32_nearest(b).to_bits(), b.round_ties_even().to_bits(), "nearest {b}");
            }
        }
    }

    #[test]
    fn zeros_keep_their_sign_and_nan_is_quieted() {
        assert_eq!(f64_ceil(-0.5).to_bits(), (-0.0f64).to_bits());
        assert_eq!(f64_min(0.0, -0.0).to_bits(), (-0.0f64).to_bits());
        assert_eq!(f64_max(-0.0, 0.0).to_bits(), 0.0f64.to_bits());
        let signalling = f64::from_bits(0x7ff0_0000_0000_0001);
        assert_eq!(f64_floor(signalling).to_bits(), 0x7ff8_0000_0000_0001);
        assert_eq!(f64_min(1.0, signalling).to_bits(), 0x7ff8_0000_0000_0001);
        for nan in [signalling, -signalling, f64::NAN, -f64::NAN] {
            assert_eq!(f64_canonical(nan).to_bits(), 0x7ff8_0000_0000_0000);
        }
        assert_eq!(f32_canonical(f32::from_bits(0xffff_ffff)).to_bits(), 0x7fc0_0000);
        for number in [0.0, -0.0, 1.5, f64::MIN_POSITIVE / 2.0, f64::NEG_INFINITY] {
            assert_eq!(f64_canonical(number).to_bits(), number.to_bits());
        }
    }

    #[test]
    fn division_and_truncation_trap_at_the_edges() {
        assert_eq!(i32_div_s(i32::MIN, -1), Err(Overflow));
        assert_eq!(i32_rem_s(i32::MIN, -1), Ok(0));
        assert_eq!(u64_rem(1, 0), Err(DivideByZero));
        assert_eq!(f64_to_i32(-2147483648.9), Ok(i32::MIN as u32 as u64));
        assert_eq!(f64_to_i32(2147483648.0), Err(Overflow));
        assert_eq!(f32_to_i64(-9223372036854775808.0), Ok(i64::MIN as u64));
        assert_eq!(f64_to_u64(f64::NAN), Err(InvalidConversion));
        assert_eq!(f64_to_u32(-0.9), Ok(0));
    }
}
