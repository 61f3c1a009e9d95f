//! Which operands and results of an instruction may live in registers, and what it does to those around it.

use super::ir::{Mode, Op};
use crate::engine::ops::*;

/// What handlers exist for an operand of an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    pub bank: Bank,
    /// It may be read from the accumulator.
    pub acc: bool,
    /// It may be read from a pin.
    pub pin: bool,
}

const fn role(bank: Bank, pin: bool) -> Option<Role> {
    Some(Role { bank, acc: true, pin })
}
const INT: Option<Role> = role(Bank::Int, true);
const INT_ACC: Option<Role> = role(Bank::Int, false);
const INT_PIN: Option<Role> = Some(Role {
    bank: Bank::Int,
    acc: false,
    pin: true,
});
const F64: Option<Role> = role(Bank::F64, true);
const F64_ACC: Option<Role> = role(Bank::F64, false);
const F32: Option<Role> = role(Bank::F32, true);
const F32_ACC: Option<Role> = role(Bank::F32, false);
const V128: Option<Role> = Some(Role {
    bank: Bank::V128,
    acc: false,
    pin: false,
});

fn of_bank(bank: Bank, pin: bool) -> Option<Role> {
    match bank {
        Bank::V128 => V128,
        _ => role(bank, pin),
    }
}

impl Op {
    /// The classes its operands `a`, `b`, `c` may take. `None`: a slot, a constant or nothing.
    pub(crate) fn sources(self) -> [Option<Role>; 3] {
        match self {
            Op::Binary(_) | Op::RotateAndAdd | Op::ShlAdd => [INT, INT, None],
            Op::Small(_) | Op::Compare(_) | Op::Division(_) => [INT_ACC, INT_ACC, None],
            Op::Reversed(_) | Op::RotateAnd | Op::GlobalSetSum => [INT, None, None],
            Op::BranchWide(_) | Op::AndBranch(_) | Op::LoadBranch(..) => [INT, None, None],
            Op::Unary(_) => [INT_ACC, None, None],
            Op::F64(_) => [F64, F64, None],
            Op::F64Small(_) | Op::F64Compare(_) => [F64_ACC, F64_ACC, None],
            Op::F64Unary(_) => [F64_ACC, None, None],
            Op::F32(_) => [F32, F32, None],
            Op::F32Small(_) | Op::F32Compare(_) => [F32_ACC, F32_ACC, None],
            Op::F32Unary(_) => [F32_ACC, None, None],
            Op::Convert(op) => [of_bank(op.banks().0, false), None, None],
            Op::Truncate(op) => [of_bank(op.banks().0, false), None, None],
            Op::Copy(bank) | Op::GlobalSet(bank) | Op::Ret(bank) => [of_bank(bank, true), None, None],
            Op::Select => [None, None, INT],
            Op::SelectV128 => [V128, V128, INT],
            Op::VectorUnary(_) | Op::VectorTest(_) | Op::TestBranch(..) => [V128, None, None],
            Op::VectorBinary(_) | Op::Swizzle | Op::Shuffle => [V128, V128, None],
            Op::VectorTernary(_) => [V128, V128, V128],
            Op::VectorShift(_) => [V128, INT, None],
            Op::Splat(op) => [of_bank(op.bank(), true), None, None],
            Op::Replace(op, _) => [V128, of_bank(op.bank(), true), None],
            Op::Extract(..) | Op::ExtractF32(_) | Op::ExtractF64(_) => [V128, None, None],
            Op::LoadV128(_, mode) => address(mode, None),
            Op::StoreV128(mode) => address(mode, V128),
            Op::LoadLane(..) | Op::StoreLane(..) => [INT, V128, None],
            Op::StoreV128Far | Op::LoadLaneFar(..) | Op::StoreLaneFar(..) => [None, None, V128],
            Op::Load(_, mode) | Op::LoadF64(mode) | Op::LoadF32(mode) => address(mode, None),
            Op::Store(_, mode) => address(mode, INT),
            Op::StoreF64(mode) => address(mode, F64),
            Op::StoreF32(mode) => address(mode, F32),
            Op::Branch(_) => [INT, INT, None],
            Op::AddBranch(_) => [INT_PIN, INT, None],
            Op::BranchF64(..) => [F64_ACC, F64_ACC, None],
            Op::BranchF32(..) => [F32_ACC, F32_ACC, None],
            Op::BrTable | Op::CallIndirect | Op::CallRef | Op::NullCheck(_) => [INT, None, None],
            Op::FieldGet(_) | Op::FieldGetFloat(_) | Op::ArrayLen | Op::RefTest(_) | Op::RefCast(_) => {
                [INT, None, None]
            }
            Op::FieldSet(_) => [INT, None, INT],
            Op::FieldSetFloat(bank) => [INT, None, of_bank(bank, false)],
            Op::ElementGet(_) | Op::ElementGetFloat(_) => [INT_ACC, INT_ACC, None],
            Op::ElementSet(_) => [INT_ACC, INT_ACC, INT_ACC],
            Op::ElementSetFloat(bank) => [INT_ACC, INT_ACC, of_bank(bank, false)],
            _ => [None; 3],
        }
    }

