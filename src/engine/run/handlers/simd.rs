//! Vectors. Spec: exec/instructions.html#vector-instructions
//!
//! A v128 lies in two slots that follow each other, its byte 0 in the lowest byte of the first. The second is above no
//! 16-bit number that matters: an instruction names the first.

use super::variable::{Far, Near, Place};
use super::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::operand::*;

/// A vector whose lanes do not matter.
type Bits = [u64; 2];

impl Regs {
    /// The vector in the slots from `at` on.
    #[inline(always)]
    unsafe fn vector<V: Copy>(&self, at: usize) -> V {
        // SAFETY: the translator names no slot outside the frame (F1), and `enter` checked that the frame fits (F2).
        unsafe { (self.sp.add(at) as *const V).read_unaligned() }
    }

    #[inline(always)]
    unsafe fn set_vector<V: Copy>(&mut self, at: usize, value: V) {
        // SAFETY: F1, F2.
        unsafe { (self.sp.add(at) as *mut V).write_unaligned(value) }
    }
}

handler! {
    /// `d = a`. Word 1: d, a.
    fn copy_v128[](r) {
        let value: Bits = r.vector(r.field(1));
        r.set_vector(r.field(0), value);
        next!(r, 2)
    }
}
handler! {
    /// `d = words 2 and 3`. Word 1: d.
    fn constant_v128[](r) {
        let value: Bits = [r.word(2), r.word(3)];
        r.set_vector(r.field(0), value);
        next!(r, 4)
    }
}
handler! {
    /// `d = condition != 0 ? a : b`. Word 1: d, condition, a, b.
    fn select_v128[C: IntSrc](r) {
        let chosen = if C::get(&r, 1) as u32 != 0 { r.field(2) } else { r.field(3) };
        let value: Bits = r.vector(chosen);
        r.set_vector(r.field(0), value);
        next!(r, 2)
    }
}
handler! {
    /// `d = global`. Word 1: d, then the global.
    fn global_get_v128[P: Place](r) {
        let value = (P::cell(&r) as *const Bits).read_unaligned();
        r.set_vector(r.field(0), value);
        next!(r, 2)
    }
}
handler! {
    /// `global = a`. Word 1: -, a, then the global.
    fn global_set_v128[P: Place](r) {
        let value: Bits = r.vector(r.field(1));
        (P::cell(&r) as *mut Bits).write_unaligned(value);
        next!(r, 2)
    }
}

pub(crate) static COPY: Handler = copy_v128;
pub(crate) static CONSTANT: Handler = constant_v128;
/// By the class of the condition.
pub(crate) static SELECT: ByD = [
    select_v128::<Slot>,
    select_v128::<Acc>,
    select_v128::<L0>,
    select_v128::<L1>,
];
/// By place (near, far).
pub(crate) static GLOBAL_GET: [Handler; 2] = [global_get_v128::<Near>, global_get_v128::<Far>];
pub(crate) static GLOBAL_SET: [Handler; 2] = [global_set_v128::<Near>, global_set_v128::<Far>];
