//! Numeric instructions, loads and stores as tables: what they take and give, and what must be done so that they
//! rarely trap and never show which NaN an operation made.

use wasm_encoder::Instruction::{self, *};
use wasm_encoder::MemArg;

use crate::value::Type::{self, F32, F64, I32, I64};

/// What an instruction needs before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Care {
    None,
    /// The right operand is rarely zero.
    Divisor,
    /// The operand is a small number.
    Truncates,
    /// The last operand's NaN must not be seen.
    ShowsNan,
}

pub struct Numeric {
    pub ins: Instruction<'static>,
    pub params: &'static [Type],
    pub result: Type,
    pub care: Care,
}

macro_rules! numeric {
    ($($care:ident $params:expr => $result:ident: $($ins:ident)*;)*) => {
        &[$($(Numeric { ins: $ins, params: &$params, result: $result, care: Care::$care }),*),*]
    };
}

pub static NUMERIC: &[Numeric] = numeric! {
    None [I32, I32] => I32: I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl I32Rotr;
    None [I32, I32] => I32: I32Add I32Sub I32And I32Shl;
    None [I32, I32] => I32: I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU;
    None [I64, I64] => I32: I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU;
    None [F32, F32] => I32: F32Eq F32Ne F32Lt F32Gt F32Le F32Ge;
    None [F64, F64] => I32: F64Eq F64Ne F64Lt F64Gt F64Le F64Ge;
    Divisor [I32, I32] => I32: I32DivS I32DivU I32RemS I32RemU;
    None [I32] => I32: I32Eqz I32Eqz I32Clz I32Ctz I32Popcnt I32Extend8S I32Extend16S;
    None [I64] => I32: I64Eqz I32WrapI64;
    Truncates [F32] => I32: I32TruncF32S I32TruncF32U;
    Truncates [F64] => I32: I32TruncF64S I32TruncF64U;
    None [F32] => I32: I32TruncSatF32S I32TruncSatF32U;
    None [F64] => I32: I32TruncSatF64S I32TruncSatF64U;
    ShowsNan [F32] => I32: I32ReinterpretF32;

    None [I64, I64] => I64: I64Add I64Sub I64Mul I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl I64Rotr;
    None [I64, I64] => I64: I64Add I64Sub I64And I64Shl;
    Divisor [I64, I64] => I64: I64DivS I64DivU I64RemS I64RemU;
    None [I64] => I64: I64Clz I64Ctz I64Popcnt I64Extend8S I64Extend16S I64Extend32S;
    None [I32] => I64: I64ExtendI32S I64ExtendI32U;
    Truncates [F32] => I64: I64TruncF32S I64TruncF32U;
    Truncates [F64] => I64: I64TruncF64S I64TruncF64U;
    None [F32] => I64: I64TruncSatF32S I64TruncSatF32U;
    None [F64] => I64: I64TruncSatF64S I64TruncSatF64U;
    ShowsNan [F64] => I64: I64ReinterpretF64;

    None [F32, F32] => F32: F32Add F32Sub F32Mul F32Div F32Min F32Max;
    None [F32, F32] => F32: F32Add F32Sub F32Mul;
    ShowsNan [F32, F32] => F32: F32Copysign;
    None [F32] => F32: F32Abs F32Neg F32Ceil F32Floor F32Trunc F32Nearest F32Sqrt;
    None [I32] => F32: F32ConvertI32S F32ConvertI32U F32ReinterpretI32;
    None [I64] => F32: F32ConvertI64S F32ConvertI64U;
    None [F64] => F32: F32DemoteF64;

    None [F64, F64] => F64: F64Add F64Sub F64Mul F64Div F64Min F64Max;
    None [F64, F64] => F64: F64Add F64Sub F64Mul;
    ShowsNan [F64, F64] => F64: F64Copysign;
    None [F64] => F64: F64Abs F64Neg F64Ceil F64Floor F64Trunc F64Nearest F64Sqrt;
    None [I32] => F64: F64ConvertI32S F64ConvertI32U;
    None [I64] => F64: F64ConvertI64S F64ConvertI64U F64ReinterpretI64;
    None [F32] => F64: F64PromoteF32;
};

/// A load or store: its instruction, the type of the value, and the bytes it touches.
#[derive(Clone, Copy)]
pub struct Access {
    pub ins: fn(MemArg) -> Instruction<'static>,
    pub ty: Type,
    pub bytes: u64,
}

macro_rules! accesses {
    ($($ty:ident: $($ins:ident $bytes:literal)*;)*) => {
        &[$($(Access { ins: |memarg| Instruction::$ins(memarg), ty: $ty, bytes: $bytes }),*),*]
    };
}

pub static LOADS: &[Access] = accesses! {
    I32: I32Load 4 I32Load8S 1 I32Load8U 1 I32Load16S 2 I32Load16U 2 I32Load 4;
    I64: I64Load 8 I64Load8S 1 I64Load8U 1 I64Load16S 2 I64Load16U 2 I64Load32S 4 I64Load32U 4 I64Load 8;
    F32: F32Load 4;
    F64: F64Load 8;
};
pub static STORES: &[Access] = accesses! {
    I32: I32Store 4 I32Store8 1 I32Store16 2 I32Store 4;
    I64: I64Store 8 I64Store8 1 I64Store16 2 I64Store32 4 I64Store 8;
    F32: F32Store 4 F32Store 4;
    F64: F64Store 8 F64Store 8;
};

impl Access {
    /// The greatest alignment that may be written in the instruction.
    pub fn align(self) -> u32 {
        self.bytes.trailing_zeros()
    }
}