    /// The bank of its result, if handlers exist for every class of destination.
    pub(crate) fn result(self) -> Option<Bank> {
        Some(match self {
            Op::Binary(_)
            | Op::Small(_)
            | Op::Reversed(_)
            | Op::Compare(_)
            | Op::Division(_)
            | Op::Unary(_)
            | Op::F64Compare(_)
            | Op::F32Compare(_)
            | Op::Truncate(_)
            | Op::Select
            | Op::RotateAnd
            | Op::RotateAndAdd
            | Op::ShlAdd
            | Op::GlobalSum
            | Op::GlobalStep
            | Op::Load(..)
            | Op::FieldGet(_)
            | Op::ElementGet(_)
            | Op::ArrayLen
            | Op::RefTest(_)
            | Op::MemorySize => Bank::Int,
            Op::F64(_) | Op::F64Small(_) | Op::F64Unary(_) | Op::LoadF64(_) => Bank::F64,
            Op::F32(_) | Op::F32Small(_) | Op::F32Unary(_) | Op::LoadF32(_) => Bank::F32,
            Op::SelectV128
            | Op::ConstV128
            | Op::VectorUnary(_)
            | Op::VectorBinary(_)
            | Op::VectorTernary(_)
            | Op::VectorShift(_)
            | Op::Splat(_)
            | Op::Replace(..)
            | Op::Swizzle
            | Op::Shuffle
            | Op::LoadV128(..)
            | Op::LoadLane(..)
            | Op::LoadV128Far(..)
            | Op::LoadLaneFar(..) => Bank::V128,
            Op::VectorTest(_) | Op::Extract(..) => Bank::Int,
            Op::ExtractF32(_) => Bank::F32,
            Op::ExtractF64(_) => Bank::F64,
            Op::Convert(op) => op.banks().1,
            Op::FieldGetFloat(bank) | Op::ElementGetFloat(bank) | Op::Copy(bank) | Op::GlobalGet(bank) => bank,
            _ => return None,
        })
    }

