//! The operators that differ only in their types, by opcode.

use crate::engine::types::ValType::{self, *};

/// A numeric operator: one or two operands of a type, and a result.
#[derive(Clone, Copy)]
pub(super) struct Numeric {
    pub binary: bool,
    pub operands: ValType,
    pub result: ValType,
}

/// By opcode, from `i32.eqz` (0x45) to `i64.extend32_s` (0xc4).
///
/// Spec: binary/instructions.html#numeric-instructions
pub(super) const NUMERIC: [Numeric; 128] = {
    const UNARY: bool = false;
    const BINARY: bool = true;
    // The last opcode of a range of operators that are alike.
    const RANGES: [(usize, bool, ValType, ValType); 32] = [
        (0x45, UNARY, I32, I32),
        (0x4f, BINARY, I32, I32),
        (0x50, UNARY, I64, I32),
        (0x5a, BINARY, I64, I32),
        (0x60, BINARY, F32, I32),
        (0x66, BINARY, F64, I32),
        (0x69, UNARY, I32, I32),
        (0x78, BINARY, I32, I32),
        (0x7b, UNARY, I64, I64),
        (0x8a, BINARY, I64, I64),
        (0x91, UNARY, F32, F32),
        (0x98, BINARY, F32, F32),
        (0x9f, UNARY, F64, F64),
        (0xa6, BINARY, F64, F64),
        (0xa7, UNARY, I64, I32),
        (0xa9, UNARY, F32, I32),
        (0xab, UNARY, F64, I32),
        (0xad, UNARY, I32, I64),
        (0xaf, UNARY, F32, I64),
        (0xb1, UNARY, F64, I64),
        (0xb3, UNARY, I32, F32),
        (0xb5, UNARY, I64, F32),
        (0xb6, UNARY, F64, F32),
        (0xb8, UNARY, I32, F64),
        (0xba, UNARY, I64, F64),
        (0xbb, UNARY, F32, F64),
        (0xbc, UNARY, F32, I32),
        (0xbd, UNARY, F64, I64),
        (0xbe, UNARY, I32, F32),
        (0xbf, UNARY, I64, F64),
        (0xc1, UNARY, I32, I32),
        (0xc4, UNARY, I64, I64),
    ];
    let mut rows = [Numeric {
        binary: false,
        operands: I32,
        result: I32,
    }; 128];
    let (mut opcode, mut range) = (0x45, 0);
    while opcode <= 0xc4 {
        let (last, binary, operands, result) = RANGES[range];
        rows[opcode - 0x45] = Numeric {
            binary,
            operands,
            result,
        };
        if opcode == last {
            range += 1;
        }
        opcode += 1;
    }
    rows
};

/// The last load's opcode, `i64.load32_u`; stores follow.
pub(super) const LAST_LOAD: u8 = 0x35;

/// By opcode, from `i32.load` (0x28) to `i64.store32` (0x3e): the value's type, and the exponent of the natural
/// alignment.
///
/// Spec: binary/instructions.html#memory-instructions
pub(super) const ACCESSES: [(ValType, u8); 23] = [
    (I32, 2),
    (I64, 3),
    (F32, 2),
    (F64, 3),
    (I32, 0),
    (I32, 0),
    (I32, 1),
    (I32, 1),
    (I64, 0),
    (I64, 0),
    (I64, 1),
    (I64, 1),
    (I64, 2),
    (I64, 2),
    (I32, 2),
    (I64, 3),
    (F32, 2),
    (F64, 3),
    (I32, 0),
    (I32, 1),
    (I64, 0),
    (I64, 1),
    (I64, 2),
];
