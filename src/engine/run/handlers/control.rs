//! Branches, calls and returns. Spec: exec/instructions.html#control-instructions
//!
//! Branch targets are absolute addresses of instructions. A backward branch tests for a stop request; so does every
//! call, in the callee's `enter`, where the stack limit is compared anyway.

use super::float::{F32Compare, F64Compare, Not};
use super::integer::Compare;
use super::*;
use crate::engine::ops::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::layout::VmFunc;
use crate::engine::run::operand::*;
use std::sync::atomic::{AtomicPtr, Ordering::Acquire};

/// Goes to `$target`; a backward branch first looks for a stop request, to be resumed at the target.
macro_rules! branch_to {
    ($r:ident, $back:expr, $target:expr) => {{
        let target = $target as *const u64;
        if $back {
            if_stop_requested!($r, {
                $r.ip = target;
                leave!($r, LIMIT)
            });
        }
        goto!($r, target)
    }};
}
pub(crate) use branch_to;

handler! {
    /// Word 1: target.
    fn br[const BACK: bool](r) { branch_to!(r, BACK, r.word(1)) }
}
handler! {
    /// Branches if `a op b`. Word 1: -, a, b (or the immediate). Word 2: target.
    fn branch[O: Compare, A: IntSrc, B: IntSrc, const BACK: bool](r) {
        if O::test(A::get(&r, 1), B::get(&r, 2)) { branch_to!(r, BACK, r.word(2)) }
        next!(r, 3)
    }
}
/// A loop's counter: read and written in one place. Field 0 of word 1 names its slot. The accumulator stays.
pub(crate) trait Counter {
    /// # Safety
    /// T1, F1, F2: for handlers, here and below.
    unsafe fn get(r: &Regs) -> u64;
    /// # Safety
    /// As for `get`.
    unsafe fn set(r: &mut Regs, value: u64);
}
/// What a loop's counter is compared with. Field 1 of word 1 names its slot; an immediate is the lower half of word 2.
pub(crate) trait Bound {
    /// # Safety
    /// T1, F1, F2: for handlers.
    unsafe fn get(r: &Regs) -> u64;
}
impl Counter for Slot {
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { r.slot(r.field(0)) }
    }
    #[inline(always)]
    unsafe fn set(r: &mut Regs, value: u64) {
        // SAFETY: the caller's promise.
        unsafe { r.set_slot(r.field(0), value) }
    }
}
macro_rules! pinned_counters {
    ($($class:ident)*) => {
        $(impl Counter for $class {
            #[inline(always)]
            // SAFETY: the caller's promise.
            unsafe fn get(r: &Regs) -> u64 { unsafe { <$class as IntSrc>::get(r, 0) } }
            #[inline(always)]
            // SAFETY: the caller's promise.
            unsafe fn set(r: &mut Regs, value: u64) { unsafe { <$class as IntDst>::set(r, value) } }
        })*
    };
}
pinned_counters!(L0);
#[cfg(all(tail, not(debug_assertions), not(miri)))]
pinned_counters!(L1);
macro_rules! bounds {
    ($($class:ident)*) => {
        $(impl Bound for $class {
            #[inline(always)]
            // SAFETY: the caller's promise.
            unsafe fn get(r: &Regs) -> u64 { unsafe { <$class as IntSrc>::get(r, 1) } }
        })*
    };
}
bounds!(Slot Acc L0);
#[cfg(all(tail, not(debug_assertions), not(miri)))]
bounds!(L1);
impl Bound for Imm {
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1.
        unsafe { r.wide(2) as u64 }
    }
}

