//! Instructions that do what two or three did: which ones exist was decided by counting what real programs execute
//! (`wasmrun exec --stats`). Compare-and-branch, address additions and loop steps stand with their families.

use super::memory::{self, At};
use super::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::handlers::control::branch_to;
use crate::engine::run::handlers::integer::{self, Compare};
use crate::engine::run::handlers::memory::{Address, Load, outside, place};
use crate::engine::run::handlers::variable::{Near, Place};
use crate::engine::run::operand::*;

// ---- arithmetic --------------------------------------------------------------------------------------------------

handler! {
    /// `d = rotate_right(a, k) & m`: a shift and a mask, in either order. Word 1: d, a, k. Word 2: m.
    fn rotate_and[A: IntSrc, D: IntDst](r) {
        let value = (A::get(&r, 1) as u32).rotate_right(r.field(2) as u32) & r.wide(2);
        D::set(&mut r, value as u64);
        next!(r, 3)
    }
}
handler! {
    /// `d = (rotate_right(a, k) & m) + b`. Word 1: d, a, b, k. Word 2: m.
    fn rotate_and_add[A: IntSrc, B: IntSrc, D: IntDst](r) {
        let value = (A::get(&r, 1) as u32).rotate_right(r.field(3) as u32) & r.wide(2);
        let value = value.wrapping_add(B::get(&r, 2) as u32);
        D::set(&mut r, value as u64);
        next!(r, 3)
    }
}
handler! {
    /// `d = (a << k) + b`. Word 1: d, a, b, k.
    fn shl_add[A: IntSrc, B: IntSrc, D: IntDst](r) {
        let value = (A::get(&r, 1) as u32).wrapping_shl(r.field(3) as u32).wrapping_add(B::get(&r, 2) as u32);
        D::set(&mut r, value as u64);
        next!(r, 2)
    }
}

// ---- globals -----------------------------------------------------------------------------------------------------

handler! {
    /// `d = global + k`. Word 1: d, -, the global. Word 2: k.
    fn global_sum[D: IntDst](r) {
        let value = (*Near::cell(&r) as u32).wrapping_add(r.wide(2)) as u64;
        D::set(&mut r, value);
        next!(r, 3)
    }
}
handler! {
    /// `d = global = global + k`: how C functions make room on their stack. Words as for `global_sum`.
    fn global_step[D: IntDst](r) {
        let cell = Near::cell(&r);
        let value = (*cell as u32).wrapping_add(r.wide(2)) as u64;
        *cell = value;
        D::set(&mut r, value);
        next!(r, 3)
    }
}
handler! {
    /// `global = a + k`: how they give it back. Word 1: -, a, the global. Word 2: k.
    fn global_set_sum[A: IntSrc](r) {
        let value = (A::get(&r, 1) as u32).wrapping_add(r.wide(2)) as u64;
        *Near::cell(&r) = value;
        next!(r, 3)
    }
}

// ---- branches ----------------------------------------------------------------------------------------------------

handler! {
    /// Branches if `a op k`, k of 64 bits. Word 1: -, a. Word 2: k. Word 3: target.
    fn branch_wide[O: Compare, A: IntSrc, const BACK: bool](r) {
        if O::test(A::get(&r, 1), r.word(2)) { branch_to!(r, BACK, r.word(3)) }
        next!(r, 4)
    }
}
handler! {
    /// Branches if `(a & m) op k`. Word 1: -, a, m. Word 2: k. Word 3: target.
    fn and_branch[O: Compare, A: IntSrc, const BACK: bool](r) {
        let value = A::get(&r, 1) as u32 & r.wide(1);
        if O::test(value as u64, r.wide(2) as u64) { branch_to!(r, BACK, r.word(3)) }
        next!(r, 4)
    }
}
handler! {
    /// Branches if `memory[a + offset] op k`. Word 1: -, a, offset (to the end). Word 2: k. Word 3: target.
    fn load_branch[L: Load, O: Compare, A: IntSrc, const BACK: bool](r) {
        let end = At::<A>::get(&r);
        if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = L::eval(place::<L::Raw>(r.mb, end).read_unaligned());
        if O::test(value, r.wide(2) as u64) { branch_to!(r, BACK, r.word(3)) }
        next!(r, 4)
    }
}
handler! {
    /// A `br_table` by `a + k`. Word 1: -, a, number of targets but the last. Word 2: k. Then as `br_table`.
    fn br_table_sum[A: IntSrc, const BACK: bool](r) {
        let index = (A::get(&r, 1) as u32).wrapping_add(r.wide(2));
        let last = r.wide(1);
        let index = if index < last { index } else { last };
        branch_to!(r, BACK, r.word(3 + index as usize))
    }
}

// ---- steps of locals ---------------------------------------------------------------------------------------------
//
// What is written here stays out of the accumulator: the encoder joins only where nobody reads it there.

