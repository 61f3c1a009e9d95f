//! Integer arithmetic, comparisons, moves and selection.

use super::*;
use crate::engine::num::{self, NumTrap};
use crate::engine::ops::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::operand::{Acc, Cell, Imm, IntDst, IntSrc, L0, L1, Slot};

/// Two slots in, one slot out.
pub(crate) trait Binary {
    fn eval(a: u64, b: u64) -> u64;
}
/// As [`Binary`], or a trap.
pub(crate) trait Division {
    fn eval(a: u64, b: u64) -> Result<u64, NumTrap>;
}
/// A condition on two slots.
pub(crate) trait Compare {
    fn test(a: u64, b: u64) -> bool;
}
pub(crate) trait Unary {
    fn eval(a: u64) -> u64;
}

/// Operands by their number in, two slots out.
pub(crate) trait Wide {
    /// The lower half, and what the upper one needs of it.
    fn low(x: impl Fn(usize) -> u64) -> (u64, u64);
    fn high(x: impl Fn(usize) -> u64, of_low: u64) -> u64;
}

/// The value a comparison pushes.
pub(crate) struct Value<O>(std::marker::PhantomData<O>);
impl<O: Compare> Binary for Value<O> {
    #[inline(always)]
    fn eval(a: u64, b: u64) -> u64 {
        O::test(a, b) as u64
    }
}

macro_rules! rows {
    ($($name:ident $text:literal $visit:ident ($a:ident: $at:ty, $b:ident: $bt:ty) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl Binary for $name {
            #[inline(always)]
            fn eval(a: u64, b: u64) -> u64 {
                let ($a, $b) = (<$at as Cell>::from_cell(a), <$bt as Cell>::from_cell(b));
                let value: $r = $body;
                value.to_cell()
            }
        })*
    };
}
for_each_binary_full!(rows);
for_each_binary_small!(rows);
for_each_binary_reversed!(rows);

macro_rules! compare_rows {
    ($($name:ident $text:literal $visit:ident ($a:ident: $at:ty, $b:ident: $bt:ty) -> bool $body:block)*) => {
        $(pub(crate) struct $name;
        impl Compare for $name {
            #[inline(always)]
            fn test(a: u64, b: u64) -> bool {
                let ($a, $b) = (<$at as Cell>::from_cell(a), <$bt as Cell>::from_cell(b));
                $body
            }
        })*
    };
}
for_each_compare!(compare_rows);

macro_rules! division_rows {
    ($($name:ident $text:literal $visit:ident ($a:ident: $at:ty, $b:ident: $bt:ty) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl Division for $name {
            #[inline(always)]
            fn eval(a: u64, b: u64) -> Result<u64, NumTrap> {
                let ($a, $b) = (<$at as Cell>::from_cell(a), <$bt as Cell>::from_cell(b));
                match $body {
                    Ok(value) => Ok(<$r as Cell>::to_cell(value)),
                    Err(trap) => Err(trap),
                }
            }
        })*
    };
}
for_each_division!(division_rows);

macro_rules! wide_rows {
    ($($name:ident $text:literal $visit:ident $count:literal ($x:ident, $of_low:ident) $low:block $high:block)*) => {
        $(pub(crate) struct $name;
        impl Wide for $name {
            #[inline(always)]
            fn low($x: impl Fn(usize) -> u64) -> (u64, u64) { $low }
            #[inline(always)]
            #[allow(unused_variables)]
            fn high($x: impl Fn(usize) -> u64, $of_low: u64) -> u64 { $high }
        })*
    };
}
for_each_wide!(wide_rows);

macro_rules! unary_rows {
    ($($name:ident $text:literal $visit:ident $f:ident $t:ident ($a:ident: $at:ty) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl Unary for $name {
            #[inline(always)]
            fn eval(a: u64) -> u64 {
                let $a = <$at as Cell>::from_cell(a);
                let value: $r = $body;
                value.to_cell()
            }
        })*
    };
}
for_each_unary!(unary_rows);

