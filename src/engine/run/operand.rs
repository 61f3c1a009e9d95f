//! Operand classes: where an instruction reads a source and writes its result. They are types, so that each
//! combination is a handler of its own.
//!
//! Slots are always right for locals: pins are written through. The portable loop gains nothing from pins, so there
//! both pin classes are one that reads and writes the slot alone.

#![allow(clippy::missing_safety_doc)]

use super::dispatch::Regs;

/// Rust types as they sit in a slot: 32-bit ones zero-extended.
pub(crate) trait Cell: Copy {
    fn from_cell(cell: u64) -> Self;
    fn to_cell(self) -> u64;
}
macro_rules! cells {
    ($($t:ty: $cell:ident => $from:expr, $value:ident => $to:expr;)*) => {
        $(impl Cell for $t {
            #[inline(always)]
            fn from_cell($cell: u64) -> $t { $from }
            #[inline(always)]
            fn to_cell(self) -> u64 { let $value = self; $to }
        })*
    };
}
cells! {
    u64: c => c, v => v;
    i64: c => c as i64, v => v as u64;
    u32: c => c as u32, v => v as u64;
    i32: c => c as i32, v => v as u32 as u64;
    bool: c => c != 0, v => v as u64;
}

/// A source or destination in a frame slot. As a destination it also leaves the value in the accumulator.
pub(crate) struct Slot;
/// The accumulator of the bank.
pub(crate) struct Acc;
/// The immediate of the instruction.
pub(crate) struct Imm;

/// Where an operand of the integer bank is read.
pub(crate) trait IntSrc {
    /// The value; `field` is the 16-bit field of word 1 that names the slot.
    unsafe fn get(r: &Regs, field: usize) -> u64;
}
/// Where a result of the integer bank is written. Field 0 of word 1 names the slot.
pub(crate) trait IntDst {
    unsafe fn set(r: &mut Regs, value: u64);
}
pub(crate) trait F64Src {
    /// Words of an instruction with this operand: an immediate takes word 2.
    const WORDS: usize = 2;
    unsafe fn get(r: &Regs, field: usize) -> f64;
}
pub(crate) trait F64Dst {
    unsafe fn set(r: &mut Regs, value: f64);
}
pub(crate) trait F32Src {
    const WORDS: usize = 2;
    unsafe fn get(r: &Regs, field: usize) -> f32;
}
pub(crate) trait F32Dst {
    unsafe fn set(r: &mut Regs, value: f32);
}

macro_rules! source {
    ($trait:ident $class:ident $t:ty: ($r:ident, $field:ident) $value:expr $(, words $words:expr)?) => {
        impl $trait for $class {
            $(const WORDS: usize = $words;)?
            #[inline(always)]
            unsafe fn get($r: &Regs, $field: usize) -> $t {
                // SAFETY: T1, F1, F2: the caller is a handler.
                #[allow(unused_unsafe)]
                unsafe {
                    $value
                }
            }
        }
    };
}
macro_rules! destination {
    ($trait:ident $class:ident $t:ty: ($r:ident, $value:ident) $write:expr) => {
        impl $trait for $class {
            #[inline(always)]
            unsafe fn set($r: &mut Regs, $value: $t) {
                // SAFETY: T1, F1, F2: the caller is a handler.
                #[allow(unused_unsafe)]
                unsafe {
                    $write
                }
            }
        }
    };
}

source!(IntSrc Slot u64: (r, field) r.slot(r.field(field)));
source!(IntSrc Acc u64: (r, _field) r.acc);
source!(IntSrc Imm u64: (r, _field) r.imm());
destination!(IntDst Slot u64: (r, value) { r.acc = value; r.set_slot(r.field(0), value) });
destination!(IntDst Acc u64: (r, value) r.acc = value);

source!(F64Src Slot f64: (r, field) f64::from_bits(r.slot(r.field(field))));
source!(F64Src Acc f64: (r, _field) r.f0);
source!(F64Src Imm f64: (r, _field) f64::from_bits(r.word(2)), words 3);
destination!(F64Dst Slot f64: (r, value) { r.f0 = value; *(r.sp.add(r.field(0)) as *mut f64) = value });
destination!(F64Dst Acc f64: (r, value) r.f0 = value);

source!(F32Src Slot f32: (r, field) f32::from_bits(r.slot(r.field(field)) as u32));
source!(F32Src Acc f32: (r, _field) r.s0);
source!(F32Src Imm f32: (r, _field) f32::from_bits(r.word(2) as u32), words 3);
destination!(F32Dst Slot f32: (r, value) { r.s0 = value; r.set_slot(r.field(0), value.to_bits() as u64) });
destination!(F32Dst Acc f32: (r, value) r.s0 = value);

#[cfg(all(tail, not(debug_assertions), not(miri)))]
mod pins {
    use super::*;

    /// The first and second pinned local of the integer or f64 bank; `L0` also the only one of the f32 bank.
    pub(crate) struct L0;
    pub(crate) struct L1;

    source!(IntSrc L0 u64: (r, _field) r.l0);
    source!(IntSrc L1 u64: (r, _field) r.l1);
    destination!(IntDst L0 u64: (r, value) { r.l0 = value; r.set_slot(r.field(0), value) });
    destination!(IntDst L1 u64: (r, value) { r.l1 = value; r.set_slot(r.field(0), value) });
    source!(F64Src L0 f64: (r, _field) r.d0);
    source!(F64Src L1 f64: (r, _field) r.d1);
    destination!(F64Dst L0 f64: (r, value) { r.d0 = value; *(r.sp.add(r.field(0)) as *mut f64) = value });
    destination!(F64Dst L1 f64: (r, value) { r.d1 = value; *(r.sp.add(r.field(0)) as *mut f64) = value });
    source!(F32Src L0 f32: (r, _field) r.s1);
    destination!(F32Dst L0 f32: (r, value) { r.s1 = value; r.set_slot(r.field(0), value.to_bits() as u64) });
}

#[cfg(not(all(tail, not(debug_assertions), not(miri))))]
mod pins {
    use super::*;

    /// A pinned local. It is only a slot here, but the accumulator must stay as it is.
    pub(crate) struct L0;
    pub(crate) type L1 = L0;

    source!(IntSrc L0 u64: (r, field) r.slot(r.field(field)));
    destination!(IntDst L0 u64: (r, value) r.set_slot(r.field(0), value));
    source!(F64Src L0 f64: (r, field) f64::from_bits(r.slot(r.field(field))));
    destination!(F64Dst L0 f64: (r, value) r.set_slot(r.field(0), value.to_bits()));
    source!(F32Src L0 f32: (r, field) f32::from_bits(r.slot(r.field(field)) as u32));
    destination!(F32Dst L0 f32: (r, value) r.set_slot(r.field(0), value.to_bits() as u64));
}
pub(crate) use pins::{L0, L1};

/// Classes of sources as the translator names them: the order of the handler tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Src {
    Slot = 0,
    Acc = 1,
    L0 = 2,
    L1 = 3,
    Imm = 4,
}

/// Classes of destinations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Dst {
    Slot = 0,
    Acc = 1,
    L0 = 2,
    L1 = 3,
}
