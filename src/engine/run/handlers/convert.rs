//! Conversions between the banks.

use super::float::f32_by_d;
use super::*;
use crate::engine::num::{self, NumTrap};
use crate::engine::ops::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::operand::*;

/// A conversion from one bank's values to another's.
pub(crate) trait Convert<From, To> {
    fn eval(a: From) -> To;
}
/// A float made an integer slot, or a trap.
pub(crate) trait Truncate<From> {
    fn eval(a: From) -> Result<u64, NumTrap>;
}

/// What values of a bank are to handlers.
macro_rules! value_of {
    (Int) => {
        u64
    };
    (F32) => {
        f32
    };
    (F64) => {
        f64
    };
}
pub(crate) use value_of;

macro_rules! convert_rows {
    ($($name:ident $text:literal $visit:ident $fb:ident $ft:ident => $tb:ident $tt:ident ($a:ident) $body:block)*) => {
        $(pub(crate) struct $name;
        impl Convert<value_of!($fb), value_of!($tb)> for $name {
            #[inline(always)]
            fn eval($a: value_of!($fb)) -> value_of!($tb) { $body }
        })*
    };
}
for_each_convert!(convert_rows);
macro_rules! truncate_rows {
    ($($name:ident $text:literal $visit:ident $fb:ident $ft:ident => $tb:ident $tt:ident ($a:ident) $body:block)*) => {
        $(pub(crate) struct $name;
        impl Truncate<value_of!($fb)> for $name {
            #[inline(always)]
            fn eval($a: value_of!($fb)) -> Result<u64, NumTrap> { $body }
        })*
    };
}
for_each_truncate!(truncate_rows);

macro_rules! convert_handler {
    ($name:ident: $src:ident $from:ty => $dst:ident $to:ty) => {
        handler! {
            /// `d = op a`. Word 1: d, a.
            fn $name[O: Convert<$from, $to>, A: $src, D: $dst](r) {
                let value = O::eval(A::get(&r, 1));
                D::set(&mut r, value);
                next!(r, 2)
            }
        }
    };
}
convert_handler!(int_to_f64: IntSrc u64 => F64Dst f64);
convert_handler!(int_to_f32: IntSrc u64 => F32Dst f32);
convert_handler!(f64_to_int: F64Src f64 => IntDst u64);
convert_handler!(f32_to_int: F32Src f32 => IntDst u64);
convert_handler!(f32_to_f64: F32Src f32 => F64Dst f64);
convert_handler!(f64_to_f32: F64Src f64 => F32Dst f32);

macro_rules! truncate_handler {
    ($name:ident: $src:ident $from:ty) => {
        handler! {
            /// `d = op a`, or a trap. Word 1: d, a.
            fn $name[O: Truncate<$from>, A: $src, D: IntDst](r) {
                match O::eval(A::get(&r, 1)) {
                    Ok(value) => {
                        D::set(&mut r, value);
                        next!(r, 2)
                    }
                    Err(NumTrap::InvalidConversion) => leave!(r, INVALID_CONVERSION),
                    Err(_) => leave!(r, INTEGER_OVERFLOW),
                }
            }
        }
    };
}
truncate_handler!(f64_truncate: F64Src f64);
truncate_handler!(f32_truncate: F32Src f32);

/// The table of one conversion: its banks choose the handler and the shape of its destinations.
macro_rules! by_classes {
    ($d:ident $h:ident<$o:ty>) => {
        [$d!($h<$o, Slot>), $d!($h<$o, Acc>), $d!($h<$o, Slot>), $d!($h<$o, Slot>), $d!($h<$o, Slot>)]
    };
}
macro_rules! convert_entry {
    ($o:ident Int F64) => { by_classes!(by_d int_to_f64<$o>) };
    ($o:ident Int F32) => { by_classes!(f32_by_d int_to_f32<$o>) };
    ($o:ident F64 Int) => { by_classes!(by_d f64_to_int<$o>) };
    ($o:ident F32 Int) => { by_classes!(by_d f32_to_int<$o>) };
    ($o:ident F32 F64) => { by_classes!(by_d f32_to_f64<$o>) };
    ($o:ident F64 F32) => { by_classes!(f32_by_d f64_to_f32<$o>) };
}
macro_rules! truncate_entry {
    ($o:ident F64) => { by_classes!(by_d f64_truncate<$o>) };
    ($o:ident F32) => { by_classes!(by_d f32_truncate<$o>) };
}
macro_rules! convert_table {
    ($($name:ident $text:literal $visit:ident $fb:ident $ft:ident => $tb:ident $tt:ident $args:tt $body:block)*) => {
        pub(crate) static CONVERT: &[BySD] = &[$(convert_entry!($name $fb $tb)),*];
    };
}
for_each_convert!(convert_table);
macro_rules! truncate_table {
    ($($name:ident $text:literal $visit:ident $fb:ident $ft:ident => $tb:ident $tt:ident $args:tt $body:block)*) => {
        pub(crate) static TRUNCATE: &[BySD] = &[$(truncate_entry!($name $fb)),*];
    };
}
for_each_truncate!(truncate_table);