handler! {
    /// Closes a loop: `a = a + k`, then back if `a op b`. Word 1: a, b, k in the upper half. Word 2: immediate b.
    /// Word 3: target.
    fn add_branch[O: Compare, A: Counter, B: Bound](r) {
        let value = (A::get(&r) as u32).wrapping_add(r.wide(1)) as u64;
        let holds = O::test(value, B::get(&r));
        A::set(&mut r, value);
        if holds { branch_to!(r, true, r.word(3)) }
        next!(r, 4)
    }
}
handler! {
    /// Branches if `a op b`. Word 1: -, a, b. Word 2: immediate. Word 3: target.
    fn branch_f64[O: F64Compare, A: F64Src, B: F64Src, const BACK: bool](r) {
        if O::test(A::get(&r, 1), B::get(&r, 2)) { branch_to!(r, BACK, r.word(3)) }
        next!(r, 4)
    }
}
handler! {
    fn branch_f32[O: F32Compare, A: F32Src, B: F32Src, const BACK: bool](r) {
        if O::test(A::get(&r, 1), B::get(&r, 2)) { branch_to!(r, BACK, r.word(3)) }
        next!(r, 4)
    }
}
handler! {
    /// Word 1: -, a, number of targets but the last in the upper half. Then the targets, the default last.
    fn br_table[A: IntSrc, const BACK: bool](r) {
        let index = A::get(&r, 1) as u32;
        let last = r.wide(1);
        let index = if index < last { index } else { last };
        branch_to!(r, BACK, r.word(2 + index as usize))
    }
}
handler! {
    fn unreachable[](r) { leave!(r, UNREACHABLE) }
}

handler! {
    /// Word 1: slot of the first value, index of the tag (32 bits each).
    fn throw[](r) { leave!(r, THROW) }
}
handler! {
    /// Throws an exception again. Word 1: slot of the reference (32 bits).
    fn throw_ref[](r) { leave!(r, THROW_REF) }
}

// ---- function entry ----------------------------------------------------------------------------------------------

/// Zeroes by this count mean: as many as the instruction says.
pub(crate) const ZEROES: usize = 5;

handler! {
    /// The first instruction of a function: checks the stack, zeroes the locals and fills the pins.
    /// Word 1: bytes of the frame, number of locals to zero (32 bits each).
    /// Word 2: first of them (32 bits), slots of l0 and l1 (16 bits each).
    fn enter[const ZERO: usize, const PINS: usize](r) {
        let top = r.sp.byte_add(r.wide(0) as usize);
        if_above_limit!(r, top, { leave!(r, LIMIT) });
        if ZERO > 0 {
            let first = r.sp.add(r.wide(2) as usize);
            if ZERO < ZEROES {
                let mut at = 0;
                while at < ZERO {
                    *first.add(at) = 0;
                    at += 1;
                }
            } else {
                // Volatile, or LLVM makes a call of memset of the loop.
                let end = first.add(r.wide(1) as usize);
                let mut at = first;
                while at < end {
                    at.write_volatile(0);
                    at = at.add(1);
                }
            }
        }
        if PINS > 0 { r.l0 = r.slot(*(r.ip.add(2) as *const u16).add(2) as usize); }
        if PINS > 1 { r.l1 = r.slot(*(r.ip.add(2) as *const u16).add(3) as usize); }
        next!(r, ENTER_WORDS)
    }
}
handler! {
    /// Fills the float pins, after `enter` and after calls. Word 1: slots of d0, d1, s1.
    fn load_float_pins[](r) {
        r.d0 = f64::from_bits(r.slot(r.field(0)));
        r.d1 = f64::from_bits(r.slot(r.field(1)));
        r.s1 = f32::from_bits(r.slot(r.field(2)) as u32);
        next!(r, 2)
    }
}
handler! {
    /// Charges the instructions up to the next of its kind. Word 1: how many.
    fn fuel[](r) {
        let cx = r.cx.get();
        let cost = r.word(1);
        let left = (*cx).fuel;
        if left < cost { leave!(r, OUT_OF_FUEL) }
        (*cx).fuel = left - cost;
        next!(r, 2)
    }
}

// ---- calls -------------------------------------------------------------------------------------------------------
//
// The callee's frame begins at the caller's slot `base`, where the arguments are. Its return record stands above
// parameters and results: the address to return to, then the caller's `sp`. The word before that address, the last
// of the call, names the caller's pins.

