//! The operand stack at translation time: where each operand is, without code that moves it there.
//!
//! `local.get` and constants push a note and emit nothing. Every operand has a canonical slot, decided by its height
//! alone, so paths that meet agree on where values are.

use crate::engine::types::ValType;

/// Where an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In a local (its index), which must not change before the operand is used.
    Local(u32),
    Const(u64),
    /// In its canonical slot.
    Temp,
}

/// No instruction, no operand.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub place: Place,
    /// Its canonical slot.
    pub slot: u32,
    pub ty: ValType,
    /// The instruction that computed it into its canonical slot, if that is one instruction.
    pub def: u32,
    /// The next lower operand that is the same local.
    below: u32,
}

pub(crate) struct Stack {
    operands: Vec<Operand>,
    /// Canonical slot of the lowest operand.
    base: u32,
    /// By local: the highest operand that is it.
    pending: Vec<u32>,
    /// Below this height no operand is a local.
    settled: usize,
    /// One past the highest slot any operand had.
    pub top_slot: u32,
}

impl Stack {
    pub(crate) fn new(base: u32, locals: usize) -> Stack {
        Stack {
            operands: Vec::new(),
            base,
            pending: vec![NONE; locals],
            settled: 0,
            top_slot: base,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.operands.len()
    }

    /// The canonical slot of the next operand.
    pub(crate) fn next_slot(&self) -> u32 {
        self.operands
            .last()
            .map_or(self.base, |top| top.slot + top.ty.slots() as u32)
    }

    /// The canonical slot of the operand at `height`, which may be the next one.
    pub(crate) fn slot_at(&self, height: usize) -> u32 {
        self.operands
            .get(height)
            .map_or_else(|| self.next_slot(), |operand| operand.slot)
    }

    pub(crate) fn push(&mut self, place: Place, ty: ValType, def: u32) -> u32 {
        let slot = self.next_slot();
        self.top_slot = self.top_slot.max(slot + ty.slots() as u32);
        let mut below = NONE;
        if let Place::Local(local) = place {
            below = std::mem::replace(&mut self.pending[local as usize], self.operands.len() as u32);
        }
        self.operands.push(Operand {
            place,
            slot,
            ty,
            def,
            below,
        });
        slot
    }

    pub(crate) fn pop(&mut self) -> Operand {
        let operand = self.operands.pop().expect("validated: an operand is there");
        if let Place::Local(local) = operand.place {
            self.pending[local as usize] = operand.below;
        }
        self.settled = self.settled.min(self.operands.len());
        operand
    }

    /// The slots of operands that hold references, or will when they are written.
    pub(crate) fn refs(&self) -> impl Iterator<Item = u32> {
        let operands = self.operands.iter();
        let refs = operands.filter(|operand| operand.place == Place::Temp && operand.ty.is_traced());
        refs.map(|operand| operand.slot)
    }

    pub(crate) fn truncate(&mut self, height: usize) {
        while self.operands.len() > height {
            self.pop();
        }
    }

    pub(crate) fn peek(&self) -> &Operand {
        self.operands.last().expect("validated: an operand is there")
    }

    pub(crate) fn get(&self, height: usize) -> &Operand {
        &self.operands[height]
    }

    /// Notes that the operand at `height` is in its canonical slot now.
    ///
    /// Operands that are the same local must be settled from the highest down.
    fn settle(&mut self, height: usize) {
        let operand = &mut self.operands[height];
        operand.place = Place::Temp;
        operand.def = NONE;
    }

    /// The operands that are `local` become `Temp`s; `each` is told the slots they must be copied to.
    pub(crate) fn settle_local(&mut self, local: u32, mut each: impl FnMut(u32)) {
        let mut at = std::mem::replace(&mut self.pending[local as usize], NONE);
        while at != NONE {
            let Operand { slot, below, .. } = self.operands[at as usize];
            each(slot);
            self.settle(at as usize);
            at = below;
        }
    }

    /// Every operand that is a local becomes a `Temp`; `each` is told the copies.
    pub(crate) fn settle_locals(&mut self, mut each: impl FnMut(Operand)) {
        for height in self.settled..self.operands.len() {
            let operand = self.operands[height];
            if let Place::Local(local) = operand.place {
                each(operand);
                self.pending[local as usize] = NONE;
                self.settle(height);
            }
        }
        self.settled = self.operands.len();
    }

    /// The operands from `height` up become `Temp`s; `each` is told the copies.
    pub(crate) fn settle_from(&mut self, height: usize, mut each: impl FnMut(Operand)) {
        for at in (height..self.operands.len()).rev() {
            let operand = self.operands[at];
            match operand.place {
                Place::Local(local) => {
                    self.pending[local as usize] = operand.below;
                    each(operand);
                    self.settle(at);
                }
                Place::Const(_) => {
                    each(operand);
                    self.settle(at);
                }
                Place::Temp => {}
            }
        }
    }
}

impl Operand {
    /// Its slot as an argument, when it is not a constant.
    pub(crate) fn is_const(&self) -> Option<u64> {
        match self.place {
            Place::Const(value) => Some(value),
            _ => None,
        }
    }
}