    /// What makes a NaN it computes canonical; `None` for instructions whose result is no float, or has the bits of what
    /// they were given.
    pub(crate) fn canonicalised_by(self) -> Option<Op> {
        use {VectorBinaryOp as Binary, VectorTernaryOp as Ternary, VectorUnaryOp as Unary};
        Some(match self {
            Op::F64Small(F64SmallOp::F64Copysign) | Op::F64Unary(F64UnaryOp::F64Abs | F64UnaryOp::F64Neg) => {
                return None;
            }
            Op::F32Small(F32SmallOp::F32Copysign) | Op::F32Unary(F32UnaryOp::F32Abs | F32UnaryOp::F32Neg) => {
                return None;
            }
            Op::F64(_) | Op::F64Small(_) | Op::F64Unary(_) | Op::Convert(ConvertOp::F64PromoteF32) => {
                Op::F64Unary(F64UnaryOp::F64Canonical)
            }
            Op::F32(_) | Op::F32Small(_) | Op::F32Unary(_) | Op::Convert(ConvertOp::F32DemoteF64) => {
                Op::F32Unary(F32UnaryOp::F32Canonical)
            }
            Op::VectorUnary(
                Unary::F32x4Ceil
                | Unary::F32x4Floor
                | Unary::F32x4Trunc
                | Unary::F32x4Nearest
                | Unary::F32x4Sqrt
                | Unary::F32x4DemoteF64x2Zero,
            )
            | Op::VectorBinary(
                Binary::F32x4Add
                | Binary::F32x4Sub
                | Binary::F32x4Mul
                | Binary::F32x4Div
                | Binary::F32x4Min
                | Binary::F32x4Max,
            )
            | Op::VectorTernary(Ternary::F32x4RelaxedMadd | Ternary::F32x4RelaxedNmadd) => {
                Op::VectorUnary(Unary::F32x4Canonical)
            }
            Op::VectorUnary(
                Unary::F64x2Ceil
                | Unary::F64x2Floor
                | Unary::F64x2Trunc
                | Unary::F64x2Nearest
                | Unary::F64x2Sqrt
                | Unary::F64x2PromoteLowF32x4,
            )
            | Op::VectorBinary(
                Binary::F64x2Add
                | Binary::F64x2Sub
                | Binary::F64x2Mul
                | Binary::F64x2Div
                | Binary::F64x2Min
                | Binary::F64x2Max,
            )
            | Op::VectorTernary(Ternary::F64x2RelaxedMadd | Ternary::F64x2RelaxedNmadd) => {
                Op::VectorUnary(Unary::F64x2Canonical)
            }
            _ => return None,
        })
    }

    /// What the deterministic profile has a relaxed instruction do, where its row does another of the things allowed.
    pub(crate) fn of_deterministic_profile(self) -> Op {
        use VectorBinaryOp::*;
        match self {
            Op::VectorBinary(F32x4RelaxedMin) => Op::VectorBinary(F32x4Min),
            Op::VectorBinary(F32x4RelaxedMax) => Op::VectorBinary(F32x4Max),
            Op::VectorBinary(F64x2RelaxedMin) => Op::VectorBinary(F64x2Min),
            Op::VectorBinary(F64x2RelaxedMax) => Op::VectorBinary(F64x2Max),
            other => other,
        }
    }

    /// Whether code goes on elsewhere after it, or comes from elsewhere.
    pub(crate) fn leaves_straight_line(self) -> bool {
        matches!(
            self,
            Op::Label
                | Op::TryBegin
                | Op::TryEnd
                | Op::Throw
                | Op::ThrowRef
                | Op::Br
                | Op::Branch(_)
                | Op::BranchWide(_)
                | Op::AndBranch(_)
                | Op::TestBranch(..)
                | Op::LoadBranch(..)
                | Op::AddBranch(_)
                | Op::BranchF64(..)
                | Op::BranchF32(..)
                | Op::BrTable
                | Op::Unreachable
                | Op::ReturnCall
                | Op::ReturnCallImport
                | Op::ReturnCallIndirect
                | Op::ReturnCallRef
                | Op::Ret(_)
                | Op::RetMany
        )
    }

    /// Whether nothing is known of accumulators after it.
    pub(crate) fn forgets_accumulators(self) -> bool {
        matches!(
            self,
            Op::Label
                | Op::Call
                | Op::CallImport
                | Op::CallIndirect
                | Op::CallRef
                | Op::MemoryFill(_)
                | Op::MemoryCopy(_)
                | Op::Wide(_)
                | Op::Atomic(_)
                | Op::Slow(_)
        )
    }
}

fn address(mode: Mode, value: Option<Role>) -> [Option<Role>; 3] {
    match mode {
        Mode::Fixed => [None, None, value],
        Mode::At | Mode::At64 | Mode::AtShared | Mode::Plus => [INT, None, value],
        Mode::Sum | Mode::Scaled => [INT, INT, value],
    }
}
