//! The translator's instructions: what a handler will do, before operand classes and words are chosen.

use crate::engine::ops::*;

/// Where an operand is. A slot number, a constant (index into the function's constants), or nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arg(pub u32);

impl Arg {
    pub(crate) const NONE: Arg = Arg(u32::MAX);
    const CONST: u32 = 1 << 31;

    pub(crate) fn slot(slot: u32) -> Arg {
        debug_assert!(slot < Self::CONST);
        Arg(slot)
    }

    pub(crate) fn constant(index: usize) -> Arg {
        Arg(Self::CONST | index as u32)
    }

    pub(crate) fn as_slot(self) -> Option<u32> {
        (self.0 & Self::CONST == 0).then_some(self.0)
    }

    pub(crate) fn as_constant(self) -> Option<usize> {
        (self.0 & Self::CONST != 0 && self != Self::NONE).then_some((self.0 & !Self::CONST) as usize)
    }
}

/// How an effective address is formed; see `run::handlers::memory`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// `x`
    Fixed,
    /// `a + x`
    At,
    /// `a + x`, a of 64 bits
    At64,
    /// `a + x`, in a memory that threads share
    AtShared,
    /// `(a + constant b) + x`
    Plus,
    /// `(a + b) + x`
    Sum,
    /// `(a + b * bytes) + x`
    Scaled,
}