/// Makes the callee's frame, does what its `enter` says and goes on behind it.
///
/// All code begins with an `enter`, that of stubs too. Its first pin's slot is 0 when there is none: loading that does
/// no harm. When the frame does not fit, the `enter` itself is what is left undone.
macro_rules! call_code {
    ($r:ident, $code:expr, $words:expr) => {{
        let code: *const u64 = $code;
        let record = $r.sp.add($r.wide(1) as usize);
        *record = $r.ip.add($words) as u64;
        *record.add(1) = $r.sp as u64;
        $r.sp = $r.sp.add($r.wide(0) as usize);
        $r.ip = code;
        let top = $r.sp.byte_add($r.wide(0) as usize);
        if_above_limit!($r, top, { leave!($r, LIMIT) });
        if $r.wide(1) != 0 {
            std::hint::cold_path();
            // Nothing is live in the accumulator and the pins, so their registers do the work.
            $r.acc = $r.wide(1) as u64;
            $r.l0 = $r.sp.add($r.wide(2) as usize) as u64;
            while $r.acc != 0 {
                // Volatile, or LLVM makes a call of memset of the loop.
                ($r.l0 as *mut u64).write_volatile(0);
                $r.l0 += 8;
                $r.acc -= 1;
                not_unrolled!($r.acc);
            }
        }
        // Both pins' slots, in one load.
        let pins = $r.wide(3) as usize;
        $r.l0 = $r.slot(pins & 0xffff);
        $r.l1 = $r.slot(pins >> 16);
        next!($r, ENTER_WORDS)
    }};
}

/// Words of `enter`.
pub(crate) const ENTER_WORDS: usize = 3;

/// Words of the call instructions.
pub(crate) const CALL_WORDS: usize = 4;
pub(crate) const CALL_INDIRECT_WORDS: usize = 5;

handler! {
    /// Calls a function of this module. Word 1: base, record (32 bits each). Word 2: the callee's code, patched when
    /// it is translated. Word 3: pins l0, l1 (16 bits each), room for a safepoint id.
    fn call[](r) {
        let code = (*(r.ip.add(2) as *const AtomicPtr<u64>)).load(Acquire) as *const u64;
        call_code!(r, code, CALL_WORDS)
    }
}
handler! {
    /// Calls an imported function. Word 1: base, record. Word 2: index of the import. Word 3: as for `call`.
    fn call_import[](r) { leave!(r, CALL_IMPORT) }
}
handler! {
    /// Word 1: base, record. Word 2: type id (32 bits), table (16), slot of the index (16). Word 3: spare.
    /// Word 4: as word 3 of `call`.
    fn call_indirect[A: IndexSrc](r) {
        let instance = (*r.cx.get()).instance;
        let table = *(*instance).tables.add(*(r.ip.add(2) as *const u16).add(2) as usize);
        let index = A::index(&r) as u32 as u64;
        if index >= (*table).len { leave!(r, UNDEFINED_ELEMENT) }
        let func = *(*table).base.add(index as usize) as *const VmFunc;
        if func.is_null() { leave!(r, UNINITIALIZED_ELEMENT) }
        if (*func).sig != r.wide(2) {
            r.acc = func as u64;
            leave!(r, INDIRECT_CALL_TYPE)
        }
        if (*func).instance != instance {
            r.acc = func as u64;
            leave!(r, CALL_FOREIGN)
        }
        r.acc = (*func).code.load(Acquire) as u64;
        become_handler!(r, call_found)
    }
}
handler! {
    /// Calls what a reference refers to. Words as those of `call_indirect`, with the slot of the reference for that of the
    /// index.
    fn call_ref[A: IndexSrc](r) {
        let func = A::index(&r) as *const VmFunc;
        if func.is_null() { leave!(r, NULL_FUNCTION) }
        if (*func).instance != (*r.cx.get()).instance {
            r.acc = func as u64;
            leave!(r, CALL_FOREIGN)
        }
        r.acc = (*func).code.load(Acquire) as u64;
        become_handler!(r, call_found)
    }
}
handler! {
    /// What is left of an indirect call when its callee's code is known, in the accumulator. By itself, because together
    /// they need more registers than there are.
    #[inline(never)]
    fn call_found[](r) { call_code!(r, r.acc as *const u64, CALL_INDIRECT_WORDS) }
}

