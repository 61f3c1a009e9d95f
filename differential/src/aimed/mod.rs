//! Modules aimed at the translator's weak points: deep operand stacks with locals that are not yet copied, sets and
//! tees of such locals, branches that carry values, calls in the middle of expressions, address additions, loops
//! over many locals of every type, neighbours that become one instruction, frames of more than 65,536 slots.
//!
//! Code is made along the operand stack, as the validation algorithm walks it. Every function draws a profile first:
//! some kinds of instructions are frequent in it, others absent.

mod access;
mod body;
mod control;
mod expr;
mod neighbours;
mod ops;
mod shape;

use crate::case::{ExportedFunc, Unit};
use crate::entropy::Dice;
use body::Body;
use shape::Shape;

pub struct Made {
    pub units: Vec<Unit>,
    pub exports: Vec<Vec<ExportedFunc>>,
    pub calls_back: bool,
}

/// One or two modules, the second with imports from the first. `padded`: with operands far up the stack.
pub fn modules(dice: &mut Dice<'_>, padded: bool) -> Made {
    let mut made = Made {
        units: Vec::new(),
        exports: Vec::new(),
        calls_back: false,
    };
    let mut first: Option<Shape> = None;
    let two = dice.chance(80);
    for name in ["a", "b"].into_iter().take(1 + two as usize) {
        let mut shape = Shape::new(dice, first.as_ref().map(|first| ("a", first)));
        let imported = shape.imported_funcs() as u32;
        let count = shape.funcs.len() as u32;
        let bodies = (imported..count)
            .map(|func| Body::function(&mut shape, dice, func, padded))
            .collect();
        made.units.push(Unit {
            name: name.to_owned(),
            wasm: shape.encode(bodies),
        });
        let exports = (imported..count).map(|func| (format!("f{func}"), shape.signature(func).params.clone()));
        made.exports.push(exports.collect());
        made.calls_back |= shape.calls_back;
        first = Some(shape);
    }
    made
}
