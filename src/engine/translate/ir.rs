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