/// The index of an indirect call: field 3 of word 2 names its slot.
pub(crate) trait IndexSrc {
    /// # Safety
    /// T1, F1, F2: for handlers.
    unsafe fn index(r: &Regs) -> u64;
}
impl<S: IntSrc> IndexSrc for S {
    #[inline(always)]
    unsafe fn index(r: &Regs) -> u64 {
        // Field 3 of word 2 is field 7 counted from word 1.
        // SAFETY: the caller's promise.
        unsafe { S::get(r, 7) }
    }
}

/// Moves the arguments over the frame's own parameters, keeps its return record, and goes to `$code`.
///
/// Nothing is live in accumulators and pins here (`enter` fills its own), so their registers do the work: those that
/// remain would not be enough on x86-64.
macro_rules! return_call_code {
    ($r:ident, $arguments:expr, $records:expr, $code:expr) => {{
        let (own, callee) = ($records as u32 as usize, ($records >> 32) as usize);
        $r.d0 = *($r.sp.add(own) as *const f64);
        $r.d1 = *($r.sp.add(own + 1) as *const f64);
        $r.l0 = $r.sp.add($r.wide(0) as usize) as u64;
        $r.l1 = $r.l0 + $arguments as u64 * 8;
        $r.acc = $r.sp as u64;
        // Arguments lie above parameters, so going upwards never overwrites one unread. Volatile: no memmove.
        while $r.l0 < $r.l1 {
            ($r.acc as *mut u64).write_volatile(*($r.l0 as *const u64));
            $r.l0 += 8;
            $r.acc += 8;
        }
        *($r.sp.add(callee) as *mut f64) = $r.d0;
        *($r.sp.add(callee + 1) as *mut f64) = $r.d1;
        goto!($r, $code)
    }};
}

handler! {
    /// Word 1: base, slots of arguments. Word 2: address of the module's entry for the callee. Word 3: own record,
    /// the callee's record (32 bits each).
    fn return_call[](r) {
        let entry = r.word(2) as *const AtomicPtr<u64>;
        let code = (*entry).load(Acquire) as *const u64;
        return_call_code!(r, r.wide(1), r.word(3), code)
    }
}
handler! {
    /// Word 1: base, slots of arguments. Word 2: index of the import. Word 3: own record, the callee's record.
    fn return_call_import[](r) { leave!(r, RETURN_CALL_IMPORT) }
}
handler! {
    /// Word 1: base, slots of arguments. Word 2: as for `call_indirect`. Word 3: own record, the callee's record.
    fn return_call_indirect[](r) {
        let instance = (*r.cx.get()).instance;
        let table = *(*instance).tables.add(*(r.ip.add(2) as *const u16).add(2) as usize);
        let index = Slot::index(&r) as u32 as u64;
        if index >= (*table).len { leave!(r, UNDEFINED_ELEMENT) }
        let func = *(*table).base.add(index as usize) as *const VmFunc;
        if func.is_null() { leave!(r, UNINITIALIZED_ELEMENT) }
        if (*func).sig != r.wide(2) {
            r.acc = func as u64;
            leave!(r, INDIRECT_CALL_TYPE)
        }
        if (*func).instance != instance {
            r.acc = func as u64;
            leave!(r, RETURN_CALL_FOREIGN)
        }
        let code = (*func).code.load(Acquire) as *const u64;
        return_call_code!(r, r.wide(1), r.word(3), code)
    }
}

handler! {
    /// Words as those of `return_call_indirect`, with the slot of the reference for that of the index.
    fn return_call_ref[](r) {
        let func = Slot::index(&r) as *const VmFunc;
        if func.is_null() { leave!(r, NULL_FUNCTION) }
        if (*func).instance != (*r.cx.get()).instance {
            r.acc = func as u64;
            leave!(r, RETURN_CALL_FOREIGN)
        }
        let code = (*func).code.load(Acquire) as *const u64;
        return_call_code!(r, r.wide(1), r.word(3), code)
    }
}