/// What an instruction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    /// Removed by a fusion.
    Nop,
    /// A branch target: label `x`.
    Label,
    /// Where the code of region `x` begins and ends: what catches exceptions. No words.
    TryBegin,
    TryEnd,
    /// Charges `x` instructions.
    Fuel,
    Binary(BinaryOp),
    Small(SmallOp),
    Reversed(ReversedOp),
    Compare(CompareOp),
    Division(DivisionOp),
    Unary(UnaryOp),
    /// To `d` and the slot after it, from `a`, `b`, `c` and the argument `x`.
    Wide(WideOp),
    F64(F64Op),
    F64Small(F64SmallOp),
    F64Unary(F64UnaryOp),
    F64Compare(FloatCompareOp),
    F32(F32Op),
    F32Small(F32SmallOp),
    F32Unary(F32UnaryOp),
    F32Compare(FloatCompareOp),
    Convert(ConvertOp),
    Truncate(TruncateOp),
    /// `d = rotate_right(a, x) & m`, m in the upper half of `x`.
    RotateAnd,
    /// `d = (rotate_right(a, x) & m) + b`
    RotateAndAdd,
    /// `d = (a << x) + b`
    ShlAdd,
    /// `d = a`
    Copy(Bank),
    /// `d = c != 0 ? a : b`
    Select,
    SelectV128,
    /// `d = constant a`, whose upper half is the constant after it.
    ConstV128,
    VectorUnary(VectorUnaryOp),
    VectorBinary(VectorBinaryOp),
    VectorTernary(VectorTernaryOp),
    VectorShift(VectorShiftOp),
    VectorTest(VectorTestOp),
    /// To label `x` if the test of `a` gives anything but 0; negated, if it gives 0.
    TestBranch(VectorTestOp, bool),
    Splat(SplatOp),
    /// `d = a` with `b` in this lane.
    Replace(ReplaceOp, u8),
    /// The lane of `a` that begins at this byte.
    Extract(ExtractOp, u8),
    ExtractF32(u8),
    ExtractF64(u8),
    Swizzle,
    /// `d = lanes of a by constant c`, and of `b` by the one two after it, if there is a `b`.
    Shuffle,
    LoadV128(VectorLoadOp, Mode),
    /// Stores `c`.
    StoreV128(Mode),
    /// `d = b` with this lane from memory, and storing the lane of `b` that begins at this byte.
    LoadLane(LaneOp, u8),
    StoreLane(LaneOp, u8),
    /// From and to memory `b` (a bare number). The vector is `c`.
    LoadV128Far(VectorLoadOp),
    StoreV128Far,
    LoadLaneFar(LaneOp, u8),
    StoreLaneFar(LaneOp, u8),
    Load(LoadOp, Mode),
    LoadF64(Mode),
    LoadF32(Mode),
    /// Stores `c`.
    Store(StoreOp, Mode),
    StoreF64(Mode),
    StoreF32(Mode),
    /// From and to memory `b` (a bare number).
    LoadFar(LoadOp),
    StoreFar(StoreOp),
    /// In memory `b` (a bare number), with value `c`; the slot after `c` is what replaces it.
    Atomic(AtomicOp),
    Fence,
    MemorySize,
    /// Global `x`.
    GlobalGet(Bank),
    GlobalSet(Bank),
    /// `d = global x + constant b`
    GlobalSum,
    /// `d = global x = global x + constant b`
    GlobalStep,
    /// `global x = a + constant b`
    GlobalSetSum,
    /// To label `x`, here and below.
    Br,
    Branch(CompareOp),
    /// `a = a + constant c`, then back to label `x` if `a op b`. `d` is `a`.
    AddBranch(CompareOp),
    /// With whether the comparison is negated.
    BranchF64(FloatCompareOp, bool),
    BranchF32(FloatCompareOp, bool),
    /// If `a op constant b`, of 64 bits.
    BranchWide(CompareOp),
    /// If `(a & constant b) op constant c`.
    AndBranch(CompareOp),
    /// If `memory[a + x] op constant b`. The label is in the upper half of `x`.
    LoadBranch(LoadOp, CompareOp),
    /// Targets: `x` is the start in the list of targets, `b` their number, the default included. A constant `c` is added
    /// to the index `a`.
    BrTable,
    Unreachable,
    /// An exception of tag `x` with the values from slot `a` on.
    Throw,
    /// The exception `a` again.
    ThrowRef,
    /// Callee `x`, frame base `d`, `b` its record's slot; `c` the bank of its single result, if it has one.
    Call,
    CallImport,
    /// `x`: type id | table << 32. `a`: the index.
    CallIndirect,
    /// `a`: the function.
    CallRef,
    /// `d`: base, `c`: slots of arguments, `b`: the callee's record.
    ReturnCall,
    ReturnCallImport,
    ReturnCallIndirect,
    ReturnCallRef,
    /// Traps if `a` is null.
    NullCheck(Null),
    /// `d = field of a` at offset `x`.
    FieldGet(LoadOp),
    FieldGetFloat(Bank),
    /// `field of a = c`, at offset `x`.
    FieldSet(StoreOp),
    FieldSetFloat(Bank),
    /// `d = a[b]`
    ElementGet(LoadOp),
    ElementGetFloat(Bank),
    /// `a[b] = c`
    ElementSet(StoreOp),
    ElementSetFloat(Bank),
    /// `d = elements of a`
    ArrayLen,
    /// `d = a is of the defined type x`; its place among supertypes stands above. With whether null counts.
    RefTest(bool),
    /// Traps if it is not.
    RefCast(bool),
    /// Returns `a`, or results already in place.
    Ret(Bank),
    RetMany,
    /// After calls of functions with float pins.
    LoadFloatPins,
    /// `a`, `b`, `c`: address or destination, value or source, length. With whether addresses have 64 bits.
    MemoryFill(bool),
    MemoryCopy(bool),
    /// Executed by the driver: `run::slow`. `x`: immediate.
    Slow(Slow),
}

/// What must not be null, for the trap that says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Null {
    Reference,
    I31,
}