/// A slot that is written with its pin, if it has one.
pub(crate) trait Kept {
    /// # Safety
    /// T1, F1, F2: for handlers, here and below.
    unsafe fn set(r: &mut Regs, field: usize, value: u64);
    /// Its value, in the slot that `field` names.
    /// # Safety
    /// As for `set`.
    unsafe fn get(r: &Regs, field: usize) -> u64;
}
macro_rules! kept {
    ($($class:ident $($pin:ident)?;)*) => {
        $(impl Kept for $class {
            #[inline(always)]
            unsafe fn set(r: &mut Regs, field: usize, value: u64) {
                $(r.$pin = value;)?
                // SAFETY: the caller's promise.
                unsafe { r.set_slot(r.field(field), value) }
            }
            #[inline(always)]
            unsafe fn get(r: &Regs, field: usize) -> u64 {
                // SAFETY: the caller's promise.
                unsafe { <$class as IntSrc>::get(r, field) }
            }
        })*
    };
}
#[cfg(all(tail, not(debug_assertions), not(miri)))]
kept! { Slot; L0 l0; L1 l1; }
#[cfg(not(all(tail, not(debug_assertions), not(miri))))]
kept! { Slot; L0; }

/// What a copy copies: a slot (pins are read from theirs), or an immediate.
pub(crate) trait Copied {
    const WORDS: usize;
    /// # Safety
    /// T1, F1, F2: for handlers.
    unsafe fn get(r: &Regs, field: usize, wide: usize) -> u64;
}
impl Copied for Slot {
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn get(r: &Regs, field: usize, _: usize) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { r.slot(r.field(field)) }
    }
}
impl Copied for Imm {
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn get(r: &Regs, _: usize, wide: usize) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { r.wide(wide) as i32 as i64 as u64 }
    }
}

handler! {
    /// Two copies. Word 1: d, a, then d, a. Word 2, if one is an immediate: both.
    fn copy_2[A: Copied, D: Kept, B: Copied, E: Kept](r) {
        let first = A::get(&r, 1, 2);
        D::set(&mut r, 0, first);
        let second = B::get(&r, 3, 3);
        E::set(&mut r, 2, second);
        next!(r, if A::WORDS > B::WORDS { A::WORDS } else { B::WORDS })
    }
}
handler! {
    /// Two additions of constants to locals. Word 1: d, a, then d, a. Word 2: the constants.
    fn add_2[D: Kept, E: Kept](r) {
        let first = (D::get(&r, 1) as u32).wrapping_add(r.wide(2)) as u64;
        D::set(&mut r, 0, first);
        let second = (E::get(&r, 3) as u32).wrapping_add(r.wide(3)) as u64;
        E::set(&mut r, 2, second);
        next!(r, 3)
    }
}
handler! {
    /// `d = a + k`, then a branch. Word 1: d, a, k. Word 2: target.
    fn add_br[D: Kept, const BACK: bool](r) {
        let value = (D::get(&r, 1) as u32).wrapping_add(r.wide(1)) as u64;
        D::set(&mut r, 0, value);
        branch_to!(r, BACK, r.word(2))
    }
}
handler! {
    /// `d = a`, then a branch. Word 1: d, a or the immediate. Word 2: target.
    fn copy_br[A: Copied, D: Kept, const BACK: bool](r) {
        let value = A::get(&r, 1, 1);
        D::set(&mut r, 0, value);
        branch_to!(r, BACK, r.word(2))
    }
}

// ---- tables ------------------------------------------------------------------------------------------------------

/// By the classes of two sources (no immediates), then of the destination.
type ByTwo = [[ByD; 4]; 4];
macro_rules! by_two {
    ($h:ident) => { [by_two!($h Slot), by_two!($h Acc), by_two!($h L0), by_two!($h L1)] };
    ($h:ident $a:ty) => { [by_d!($h<$a, Slot>), by_d!($h<$a, Acc>), by_d!($h<$a, L0>), by_d!($h<$a, L1>)] };
}
pub(crate) static ROTATE_AND: [ByD; 4] = [
    by_d!(rotate_and<Slot>),
    by_d!(rotate_and<Acc>),
    by_d!(rotate_and<L0>),
    by_d!(rotate_and<L1>),
];
pub(crate) static ROTATE_AND_ADD: ByTwo = by_two!(rotate_and_add);
pub(crate) static SHL_ADD: ByTwo = by_two!(shl_add);

/// Of globals below memory 0. By the class of the destination or source.
pub(crate) static GLOBAL_SUM: ByD = by_d!(global_sum);
pub(crate) static GLOBAL_STEP: ByD = by_d!(global_step);
pub(crate) static GLOBAL_SET_SUM: ByD = by_d!(global_set_sum);