/// Goes back to the caller: field 0 of word 1 names the return record.
macro_rules! return_to_caller {
    ($r:ident) => {{
        let record = $r.sp.add($r.field(0));
        let back = *record as *const u64;
        $r.sp = *record.add(1) as *mut u64;
        let pins = back.sub(1) as *const u16;
        $r.l0 = $r.slot(*pins as usize);
        $r.l1 = $r.slot(*pins.add(1) as usize);
        goto!($r, back)
    }};
}

handler! {
    /// Returns; results, if there are several, are in slots 0 and up already. Word 1: record.
    fn ret[](r) { return_to_caller!(r) }
}
handler! {
    /// Returns an integer or reference. Word 1: record, a (or the immediate).
    fn ret_int[A: IntSrc](r) {
        let value = A::get(&r, 1);
        r.acc = value;
        r.set_slot(0, value);
        return_to_caller!(r)
    }
}
handler! {
    fn ret_f64[A: F64Src](r) {
        let value = A::get(&r, 1);
        r.f0 = value;
        *(r.sp as *mut f64) = value;
        return_to_caller!(r)
    }
}
handler! {
    fn ret_f32[A: F32Src](r) {
        let value = A::get(&r, 1);
        r.s0 = value;
        r.set_slot(0, value.to_bits() as u64);
        return_to_caller!(r)
    }
}
handler! {
    /// Where a function called from another instance returns to.
    fn foreign_returned[](r) { leave!(r, FOREIGN_RETURNED) }
}
handler! {
    /// What a stub does after its `enter`: the function is not translated yet. Word 1: its index.
    fn translate[](r) { leave!(r, TRANSLATE) }
}

// ---- tables ------------------------------------------------------------------------------------------------------

macro_rules! by_ss {
    ($h:ident<$o:ty>, $back:literal) => {
        [by_ss!(@ $h<$o, Slot>, $back), by_ss!(@ $h<$o, Acc>, $back), by_ss!(@ $h<$o, L0>, $back),
         by_ss!(@ $h<$o, L1>, $back), by_ss!(@ $h<$o, Slot>, $back)]
    };
    (@ $h:ident<$o:ty, $a:ty>, $back:literal) => {
        [$h::<$o, $a, Slot, $back>, $h::<$o, $a, Acc, $back>, $h::<$o, $a, L0, $back>, $h::<$o, $a, L1, $back>,
         $h::<$o, $a, Imm, $back>]
    };
}
macro_rules! by_ss_small {
    ($h:ident<$o:ty>, $back:literal) => {
        [by_ss_small!(@ $h<$o, Slot>, $back), by_ss_small!(@ $h<$o, Acc>, $back), by_ss_small!(@ $h<$o, Slot>, $back),
         by_ss_small!(@ $h<$o, Slot>, $back), by_ss_small!(@ $h<$o, Imm>, $back)]
    };
    (@ $h:ident<$o:ty, $a:ty>, $back:literal) => {
        [$h::<$o, $a, Slot, $back>, $h::<$o, $a, Acc, $back>, $h::<$o, $a, Slot, $back>, $h::<$o, $a, Slot, $back>,
         $h::<$o, $a, Imm, $back>]
    };
}
macro_rules! branch_table { ($($name:ident $text:literal $v:ident $args:tt -> bool $b:block)*) => {
    /// By direction (forward, backward), comparison, and the classes of its operands.
    pub(crate) static BRANCH: [&[BySS]; 2] = [
        &[$(by_ss!(branch<super::integer::$name>, false)),*],
        &[$(by_ss!(branch<super::integer::$name>, true)),*],
    ];
} }
for_each_compare!(branch_table);
macro_rules! float_branch_tables { ($($name:ident $text:literal $v32:ident $v64:ident $args:tt $b:block)*) => {
    /// By direction, whether the comparison is negated, comparison, and the classes of its operands.
    pub(crate) static BRANCH_F64: [[&[BySS]; 2]; 2] = [
        [&[$(by_ss_small!(branch_f64<super::float::$name>, false)),*],
         &[$(by_ss_small!(branch_f64<Not<super::float::$name>>, false)),*]],
        [&[$(by_ss_small!(branch_f64<super::float::$name>, true)),*],
         &[$(by_ss_small!(branch_f64<Not<super::float::$name>>, true)),*]],
    ];
    pub(crate) static BRANCH_F32: [[&[BySS]; 2]; 2] = [
        [&[$(by_ss_small!(branch_f32<super::float::$name>, false)),*],
         &[$(by_ss_small!(branch_f32<Not<super::float::$name>>, false)),*]],
        [&[$(by_ss_small!(branch_f32<super::float::$name>, true)),*],
         &[$(by_ss_small!(branch_f32<Not<super::float::$name>>, true)),*]],
    ];
} }
for_each_float_compare!(float_branch_tables);