handler! {
    /// `d = a op b`. Word 1: d, a, b as 16-bit slots; an immediate takes the upper half.
    fn binary[O: Binary, A: IntSrc, B: IntSrc, D: IntDst](r) {
        let value = O::eval(A::get(&r, 1), B::get(&r, 2));
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    /// `d = a op b`, or a trap. Word 1 as for [`binary`].
    fn divide[O: Division, A: IntSrc, B: IntSrc, D: IntDst](r) {
        match O::eval(A::get(&r, 1), B::get(&r, 2)) {
            Ok(value) => {
                D::set(&mut r, value);
                next!(r, 2)
            }
            Err(trap) => leave_num_trap!(r, trap),
        }
    }
}
handler! {
    /// `d = op a`. Word 1: d, a.
    fn unary[O: Unary, A: IntSrc, D: IntDst](r) {
        let value = O::eval(A::get(&r, 1));
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    /// `d and the slot after it = a op b`. Word 1: d. From there on: the operands. Slots have 32 bits.
    ///
    /// The lower half is written before the upper one is computed, because there are few registers: no operand but the
    /// first stands in its slot, and that has been read.
    fn wide[O: Wide](r) {
        let (low, of_low) = O::low(|at| r.slot(r.wide(1 + at) as usize));
        // Nothing is expected in the accumulator.
        r.acc = low;
        let d = r.wide(0) as usize;
        r.set_slot(d, low);
        let high = O::high(|at| r.slot(r.wide(1 + at) as usize), of_low);
        r.set_slot(d + 1, high);
        next!(r, 4)
    }
}
handler! {
    /// `d = a`. Word 1: d, a, or the immediate in the upper half.
    fn copy[A: IntSrc, D: IntDst](r) {
        let value = A::get(&r, 1);
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    /// `d = word 2`. Word 1: d.
    fn constant[D: IntDst](r) {
        let value = r.word(2);
        D::set(&mut r, value);
        next!(r, 3)
    }
}
handler! {
    /// `d = condition != 0 ? a : b`. Word 1: d, condition, a, b; immediates of a and b in the halves of word 2.
    fn select[A: IntSelected, B: IntSelected, C: IntSrc, D: IntDst](r) {
        let value = if C::get(&r, 1) as u32 != 0 { A::get(&r, 2, 2) } else { B::get(&r, 3, 3) };
        D::set(&mut r, value);
        next!(r, 3)
    }
}
handler! {
    /// Copies between slots too far for 16 bits. Word 1: d, a as 32-bit slots.
    fn copy_far[](r) {
        let value = r.slot(r.wide(1) as usize);
        r.set_slot(r.wide(0) as usize, value);
        next!(r, 2)
    }
}
/// A value `select` may choose: a slot (pins are read from theirs) or a 32-bit immediate.
pub(crate) trait IntSelected {
    /// # Safety
    /// T1, F1, F2: for handlers.
    unsafe fn get(r: &Regs, field: usize, wide: usize) -> u64;
}
impl IntSelected for Slot {
    #[inline(always)]
    unsafe fn get(r: &Regs, field: usize, _: usize) -> u64 {
        // SAFETY: T1, F1, F2.
        unsafe { r.slot(r.field(field)) }
    }
}
impl IntSelected for Imm {
    #[inline(always)]
    unsafe fn get(r: &Regs, _: usize, wide: usize) -> u64 {
        // SAFETY: T1.
        unsafe { r.wide(wide) as i32 as i64 as u64 }
    }
}

macro_rules! full_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    pub(crate) static BINARY: &[BySSD] = &[$(by_ssd!(binary<$name>)),*];
} }
for_each_binary_full!(full_table);
macro_rules! small_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    pub(crate) static SMALL: &[BySSD] = &[$(by_ssd_small!(binary<$name>)),*];
} }
for_each_binary_small!(small_table);
macro_rules! reversed_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    /// The right operand is always the immediate. By the class of the left one, then of the destination.
    pub(crate) static REVERSED: &[[ByD; 4]] = &[$([
        by_d!(binary<$name, Slot, Imm>), by_d!(binary<$name, Acc, Imm>), by_d!(binary<$name, L0, Imm>),
        by_d!(binary<$name, L1, Imm>)
    ]),*];
} }
for_each_binary_reversed!(reversed_table);
macro_rules! compare_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    pub(crate) static COMPARE: &[BySSD] = &[$(by_ssd_small!(binary<Value<$name>>)),*];
} }
for_each_compare!(compare_table);
macro_rules! division_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    pub(crate) static DIVISION: &[BySSD] = &[$(by_ssd_small!(divide<$name>)),*];
} }
for_each_division!(division_table);
macro_rules! wide_table { ($($name:ident $text:literal $v:ident $count:literal $x:tt $low:block $high:block)*) => {
    pub(crate) static WIDE: &[Handler] = &[$(wide::<$name>),*];
} }
for_each_wide!(wide_table);
macro_rules! unary_table { ($($name:ident $text:literal $v:ident $f:ident $t:ident $args:tt -> $r:ty $b:block)*) => {
    pub(crate) static UNARY: &[BySD] = &[$(by_sd_small!(unary<$name>)),*];
} }
for_each_unary!(unary_table);

pub(crate) static COPY: BySD = by_sd!(copy);
pub(crate) static CONSTANT: ByD = by_d!(constant);
pub(crate) static COPY_FAR: Handler = copy_far;

macro_rules! by_condition {
    ($a:ty, $b:ty) => {
        [by_d!(select<$a, $b, Slot>), by_d!(select<$a, $b, Acc>), by_d!(select<$a, $b, L0>), by_d!(select<$a, $b, L1>)]
    };
}
/// By whether a and b are immediates, then the classes of condition and destination.
pub(crate) static SELECT: [[[ByD; 4]; 2]; 2] = [
    [by_condition!(Slot, Slot), by_condition!(Slot, Imm)],
    [by_condition!(Imm, Slot), by_condition!(Imm, Imm)],
];