/// By direction (forward, backward), then the class of the source.
type ByBackS = [[Handler; 4]; 2];
macro_rules! by_back {
    ($h:ident) => {
        [
            [$h::<Slot, false>, $h::<Acc, false>, $h::<L0, false>, $h::<L1, false>],
            [$h::<Slot, true>, $h::<Acc, true>, $h::<L0, true>, $h::<L1, true>],
        ]
    };
    ($h:ident<$($g:ty),+>) => { [by_back!(@ $h<$($g),+> false), by_back!(@ $h<$($g),+> true)] };
    (@ $h:ident<$($g:ty),+> $back:literal) => {
        [$h::<$($g,)+ Slot, $back>, $h::<$($g,)+ Acc, $back>, $h::<$($g,)+ L0, $back>, $h::<$($g,)+ L1, $back>]
    };
}
pub(crate) static BR_TABLE_SUM: ByBackS = by_back!(br_table_sum);

/// The comparisons of i64, from [`CompareOp::I64Eq`] on.
pub(crate) static BRANCH_WIDE: [ByBackS; 10] = [
    by_back!(branch_wide<integer::I64Eq>),
    by_back!(branch_wide<integer::I64Ne>),
    by_back!(branch_wide<integer::I64LtS>),
    by_back!(branch_wide<integer::I64LtU>),
    by_back!(branch_wide<integer::I64GtS>),
    by_back!(branch_wide<integer::I64GtU>),
    by_back!(branch_wide<integer::I64LeS>),
    by_back!(branch_wide<integer::I64LeU>),
    by_back!(branch_wide<integer::I64GeS>),
    by_back!(branch_wide<integer::I64GeU>),
];
/// `I32Eq`, `I32Ne`.
pub(crate) static AND_BRANCH: [ByBackS; 2] = [
    by_back!(and_branch<integer::I32Eq>),
    by_back!(and_branch<integer::I32Ne>),
];

/// The loads that branch, each with the four comparisons they have.
macro_rules! by_test {
    ($load:ty) => {
        [
            by_back!(load_branch<$load, integer::I32Eq>),
            by_back!(load_branch<$load, integer::I32Ne>),
            by_back!(load_branch<$load, integer::I32Test>),
            by_back!(load_branch<$load, integer::I32TestZ>),
        ]
    };
}
/// By load (8, 16, 32 bits, zero-extended), then comparison.
pub(crate) static LOAD_BRANCH: [[ByBackS; 4]; 3] = [
    by_test!(memory::Load8U),
    by_test!(memory::Load16U),
    by_test!(memory::Load32U),
];

macro_rules! copies {
    ($a:ty, $b:ty) => {
        [copies!($a, Slot, $b), copies!($a, L0, $b), copies!($a, L1, $b)]
    };
    ($a:ty, $d:ty, $b:ty) => {
        [
            copy_2::<$a, $d, $b, Slot>,
            copy_2::<$a, $d, $b, L0>,
            copy_2::<$a, $d, $b, L1>,
        ]
    };
}
/// By whether each source is an immediate, then by where each destination is kept: slot, l0, l1.
pub(crate) static COPY_2: [[[[Handler; 3]; 3]; 2]; 2] = [
    [copies!(Slot, Slot), copies!(Slot, Imm)],
    [copies!(Imm, Slot), copies!(Imm, Imm)],
];
pub(crate) static ADD_2: [[Handler; 3]; 3] = [
    [add_2::<Slot, Slot>, add_2::<Slot, L0>, add_2::<Slot, L1>],
    [add_2::<L0, Slot>, add_2::<L0, L0>, add_2::<L0, L1>],
    [add_2::<L1, Slot>, add_2::<L1, L0>, add_2::<L1, L1>],
];
/// By direction.
pub(crate) static ADD_BR: [[Handler; 3]; 2] = [
    [add_br::<Slot, false>, add_br::<L0, false>, add_br::<L1, false>],
    [add_br::<Slot, true>, add_br::<L0, true>, add_br::<L1, true>],
];
/// By direction, then by whether the source is an immediate.
pub(crate) static COPY_BR: [[[Handler; 3]; 2]; 2] = [
    [
        [
            copy_br::<Slot, Slot, false>,
            copy_br::<Slot, L0, false>,
            copy_br::<Slot, L1, false>,
        ],
        [
            copy_br::<Imm, Slot, false>,
            copy_br::<Imm, L0, false>,
            copy_br::<Imm, L1, false>,
        ],
    ],
    [
        [
            copy_br::<Slot, Slot, true>,
            copy_br::<Slot, L0, true>,
            copy_br::<Slot, L1, true>,
        ],
        [
            copy_br::<Imm, Slot, true>,
            copy_br::<Imm, L0, true>,
            copy_br::<Imm, L1, true>,
        ],
    ],
];
