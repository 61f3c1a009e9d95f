//! Globals. Spec: exec/instructions.html#variable-instructions
//!
//! Globals of an instance that defines its memory 0 (or has none) lie below `mb`; others are reached through the
//! instance (`far`).

use super::float::f32_by_d;
use super::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::operand::*;

/// The address of a global below `mb`. Word 1, upper half: its distance in bytes.
#[inline(always)]
unsafe fn near(r: &Regs) -> *mut u64 {
    // SAFETY: T1; the instance reserved the cell (M1).
    unsafe { r.mb.sub(r.wide(1) as usize) as *mut u64 }
}

/// The address of any global. Word 1, upper half: its index.
#[inline(always)]
unsafe fn far(r: &Regs) -> *mut u64 {
    // SAFETY: C1; the index was validated (T1).
    unsafe { *(*(*r.cx.get()).instance).globals.add(r.wide(1) as usize) }
}

/// How a global is found.
pub(crate) trait Place {
    /// # Safety
    /// T1, C1, M1: for handlers.
    unsafe fn cell(r: &Regs) -> *mut u64;
}
pub(crate) struct Near;
pub(crate) struct Far;
impl Place for Near {
    #[inline(always)]
    unsafe fn cell(r: &Regs) -> *mut u64 {
        // SAFETY: the caller's promise.
        unsafe { near(r) }
    }
}
impl Place for Far {
    #[inline(always)]
    unsafe fn cell(r: &Regs) -> *mut u64 {
        // SAFETY: the caller's promise.
        unsafe { far(r) }
    }
}

handler! {
    /// `d = global`. Word 1: d, then the global.
    fn global_get[P: Place, D: IntDst](r) {
        let value = *P::cell(&r);
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    fn global_get_f64[P: Place, D: F64Dst](r) {
        let value = *(P::cell(&r) as *const f64);
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    fn global_get_f32[P: Place, D: F32Dst](r) {
        let value = *(P::cell(&r) as *const f32);
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    /// `global = a`. Word 1: -, a, then the global. An immediate is word 2.
    fn global_set[P: Place, A: IntSrc](r) {
        let value = A::get(&r, 1);
        *P::cell(&r) = value;
        next!(r, 2)
    }
}
handler! {
    fn global_set_f64[P: Place, A: F64Src](r) {
        let value = A::get(&r, 1);
        *(P::cell(&r) as *mut f64) = value;
        next!(r, 2)
    }
}
handler! {
    fn global_set_f32[P: Place, A: F32Src](r) {
        let value = A::get(&r, 1);
        *P::cell(&r) = value.to_bits() as u64;
        next!(r, 2)
    }
}

macro_rules! by_s {
    ($h:ident<$p:ty>) => {
        [$h::<$p, Slot>, $h::<$p, Acc>, $h::<$p, L0>, $h::<$p, L1>]
    };
}
macro_rules! f32_by_s {
    ($h:ident<$p:ty>) => {
        [$h::<$p, Slot>, $h::<$p, Acc>, $h::<$p, L0>, $h::<$p, Slot>]
    };
}

/// By place (near, far), then destination or source class, in each bank.
pub(crate) static GLOBAL_GET: [ByD; 2] = [by_d!(global_get<Near>), by_d!(global_get<Far>)];
pub(crate) static GLOBAL_GET_F64: [ByD; 2] = [by_d!(global_get_f64<Near>), by_d!(global_get_f64<Far>)];
pub(crate) static GLOBAL_GET_F32: [ByD; 2] = [f32_by_d!(global_get_f32<Near>), f32_by_d!(global_get_f32<Far>)];
pub(crate) static GLOBAL_SET: [ByD; 2] = [by_s!(global_set<Near>), by_s!(global_set<Far>)];
pub(crate) static GLOBAL_SET_F64: [ByD; 2] = [by_s!(global_set_f64<Near>), by_s!(global_set_f64<Far>)];
pub(crate) static GLOBAL_SET_F32: [ByD; 2] = [f32_by_s!(global_set_f32<Near>), f32_by_s!(global_set_f32<Far>)];
