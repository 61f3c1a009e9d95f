//! Bulk memory operations, and the instructions the driver executes.

use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::layout::MEMORY_LEN;

/// Larger operations go to the driver, which works in chunks between which a stop is noticed.
pub(crate) const AT_ONCE: u64 = 64 * 1024;

/// Words of a bulk instruction and, within it, where its slow form begins.
pub(crate) const BULK_WORDS: usize = 2 + SLOW_WORDS;

/// Words of a slow instruction: handler; kind and three slots; two immediates; see `run::slow`.
pub(crate) const SLOW_WORDS: usize = 5;

handler! {
    /// Leaves for the driver. Word 1: kind, d (32 bits each). Word 2: a, b. Word 3: c. Word 4: immediates i, j.
    fn slow[](r) { leave!(r, SLOW) }
}
/// Gives the slow form operands that it may change: field 3 names the first of three slots.
#[inline(always)]
unsafe fn keep_progress(r: &mut Regs, a: u64, b: u64, c: u64) {
    // SAFETY: the caller is a handler of an instruction with that field (T1, F1).
    unsafe {
        let at = r.field(3);
        r.set_slot(at, a);
        r.set_slot(at + 1, b);
        r.set_slot(at + 2, c);
    }
}

/// An index operand of 64 bits or of 32.
#[inline(always)]
unsafe fn index<const WIDE: bool>(r: &Regs, field: usize) -> u64 {
    // SAFETY: T1, F1: the caller is a handler of an instruction with that field.
    let slot = unsafe { r.slot(r.field(field)) };
    if WIDE { slot } else { slot as u32 as u64 }
}

/// Whether `len` bytes, at most [`AT_ONCE`], from `at` on are not all among the first `size`.
#[inline(always)]
fn outside<const WIDE: bool>(at: u64, len: u64, size: u64) -> bool {
    if WIDE {
        at > size || size - at < len
    } else {
        at + len > size
    }
}

handler! {
    /// Fills memory 0. Word 1: slots of address, value, length, progress. What follows is the slow form, for long fills.
    fn memory_fill[const WIDE: bool](r) {
        let (at, value, len) = (index::<WIDE>(&r, 0), r.slot(r.field(1)), index::<WIDE>(&r, 2));
        if len > AT_ONCE {
            keep_progress(&mut r, at, value, len);
            next!(r, 2)
        }
        if outside::<WIDE>(at, len, *(r.mb.sub(MEMORY_LEN) as *const u64)) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        std::ptr::write_bytes(r.mb.add(at as usize), value as u8, len as usize);
        next!(r, BULK_WORDS)
    }
}
handler! {
    /// Copies within memory 0. Word 1: slots of destination, source, length, progress. The slow form follows.
    fn memory_copy[const WIDE: bool](r) {
        let (to, from, len) = (index::<WIDE>(&r, 0), index::<WIDE>(&r, 1), index::<WIDE>(&r, 2));
        if len > AT_ONCE {
            keep_progress(&mut r, to, from, len);
            next!(r, 2)
        }
        let size = *(r.mb.sub(MEMORY_LEN) as *const u64);
        if outside::<WIDE>(to, len, size) || outside::<WIDE>(from, len, size) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        std::ptr::copy(r.mb.add(from as usize), r.mb.add(to as usize), len as usize);
        next!(r, BULK_WORDS)
    }
}

/// By whether addresses have 64 bits.
pub(crate) static MEMORY_FILL: [Handler; 2] = [memory_fill::<false>, memory_fill::<true>];
pub(crate) static MEMORY_COPY: [Handler; 2] = [memory_copy::<false>, memory_copy::<true>];
