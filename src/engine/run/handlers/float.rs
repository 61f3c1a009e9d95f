//! Float arithmetic and copies.

use super::*;
use crate::engine::num;
use crate::engine::ops::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::operand::*;

/// The f32 bank has one pin, so tables for it fill the second one's place with slot forms.
macro_rules! f32_by_d {
    ($h:ident<$($g:ty),*>) => { [$h::<$($g,)* Slot>, $h::<$($g,)* Acc>, $h::<$($g,)* L0>, $h::<$($g,)* Slot>] };
}
macro_rules! f32_by_sd {
    ($h:ident) => {
        f32_by_sd!($h<>)
    };
    ($h:ident<$($g:ty),*>) => {
        [f32_by_d!($h<$($g,)* Slot>), f32_by_d!($h<$($g,)* Acc>), f32_by_d!($h<$($g,)* L0>),
         f32_by_d!($h<$($g,)* Slot>), f32_by_d!($h<$($g,)* Imm>)]
    };
}
macro_rules! f32_by_ssd {
    ($h:ident<$($g:ty),*>) => {
        [f32_by_sd!($h<$($g,)* Slot>), f32_by_sd!($h<$($g,)* Acc>), f32_by_sd!($h<$($g,)* L0>),
         f32_by_sd!($h<$($g,)* Slot>), f32_by_sd!($h<$($g,)* Imm>)]
    };
}
macro_rules! f64_by_ssd {
    ($h:ident<$($g:ty),*>) => {
        [by_sd!($h<$($g,)* Slot>), by_sd!($h<$($g,)* Acc>), by_sd!($h<$($g,)* L0>), by_sd!($h<$($g,)* L1>),
         by_sd!($h<$($g,)* Imm>)]
    };
}
/// Slots, accumulator and immediate only, for both banks.
macro_rules! small_by_sd {
    ($d:ident $h:ident<$($g:ty),*>) => {
        [$d!($h<$($g,)* Slot>), $d!($h<$($g,)* Acc>), $d!($h<$($g,)* Slot>), $d!($h<$($g,)* Slot>), $d!($h<$($g,)* Imm>)]
    };
}
macro_rules! small_by_ssd {
    ($d:ident $h:ident<$($g:ty),*>) => {
        [small_by_sd!($d $h<$($g,)* Slot>), small_by_sd!($d $h<$($g,)* Acc>), small_by_sd!($d $h<$($g,)* Slot>),
         small_by_sd!($d $h<$($g,)* Slot>), small_by_sd!($d $h<$($g,)* Imm>)]
    };
}
pub(crate) use f32_by_d;

macro_rules! bank {
    ($t:ty, $src:ident, $dst:ident, $binary_trait:ident, $unary_trait:ident, $compare_trait:ident,
     $binary:ident, $unary:ident, $compare:ident, $copy:ident) => {
        pub(crate) trait $binary_trait {
            fn eval(a: $t, b: $t) -> $t;
        }
        pub(crate) trait $unary_trait {
            fn eval(a: $t) -> $t;
        }
        pub(crate) trait $compare_trait {
            fn test(a: $t, b: $t) -> bool;
        }
        handler! {
            /// `d = a op b`. Word 1: d, a, b as 16-bit slots; word 2 holds the immediate of either.
            fn $binary[O: $binary_trait, A: $src, B: $src, D: $dst](r) {
                let value = O::eval(A::get(&r, 1), B::get(&r, 2));
                D::set(&mut r, value);
                next!(r, if A::WORDS > B::WORDS { A::WORDS } else { B::WORDS })
            }
        }
        handler! {
            /// `d = op a`. Word 1: d, a.
            fn $unary[O: $unary_trait, A: $src, D: $dst](r) {
                let value = O::eval(A::get(&r, 1));
                D::set(&mut r, value);
                next!(r, 2)
            }
        }
        handler! {
            /// `d = a op b` as an integer. Words as for arithmetic.
            fn $compare[O: $compare_trait, A: $src, B: $src, D: IntDst](r) {
                let value = O::test(A::get(&r, 1), B::get(&r, 2)) as u64;
                D::set(&mut r, value);
                next!(r, if A::WORDS > B::WORDS { A::WORDS } else { B::WORDS })
            }
        }
        handler! {
            /// `d = a`. Word 1: d, a; word 2 holds the immediate.
            fn $copy[A: $src, D: $dst](r) {
                let value = A::get(&r, 1);
                D::set(&mut r, value);
                next!(r, A::WORDS)
            }
        }
    };
}
bank!(
    f64,
    F64Src,
    F64Dst,
    F64Binary,
    F64Unary,
    F64Compare,
    f64_binary,
    f64_unary,
    f64_compare,
    f64_copy
);
bank!(
    f32,
    F32Src,
    F32Dst,
    F32Binary,
    F32Unary,
    F32Compare,
    f32_binary,
    f32_unary,
    f32_compare,
    f32_copy
);

