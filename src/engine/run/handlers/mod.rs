//! The handlers, one generic function per shape, and the tables that hold every combination of operation and
//! operand classes. The translator picks from the tables; nothing else names a handler.
//!
//! A handler reads like a sentence: read the operands, compute, write, go on. What each word of its instruction
//! holds stands in its comment; word 0 is always the handler.

pub(crate) mod atomic;
pub(crate) mod bulk;
pub(crate) mod control;
pub(crate) mod convert;
pub(crate) mod float;
pub(crate) mod fused;
pub(crate) mod integer;
pub(crate) mod memory;
pub(crate) mod object;
pub(crate) mod reference;
pub(crate) mod simd;
pub(crate) mod variable;

use super::dispatch::Handler;

/// By destination class.
pub(crate) type ByD = [Handler; 4];
/// By source class, then destination class.
pub(crate) type BySD = [ByD; 5];
/// By both source classes and the destination class. A left immediate exists for floats only.
pub(crate) type BySSD = [BySD; 5];
/// By both source classes, for branches.
pub(crate) type BySS = [[Handler; 5]; 5];

/// `[handler::<.., D>]` for each destination class.
macro_rules! by_d {
    ($h:ident) => {
        by_d!($h<>)
    };
    ($h:ident<$($g:ty),*>) => { [$h::<$($g,)* Slot>, $h::<$($g,)* Acc>, $h::<$($g,)* L0>, $h::<$($g,)* L1>] };
}
/// For each source class, pins and immediate included.
macro_rules! by_sd {
    ($h:ident) => {
        by_sd!($h<>)
    };
    ($h:ident<$($g:ty),*>) => {
        [by_d!($h<$($g,)* Slot>), by_d!($h<$($g,)* Acc>), by_d!($h<$($g,)* L0>), by_d!($h<$($g,)* L1>),
         by_d!($h<$($g,)* Imm>)]
    };
}
/// The same with pins read from their slots and no immediate (its place is filled by the slot form).
macro_rules! by_sd_small {
    ($h:ident<$($g:ty),*>) => {
        [by_d!($h<$($g,)* Slot>), by_d!($h<$($g,)* Acc>), by_d!($h<$($g,)* Slot>), by_d!($h<$($g,)* Slot>),
         by_d!($h<$($g,)* Slot>)]
    };
}
macro_rules! by_ssd {
    ($h:ident<$($g:ty),*>) => {
        [by_sd!($h<$($g,)* Slot>), by_sd!($h<$($g,)* Acc>), by_sd!($h<$($g,)* L0>), by_sd!($h<$($g,)* L1>),
         by_sd!($h<$($g,)* Slot>)]
    };
}
/// Slot and accumulator on the left; slot, accumulator and immediate on the right.
macro_rules! by_ssd_small {
    ($h:ident<$($g:ty),*>) => {
        [by_ssd_small!(@ $h<$($g,)* Slot>), by_ssd_small!(@ $h<$($g,)* Acc>), by_ssd_small!(@ $h<$($g,)* Slot>),
         by_ssd_small!(@ $h<$($g,)* Slot>), by_ssd_small!(@ $h<$($g,)* Slot>)]
    };
    (@ $h:ident<$($g:ty),*>) => {
        [by_d!($h<$($g,)* Slot>), by_d!($h<$($g,)* Acc>), by_d!($h<$($g,)* Slot>), by_d!($h<$($g,)* Slot>),
         by_d!($h<$($g,)* Imm>)]
    };
}
pub(crate) use {by_d, by_sd, by_sd_small, by_ssd, by_ssd_small};
