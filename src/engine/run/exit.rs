//! Why handlers leave for the driver.

use super::dispatch::*;
use crate::engine::trap::Trap;

// Traps.
pub(crate) const UNREACHABLE: u32 = 1;
pub(crate) const DIVIDE_BY_ZERO: u32 = 2;
pub(crate) const INTEGER_OVERFLOW: u32 = 3;
pub(crate) const INVALID_CONVERSION: u32 = 4;
pub(crate) const MEMORY_OUT_OF_BOUNDS: u32 = 5;
pub(crate) const TABLE_OUT_OF_BOUNDS: u32 = 6;
pub(crate) const UNDEFINED_ELEMENT: u32 = 7;
pub(crate) const UNINITIALIZED_ELEMENT: u32 = 8;
pub(crate) const INDIRECT_CALL_TYPE: u32 = 9;
pub(crate) const NULL_REFERENCE: u32 = 10;
pub(crate) const NULL_FUNCTION: u32 = 11;
pub(crate) const NULL_STRUCT: u32 = 12;
pub(crate) const NULL_ARRAY: u32 = 13;
pub(crate) const NULL_I31: u32 = 14;
pub(crate) const CAST_FAILURE: u32 = 15;
pub(crate) const ARRAY_OUT_OF_BOUNDS: u32 = 16;
pub(crate) const UNALIGNED_ATOMIC: u32 = 20;

/// The run's first function returned.
pub(crate) const RETURNED: u32 = 32;
/// The stack limit was passed, or a stop was requested (then the limit is 0).
pub(crate) const LIMIT: u32 = 33;
/// The code word reached is a stub: its function is to be translated.
pub(crate) const TRANSLATE: u32 = 34;
/// `call` of an imported function.
pub(crate) const CALL_IMPORT: u32 = 35;
/// `call_indirect` of a function of the host or of another instance; `acc` holds it.
pub(crate) const CALL_FOREIGN: u32 = 36;
pub(crate) const RETURN_CALL_IMPORT: u32 = 37;
pub(crate) const RETURN_CALL_FOREIGN: u32 = 38;
/// A function called from another instance returned.
pub(crate) const FOREIGN_RETURNED: u32 = 39;
pub(crate) const OUT_OF_FUEL: u32 = 40;
/// An instruction the driver executes: its kind stands in the instruction.
pub(crate) const SLOW: u32 = 41;

/// `throw`, and `throw_ref` or `rethrow`.
pub(crate) const THROW: u32 = 42;
pub(crate) const THROW_REF: u32 = 43;

/// The trap an exit code stands for.
pub(crate) fn trap_of(why: u32) -> Trap {
    match why {
        UNREACHABLE => Trap::Unreachable,
        DIVIDE_BY_ZERO => Trap::IntegerDivideByZero,
        INTEGER_OVERFLOW => Trap::IntegerOverflow,
        INVALID_CONVERSION => Trap::InvalidConversionToInteger,
        MEMORY_OUT_OF_BOUNDS => Trap::MemoryOutOfBounds,
        TABLE_OUT_OF_BOUNDS => Trap::TableOutOfBounds,
        UNDEFINED_ELEMENT => Trap::UndefinedElement,
        UNINITIALIZED_ELEMENT => Trap::UninitializedElement,
        INDIRECT_CALL_TYPE => Trap::IndirectCallTypeMismatch,
        NULL_REFERENCE => Trap::NullReference,
        NULL_FUNCTION => Trap::NullFunctionReference,
        NULL_STRUCT => Trap::NullStructReference,
        NULL_ARRAY => Trap::NullArrayReference,
        NULL_I31 => Trap::NullI31Reference,
        CAST_FAILURE => Trap::CastFailure,
        ARRAY_OUT_OF_BOUNDS => Trap::ArrayOutOfBounds,
        UNALIGNED_ATOMIC => Trap::UnalignedAtomic,
        _ => unreachable!("exit code {why} is not a trap"),
    }
}

handler! {
    /// The cold exit all handlers share for one reason. Not inlined: saving all registers takes more room than most
    /// handlers, and in the larger ones it costs those that are saved.
    #[cold]
    #[inline(never)]
    fn leave[const WHY: u32](r) {
        // The one that is not cold.
        if WHY == CALL_IMPORT { quit!(r, WHY, save_for_call) }
        quit!(r, WHY)
    }
}

handler! {
    /// The instruction that ends a run: where its first function returns to.
    fn stop[](r) { quit!(r, RETURNED) }
}

/// Leaves for a numeric trap.
macro_rules! leave_num_trap {
    ($r:ident, $trap:expr) => {
        match $trap {
            NumTrap::DivideByZero => leave!($r, DIVIDE_BY_ZERO),
            NumTrap::Overflow => leave!($r, INTEGER_OVERFLOW),
            NumTrap::InvalidConversion => leave!($r, INVALID_CONVERSION),
        }
    };
}
pub(crate) use leave_num_trap;
