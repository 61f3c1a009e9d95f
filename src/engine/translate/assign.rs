//! Pass 2: what lives in machine registers.
//!
//! Pins: the most used locals of each bank stay in a register over the whole function; their slots are written
//! through. Accumulators: the last value computed in a bank is still in its register when the next instruction
//! wants it; if that is its only reader, its slot is not written at all.

use super::ir::{Arg, Ins, Op};
use super::*;
use crate::engine::run::operand::{Dst, Src};

/// Operand classes of one instruction.
#[derive(Clone, Copy)]
pub(crate) struct Classes {
    pub a: Src,
    pub b: Src,
    pub c: Src,
    pub d: Dst,
    /// A later instruction reads the result from the accumulator.
    pub acc_read: bool,
}

impl Classes {
    const SLOTS: Classes = Classes {
        a: Src::Slot,
        b: Src::Slot,
        c: Src::Slot,
        d: Dst::Slot,
        acc_read: false,
    };
}

/// The slots that are pinned. Two of the integer bank, two f64, one f32.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pins {
    pub int: [Option<u32>; 2],
    pub f64: [Option<u32>; 2],
    pub f32: Option<u32>,
}

impl Pins {
    /// Which pin of the bank a slot is, if any.
    fn of(&self, bank: Bank, slot: u32) -> Option<usize> {
        match bank {
            Bank::Int => self.int.iter().position(|&pin| pin == Some(slot)),
            Bank::F64 => self.f64.iter().position(|&pin| pin == Some(slot)),
            Bank::F32 => (self.f32 == Some(slot)).then_some(0),
            Bank::V128 => None,
        }
    }

    pub(crate) fn floats(&self) -> bool {
        self.f64 != [None; 2] || self.f32.is_some()
    }
}

/// The choice for a whole function.
pub(crate) struct Assigned {
    pub pins: Pins,
    pub classes: Vec<Classes>,
}

pub(crate) fn assign(translator: &Translator<'_>) -> Assigned {
    let pins = if translator.opts.pins {
        choose_pins(translator)
    } else {
        Pins::default()
    };
    let code = &translator.code;
    let mut classes = vec![Classes::SLOTS; code.len()];
    // By bank: the slot whose value the accumulator holds, and the instruction that put it there.
    let mut held: [Option<(u32, usize)>; 4] = [None; 4];
    for (at, ins) in code.iter().enumerate() {
        if matches!(ins.op, Op::Nop) {
            continue;
        }
        let mut class = Classes::SLOTS;
        let roles = ins.op.sources();
        let args = [ins.a, ins.b, ins.c];
        let mut chosen = [Src::Slot; 3];
        for i in 0..3 {
            if args[i].as_constant().is_some() {
                chosen[i] = Src::Imm;
                continue;
            }
            let (Some(role), Some(slot)) = (roles[i], args[i].as_slot()) else {
                continue;
            };
            if role.pin
                && let Some(pin) = pins.of(role.bank, slot)
            {
                chosen[i] = if pin == 0 { Src::L0 } else { Src::L1 };
            } else if translator.opts.registers
                && role.acc
                && let Some((held_slot, def)) = held[role.bank as usize]
                && held_slot == slot
            {
                chosen[i] = Src::Acc;
                classes[def].acc_read = true;
                // An operand of the stack is read once; a local may be read again.
                if slot >= translator.first_temp() && !code[def].keep && code[def].op.result().is_some() {
                    classes[def].d = Dst::Acc;
                }
            }
        }
        (class.a, class.b, class.c) = (chosen[0], chosen[1], chosen[2]);
        if ins.op.forgets_accumulators() {
            held = [None; 4];
        }
        match ins.op {
            Op::Call | Op::CallImport | Op::CallIndirect | Op::CallRef => {
                // A single result is in the accumulator of its bank as well as in its slot.
                if ins.c != Arg::NONE
                    && let Some(base) = ins.d.as_slot()
                {
                    held[ins.c.0 as usize] = Some((base, at));
                }
            }
            _ => {
                if let Some(slot) = ins.d.as_slot() {
                    let end = slot + result_slots(ins.op);
                    for held in &mut held {
                        if held.is_some_and(|(held_slot, _)| (slot..end).contains(&held_slot)) {
                            *held = None;
                        }
                    }
                    if let Some(bank) = ins.op.result() {
                        match pins.of(bank, slot) {
                            Some(pin) => class.d = if pin == 0 { Dst::L0 } else { Dst::L1 },
                            None => held[bank as usize] = Some((slot, at)),
                        }
                    }
                }
            }
        }
        classes[at] = class;
    }
    Assigned { pins, classes }
}

