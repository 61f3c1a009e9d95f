//! References. Spec: exec/instructions.html#reference-instructions

use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::operand::*;

handler! {
    /// Traps if `a` is null. Word 1: -, a.
    fn null_check[A: IntSrc, const WHY: u32](r) {
        if A::get(&r, 1) == 0 { leave!(r, WHY) }
        next!(r, 2)
    }
}

macro_rules! by_s {
    ($why:ident) => {
        [
            null_check::<Slot, $why>,
            null_check::<Acc, $why>,
            null_check::<L0, $why>,
            null_check::<L1, $why>,
        ]
    };
}
/// By what must not be null (`ir::Null`), then source class.
pub(crate) static NULL_CHECK: [[Handler; 4]; 2] = [by_s!(NULL_REFERENCE), by_s!(NULL_I31)];