/// Instructions the driver executes. `i` and `j` are the halves of the immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Slow {
    /// `d = grow memory i by a pages`
    MemoryGrow = 1,
    /// `d = pages of memory i`
    MemorySize,
    /// The long form of bulk operations: `a`, `b`, `c` are progress, in slots of their own. Memory i, for copies
    /// from memory j.
    MemoryFill,
    MemoryCopy,
    /// Segment j.
    MemoryInit,
    DataDrop,
    /// `d = table i [a]`
    TableGet,
    /// `table i [a] = b`
    TableSet,
    TableSize,
    /// `d = grow table i by b elements of a`
    TableGrow,
    TableFill,
    TableCopy,
    /// Segment j.
    TableInit,
    ElemDrop,
    /// `d = reference to function i`
    RefFunc,
    /// `d = how a wait at a for b to change ended`, of at most c nanoseconds. Here and below, the lower 16 bits of the
    /// immediate are the memory, the rest the offset.
    Wait32,
    Wait64,
    /// `d = how many waits at a, at most b, were ended`
    Notify,
    /// Of type i, here and below. Operands stand one after the other from `a` on.
    StructNew,
    StructNewDefault,
    /// `d = field j of a`, with the sign in the highest bit of j.
    StructGet,
    /// `field j of a = b`
    StructSet,
    /// `d = array of b elements a`
    ArrayNew,
    ArrayNewDefault,
    /// Of j elements, from `a` on.
    ArrayNewFixed,
    /// Of segment j, from `a` on, `b` of them.
    ArrayNewData,
    ArrayNewElem,
    ArrayGet,
    ArraySet,
    ArrayLen,
    /// Operands stand one after the other from `a` on, here and below.
    ArrayFill,
    ArrayCopy,
    ArrayInitData,
    ArrayInitElem,
    /// `d = a is of a type`, which i and j say: `run::test_words`.
    RefTest,
    /// Traps if `a` is not.
    RefCast,
}

impl Slow {
    const ALL: [Slow; 36] = [
        Slow::MemoryGrow,
        Slow::MemorySize,
        Slow::MemoryFill,
        Slow::MemoryCopy,
        Slow::MemoryInit,
        Slow::DataDrop,
        Slow::TableGet,
        Slow::TableSet,
        Slow::TableSize,
        Slow::TableGrow,
        Slow::TableFill,
        Slow::TableCopy,
        Slow::TableInit,
        Slow::ElemDrop,
        Slow::RefFunc,
        Slow::Wait32,
        Slow::Wait64,
        Slow::Notify,
        Slow::StructNew,
        Slow::StructNewDefault,
        Slow::StructGet,
        Slow::StructSet,
        Slow::ArrayNew,
        Slow::ArrayNewDefault,
        Slow::ArrayNewFixed,
        Slow::ArrayNewData,
        Slow::ArrayNewElem,
        Slow::ArrayGet,
        Slow::ArraySet,
        Slow::ArrayLen,
        Slow::ArrayFill,
        Slow::ArrayCopy,
        Slow::ArrayInitData,
        Slow::ArrayInitElem,
        Slow::RefTest,
        Slow::RefCast,
    ];

    /// Whether its operands stand one after the other from `a` to `b`.
    pub(crate) fn has_range(self) -> bool {
        matches!(
            self,
            Slow::StructNew
                | Slow::ArrayNewFixed
                | Slow::ArrayFill
                | Slow::ArrayCopy
                | Slow::ArrayInitData
                | Slow::ArrayInitElem
        )
    }

    /// The kind that stands in an instruction.
    pub(crate) fn from_word(word: u32) -> Slow {
        Self::ALL[word as usize - 1]
    }
}

/// An instruction. What `a`, `b`, `c` and `x` mean stands at [`Op`].
#[derive(Clone, Copy)]
pub(crate) struct Ins {
    pub op: Op,
    /// The destination is read more than once, so its slot must be written.
    pub keep: bool,
    /// Loop nesting, for the choice of pins.
    pub depth: u8,
    pub d: Arg,
    pub a: Arg,
    pub b: Arg,
    pub c: Arg,
    pub x: u64,
}

impl Ins {
    pub(crate) fn new(op: Op) -> Ins {
        Ins {
            op,
            keep: false,
            depth: 0,
            d: Arg::NONE,
            a: Arg::NONE,
            b: Arg::NONE,
            c: Arg::NONE,
            x: 0,
        }
    }

    pub(crate) fn d(self, d: u32) -> Ins {
        Ins {
            d: Arg::slot(d),
            ..self
        }
    }

    pub(crate) fn a(self, a: Arg) -> Ins {
        Ins { a, ..self }
    }

    pub(crate) fn b(self, b: Arg) -> Ins {
        Ins { b, ..self }
    }

    pub(crate) fn c(self, c: Arg) -> Ins {
        Ins { c, ..self }
    }

    pub(crate) fn x(self, x: u64) -> Ins {
        Ins { x, ..self }
    }
}

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