/// Scores locals by their uses, those in loops more, and takes the best.
fn choose_pins(translator: &Translator<'_>) -> Pins {
    // By local: uses in roles that pins serve.
    let mut scores = vec![0u64; translator.locals.len()];
    let mut calls = 0u64;
    for ins in &translator.code {
        if matches!(ins.op, Op::Nop) {
            continue;
        }
        let weight = weight(ins);
        if matches!(ins.op, Op::Call | Op::CallImport | Op::CallIndirect | Op::CallRef) {
            calls += weight;
        }
        let roles = ins.op.sources();
        for (arg, role) in [ins.a, ins.b, ins.c].into_iter().zip(roles) {
            if role.is_some_and(|role| role.pin)
                && let Some(local) = arg.as_slot().and_then(|slot| translator.local_of(slot))
            {
                scores[local] += weight;
            }
        }
        // A loop's step reads and writes its counter, and reads it again.
        let step = if matches!(ins.op, Op::AddBranch(_)) { 2 } else { 0 };
        if (step > 0 || ins.op.result().is_some())
            && let Some(local) = ins.d.as_slot().and_then(|slot| translator.local_of(slot))
        {
            scores[local] += weight.max(step * weight);
        }
    }
    let mut best: [Vec<(u64, u32)>; 4] = Default::default();
    for (local, &score) in scores.iter().enumerate() {
        let (slot, ty) = translator.locals[local];
        if score < 2 || slot >= NEAR_SLOTS {
            continue;
        }
        let bank = bank(ty);
        // Float pins are filled again after each call by an instruction of its own.
        if bank != Bank::Int && score <= 2 * calls {
            continue;
        }
        let list = &mut best[bank as usize];
        list.push((score, slot));
        list.sort_by_key(|&(score, _)| std::cmp::Reverse(score));
        list.truncate(2);
    }
    let slot = |bank: Bank, at: usize| best[bank as usize].get(at).map(|&(_, slot)| slot);
    Pins {
        int: [slot(Bank::Int, 0), slot(Bank::Int, 1)],
        f64: [slot(Bank::F64, 0), slot(Bank::F64, 1)],
        f32: slot(Bank::F32, 0),
    }
}

/// Slots of the result.
fn result_slots(op: Op) -> u32 {
    match op.result() {
        Some(Bank::V128) => 2,
        _ => 1,
    }
}

/// How much an instruction counts: each loop around it by this factor.
fn weight(ins: &Ins) -> u64 {
    const PER_LOOP: u64 = 4;
    PER_LOOP.pow(ins.depth.min(6) as u32)
}

impl Translator<'_> {
    /// The slots of declared locals that must be zero at the start: the first, and how many. Those before and after that
    /// the function writes before it reads them, on its way to the first branch or label, need not be.
    pub(super) fn zeroed(&self) -> (u32, u32) {
        #[derive(Clone, Copy, PartialEq)]
        enum First {
            Unknown,
            Read,
            Written,
        }
        let locals = self.first_local..self.first_temp();
        let mut first = vec![First::Unknown; self.local_slots as usize];
        let mut note = |arg: Arg, slots: u32, what: First| {
            let Some(slot) = arg.as_slot() else { return };
            for slot in (slot..slot + slots).filter(|slot| locals.contains(slot)) {
                let first = &mut first[(slot - locals.start) as usize];
                if *first == First::Unknown {
                    *first = what;
                }
            }
        };
        for ins in self.code.iter().take_while(|ins| !ins.op.leaves_straight_line()) {
            // Bare numbers among them only make it zero more.
            for arg in [ins.a, ins.b, ins.c] {
                // Of a vector the second slot is either read too, or not written before.
                note(arg, 1, First::Read);
            }
            if let Op::Wide(_) = ins.op {
                note(Arg(ins.x as u32), 1, First::Read);
            }
            let what = if ins.op.result().is_some() {
                First::Written
            } else {
                First::Read
            };
            note(ins.d, result_slots(ins.op), what);
        }
        let needed = |first: &First| *first != First::Written;
        match (first.iter().position(needed), first.iter().rposition(needed)) {
            (Some(from), Some(to)) => (locals.start + from as u32, (to - from + 1) as u32),
            _ => (locals.start, 0),
        }
    }

    /// The first slot of the operand stack.
    pub(super) fn first_temp(&self) -> u32 {
        self.first_local + self.local_slots
    }

    fn local_of(&self, slot: u32) -> Option<usize> {
        if slot >= self.first_temp() {
            return None;
        }
        self.local_at(slot)
    }
}