macro_rules! by_bound {
    ($o:ident) => {
        [by_bound!(@ $o Slot), by_bound!(@ $o Slot), by_bound!(@ $o L0), by_bound!(@ $o L1)]
    };
    (@ $o:ident $a:ty) => {
        [add_branch::<super::integer::$o, $a, Slot>, add_branch::<super::integer::$o, $a, Acc>,
         add_branch::<super::integer::$o, $a, L0>, add_branch::<super::integer::$o, $a, L1>,
         add_branch::<super::integer::$o, $a, Imm>]
    };
}
/// By comparison (those of i32), then the classes of counter (the accumulator's place is filled by the slot form) and
/// bound.
#[rustfmt::skip]
pub(crate) static ADD_BRANCH: [[[Handler; 5]; 4]; CompareOp::OF_I32] = [
    by_bound!(I32Eq), by_bound!(I32Ne), by_bound!(I32LtS), by_bound!(I32LtU), by_bound!(I32GtS),
    by_bound!(I32GtU), by_bound!(I32LeS), by_bound!(I32LeU), by_bound!(I32GeS), by_bound!(I32GeU),
];

pub(crate) static BR: [Handler; 2] = [br::<false>, br::<true>];
/// By direction, then the class of the index.
pub(crate) static BR_TABLE: [[Handler; 4]; 2] = [
    [
        br_table::<Slot, false>,
        br_table::<Acc, false>,
        br_table::<L0, false>,
        br_table::<L1, false>,
    ],
    [
        br_table::<Slot, true>,
        br_table::<Acc, true>,
        br_table::<L0, true>,
        br_table::<L1, true>,
    ],
];
/// By locals to zero (the last: as the instruction says), then by pins.
pub(crate) static ENTER: [[Handler; 3]; ZEROES + 1] = [
    [enter::<0, 0>, enter::<0, 1>, enter::<0, 2>],
    [enter::<1, 0>, enter::<1, 1>, enter::<1, 2>],
    [enter::<2, 0>, enter::<2, 1>, enter::<2, 2>],
    [enter::<3, 0>, enter::<3, 1>, enter::<3, 2>],
    [enter::<4, 0>, enter::<4, 1>, enter::<4, 2>],
    [enter::<5, 0>, enter::<5, 1>, enter::<5, 2>],
];
pub(crate) static CALL_INDIRECT: [Handler; 4] = [
    call_indirect::<Slot>,
    call_indirect::<Acc>,
    call_indirect::<L0>,
    call_indirect::<L1>,
];
pub(crate) static CALL_REF: [Handler; 4] = [call_ref::<Slot>, call_ref::<Acc>, call_ref::<L0>, call_ref::<L1>];
pub(crate) static RET_INT: [Handler; 5] = [
    ret_int::<Slot>,
    ret_int::<Acc>,
    ret_int::<L0>,
    ret_int::<L1>,
    ret_int::<Imm>,
];
pub(crate) static RET_F64: [Handler; 5] = [
    ret_f64::<Slot>,
    ret_f64::<Acc>,
    ret_f64::<L0>,
    ret_f64::<L1>,
    ret_f64::<Imm>,
];
pub(crate) static RET_F32: [Handler; 5] = [
    ret_f32::<Slot>,
    ret_f32::<Acc>,
    ret_f32::<L0>,
    ret_f32::<Slot>,
    ret_f32::<Imm>,
];
