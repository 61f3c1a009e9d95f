//! Constant expressions: reading them, once, into the form that instantiation evaluates.

use wasmparser::Operator;

use super::Refusal;
use crate::engine::module::{ConstExpr, ConstOp};

/// Reads a constant expression the validator has let through.
///
/// Spec: valid/instructions.html#constant-expressions
pub(super) fn read(expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, Refusal> {
    let mut reader = expr.get_operators_reader();
    let mut ops = Vec::new();
    let mut first = None;
    let mut alone = None;
    loop {
        let (operator, offset) = reader.read_with_offset()?;
        if let Operator::V128Const { value } = operator {
            // Two slots on the stack; alone it has a form of its own.
            let bits = u128::from_le_bytes(*value.bytes());
            alone = (first.is_none() && ops.is_empty()).then_some(bits);
            if ops.is_empty() {
                ops.extend(first);
            }
            ops.extend([bits as u64, (bits >> 64) as u64].map(ConstOp::Value));
            first = Some(ConstOp::Value(0));
            continue;
        }
        alone = match operator {
            Operator::End => alone,
            _ => None,
        };
        let op = match operator {
            Operator::I32Const { value } => ConstOp::Value(u64::from(value as u32)),
            Operator::I64Const { value } => ConstOp::Value(value as u64),
            Operator::F32Const { value } => ConstOp::Value(u64::from(value.bits())),
            Operator::F64Const { value } => ConstOp::Value(value.bits()),
            Operator::RefNull { .. } => ConstOp::Value(0),
            Operator::RefFunc { function_index } => ConstOp::FuncRef(function_index),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
            Operator::RefI31 => ConstOp::RefI31,
            Operator::StructNew { struct_type_index } => ConstOp::StructNew(struct_type_index),
            Operator::StructNewDefault { struct_type_index } => ConstOp::StructNewDefault(struct_type_index),
            Operator::ArrayNew { array_type_index } => ConstOp::ArrayNew(array_type_index),
            Operator::ArrayNewDefault { array_type_index } => ConstOp::ArrayNewDefault(array_type_index),
            Operator::ArrayNewFixed {
                array_type_index,
                array_size,
            } => ConstOp::ArrayNewFixed(array_type_index, array_size),
            // Both hierarchies have one form.
            Operator::AnyConvertExtern | Operator::ExternConvertAny => continue,
            Operator::I32Add => ConstOp::I32Add,
            Operator::I32Sub => ConstOp::I32Sub,
            Operator::I32Mul => ConstOp::I32Mul,
            Operator::I64Add => ConstOp::I64Add,
            Operator::I64Sub => ConstOp::I64Sub,
            Operator::I64Mul => ConstOp::I64Mul,
            Operator::End => break,
            other => {
                return Err(Refusal::invalid(
                    offset,
                    format!("{other:?} is not supported in a constant"),
                ));
            }
        };
        // A vector only from the second instruction on: segments can have a million expressions of one.
        match (first, ops.is_empty()) {
            (None, _) => first = Some(op),
            (Some(first), true) => ops.extend([first, op]),
            (Some(_), false) => ops.push(op),
        }
    }
    if let Some(bits) = alone {
        return Ok(ConstExpr::V128(Box::new(bits)));
    }
    Ok(match (first, ops.is_empty()) {
        (Some(ConstOp::Value(value)), true) => ConstExpr::Value(value),
        (Some(ConstOp::FuncRef(index)), true) => ConstExpr::FuncRef(index),
        (Some(ConstOp::GlobalGet(index)), true) => ConstExpr::GlobalGet(index),
        _ => ConstExpr::Ops(ops.into_boxed_slice()),
    })
}