macro_rules! binary_rows {
    ($trait:ident $t:ty: $($name:ident $text:literal $visit:ident ($a:ident, $b:ident) $body:block)*) => {
        $(pub(crate) struct $name;
        impl $trait for $name { #[inline(always)] fn eval($a: $t, $b: $t) -> $t { $body } })*
    };
}
macro_rules! f64_rows { ($($t:tt)*) => { binary_rows! { F64Binary f64: $($t)* } } }
for_each_f64_binary_full!(f64_rows);
for_each_f64_binary_small!(f64_rows);
macro_rules! f32_rows { ($($t:tt)*) => { binary_rows! { F32Binary f32: $($t)* } } }
for_each_f32_binary_full!(f32_rows);
for_each_f32_binary_small!(f32_rows);
macro_rules! unary_rows {
    ($trait:ident $t:ty: $($name:ident $text:literal $visit:ident ($a:ident) $body:block)*) => {
        $(pub(crate) struct $name;
        impl $trait for $name { #[inline(always)] fn eval($a: $t) -> $t { $body } })*
    };
}
macro_rules! f64_unary_rows { ($($t:tt)*) => { unary_rows! { F64Unary f64: $($t)* } } }
for_each_f64_unary!(f64_unary_rows);
macro_rules! f32_unary_rows { ($($t:tt)*) => { unary_rows! { F32Unary f32: $($t)* } } }
for_each_f32_unary!(f32_unary_rows);
macro_rules! compare_rows {
    ($($name:ident $text:literal $v32:ident $v64:ident ($a:ident, $b:ident) $body:block)*) => {
        $(pub(crate) struct $name;
        impl F64Compare for $name { #[inline(always)] fn test($a: f64, $b: f64) -> bool { $body } }
        impl F32Compare for $name { #[inline(always)] fn test($a: f32, $b: f32) -> bool { $body } })*
    };
}
for_each_float_compare!(compare_rows);

/// The comparison that holds when `O` does not, NaN included.
pub(crate) struct Not<O>(std::marker::PhantomData<O>);
impl<O: F64Compare> F64Compare for Not<O> {
    #[inline(always)]
    fn test(a: f64, b: f64) -> bool {
        !O::test(a, b)
    }
}
impl<O: F32Compare> F32Compare for Not<O> {
    #[inline(always)]
    fn test(a: f32, b: f32) -> bool {
        !O::test(a, b)
    }
}

macro_rules! f64_full_table { ($($name:ident $text:literal $v:ident $args:tt $b:block)*) => {
    pub(crate) static F64_BINARY: &[BySSD] = &[$(f64_by_ssd!(f64_binary<$name>)),*];
} }
for_each_f64_binary_full!(f64_full_table);
macro_rules! f64_small_table { ($($name:ident $text:literal $v:ident $args:tt $b:block)*) => {
    pub(crate) static F64_SMALL: &[BySSD] = &[$(small_by_ssd!(by_d f64_binary<$name>)),*];
} }
for_each_f64_binary_small!(f64_small_table);
macro_rules! f32_full_table { ($($name:ident $text:literal $v:ident $args:tt $b:block)*) => {
    pub(crate) static F32_BINARY: &[BySSD] = &[$(f32_by_ssd!(f32_binary<$name>)),*];
} }
for_each_f32_binary_full!(f32_full_table);
macro_rules! f32_small_table { ($($name:ident $text:literal $v:ident $args:tt $b:block)*) => {
    pub(crate) static F32_SMALL: &[BySSD] = &[$(small_by_ssd!(f32_by_d f32_binary<$name>)),*];
} }
for_each_f32_binary_small!(f32_small_table);
macro_rules! f64_unary_table { ($($name:ident $text:literal $v:ident $args:tt $b:block)*) => {
    pub(crate) static F64_UNARY: &[BySD] = &[$(by_sd_small!(f64_unary<$name>)),*];
} }
for_each_f64_unary!(f64_unary_table);
macro_rules! f32_unary_table { ($($name:ident $text:literal $v:ident $args:tt $b:block)*) => {
    pub(crate) static F32_UNARY: &[BySD] = &[$([
        f32_by_d!(f32_unary<$name, Slot>), f32_by_d!(f32_unary<$name, Acc>), f32_by_d!(f32_unary<$name, Slot>),
        f32_by_d!(f32_unary<$name, Slot>), f32_by_d!(f32_unary<$name, Slot>)
    ]),*];
} }
for_each_f32_unary!(f32_unary_table);
macro_rules! float_compare_tables { ($($name:ident $text:literal $v32:ident $v64:ident $args:tt $b:block)*) => {
    pub(crate) static F64_COMPARE: &[BySSD] = &[$(small_by_ssd!(by_d f64_compare<$name>)),*];
    pub(crate) static F32_COMPARE: &[BySSD] = &[$(small_by_ssd!(by_d f32_compare<$name>)),*];
} }
for_each_float_compare!(float_compare_tables);
pub(crate) static F64_COPY: BySD = by_sd!(f64_copy);
pub(crate) static F32_COPY: BySD = f32_by_sd!(f32_copy);
