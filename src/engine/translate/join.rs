//! Pass 3, where it looks at two instructions at once: writes of locals that need nothing of each other.

use super::encode::{Encoder, fields, fields_imm, halves};
use super::ir::{Arg, Op};
use super::*;
use crate::engine::ops::BinaryOp;
use crate::engine::run::handlers::fused;
use crate::engine::run::operand::{Dst, Src};

/// A write of a local that may be joined with what follows: nobody reads it from the accumulator.
#[derive(Clone, Copy)]
struct Step {
    /// Whether it adds the constant to `a`, or copies.
    adds: bool,
    d: u32,
    /// Slot 0 for an immediate.
    a: u32,
    imm: Option<u32>,
    /// Where the destination is kept besides its slot: row in the tables of `fused`.
    kept: usize,
}

impl Encoder<'_, '_> {
    /// Writes the instruction at `at` with the one that follows, if there is an instruction for both. Returns the index
    /// after them.
    pub(super) fn joined(&mut self, at: usize) -> Option<usize> {
        if !self.t.opts.fusion || self.t.scratch.is_some() {
            return None;
        }
        let first = self.step(at)?;
        let mut next = at + 1;
        while matches!(self.t.code.get(next)?.op, Op::Nop) {
            next += 1;
        }
        if matches!(self.t.code[next].op, Op::Br) {
            self.step_and_branch(first, self.t.code[next].x as Label);
            return Some(next + 1);
        }
        let second = self.step(next)?;
        if first.adds != second.adds || second.a == first.d && (second.adds || second.imm.is_none()) {
            return None;
        }
        let (one, two) = (first.imm.unwrap_or(0), second.imm.unwrap_or(0));
        let table = if first.adds {
            &fused::ADD_2
        } else {
            &fused::COPY_2[first.imm.is_some() as usize][second.imm.is_some() as usize]
        };
        let word = fields(first.d, first.a, second.d, second.a);
        self.push(table[first.kept][second.kept], word);
        if first.imm.is_some() || second.imm.is_some() {
            self.words.push(halves(one, two));
        }
        Some(next + 1)
    }

    fn step_and_branch(&mut self, step: Step, label: Label) {
        let back = self.backward(label) as usize;
        let handler = if step.adds {
            fused::ADD_BR[back][step.kept]
        } else {
            fused::COPY_BR[back][step.imm.is_some() as usize][step.kept]
        };
        self.push(handler, fields_imm(step.d, step.a, step.imm.unwrap_or(0)));
        self.target(label);
    }

    fn step(&self, at: usize) -> Option<Step> {
        let (ins, classes) = (&self.t.code[at], self.assigned.classes[at]);
        let kept = match classes.d {
            Dst::Slot => 0,
            Dst::L0 => 1,
            Dst::L1 => 2,
            Dst::Acc => return None,
        };
        if classes.acc_read || classes.a == Src::Acc {
            return None;
        }
        let d = ins.d.as_slot()?;
        let constant = |arg: Arg| arg.as_constant().map(|index| self.t.consts[index]);
        let step = |adds, a, imm| Step { adds, d, a, imm, kept };
        match ins.op {
            // Float pins are other registers, but their slots are as good.
            Op::Copy(bank) if bank == Bank::Int || kept == 0 && bank != Bank::V128 => match constant(ins.a) {
                Some(value) => (bank == Bank::Int && fits_imm(value)).then(|| step(false, 0, Some(value as u32))),
                None => Some(step(false, ins.a.as_slot()?, None)),
            },
            Op::Binary(BinaryOp::I32Add) => {
                let (a, value) = (ins.a.as_slot()?, constant(ins.b)?);
                // Pins are counted up in their registers, anything else in slots.
                (kept == 0 || a == d).then(|| step(true, a, Some(value as u32)))
            }
            _ => None,
        }
    }
}
