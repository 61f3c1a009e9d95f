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
    loop {
        let (operator, offset) = reader.read_with_offset()?;
        if let Operator::V128Const { value } = operator {
            // No instruction of constant expressions works on vectors, so it is the only one.
            return Ok(ConstExpr::V128(Box::new(u128::from_le_bytes(*value.bytes()))));
        }
        let op = match operator {
            Operator::I32Const { value } => ConstOp::Value(u64::from(value as u32)),
            Operator::I64Const { value } => ConstOp::Value(value as u64),
            Operator::F32Const { value } => ConstOp::Value(u64::from(value.bits())),
            Operator::F64Const { value } => ConstOp::Value(value.bits()),
            Operator::RefNull { .. } => ConstOp::Value(0),
            Operator::RefFunc { function_index } => ConstOp::FuncRef(function_index),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
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
    Ok(match (first, ops.is_empty()) {
        (Some(ConstOp::Value(value)), true) => ConstExpr::Value(value),
        (Some(ConstOp::FuncRef(index)), true) => ConstExpr::FuncRef(index),
        (Some(ConstOp::GlobalGet(index)), true) => ConstExpr::GlobalGet(index),
        _ => ConstExpr::Ops(ops.into_boxed_slice()),
    })
}
