//! Neighbouring instructions that the translator makes one of (`translate::fuse`, `translate::join`), and what looks
//! like them but has to stay apart: results read twice, results kept over a branch, constants of every awkward kind.

use wasm_encoder::{BlockType, Instruction};

use super::body::{Body, Label, MAX_LOOPS};
use super::ops::{Access, LOADS};
use crate::value::Type::{self, F32, I32, I64};

const COUNTS: [i32; 12] = [2, 0, 1, 3, 4, 8, 16, 31, 32, 34, 63, -1];
const MASKS: [i32; 12] = [
    0xff,
    0,
    -1,
    1,
    0x7ff8,
    0xffff,
    -0x10000,
    i32::MIN,
    i32::MAX,
    0x00ff_ff00,
    -2,
    0x5555_5555,
];
const ADDENDS: [i32; 9] = [-1, 1, 8, -16, 0, i32::MIN, i32::MAX, 0x1234, -3];
/// Constants that no immediate holds, and the first ones that one does.
const WIDE: [i64; 9] = [
    1 << 32,
    0xffff_ffff,
    -1 << 32,
    0x8000_0000,
    -0x8000_0001,
    i64::MIN,
    i64::MAX,
    0x1234_5678_9abc_def0,
    -0x8000_0000,
];

impl Body<'_, '_, '_> {
    fn emit_all(&mut self, code: &[Instruction<'static>]) {
        code.iter().for_each(|ins| self.emit(ins.clone()));
    }

    /// Pushes an operand: a local that is used much, or rarely, a result just computed, one of which only a half is
    /// read.
    fn operand(&mut self, ty: Type) {
        match self.dice.below(8) {
            0..=2 => {
                let local = self.writable[ty as usize][0];
                self.emit(Instruction::LocalGet(local));
                self.stack.push(ty);
            }
            3 => {
                let local = *self.writable[ty as usize].last().expect("every type has locals");
                self.emit(Instruction::LocalGet(local));
                self.stack.push(ty);
            }
            4 if ty == I32 => {
                self.above(|body| body.operand(I64));
                if self.dice.chance(128) {
                    let high = self.dice.pick(&[-1 << 32, 0x1234_5678 << 32, i64::MIN]);
                    self.emit_all(&[Instruction::I64Const(high), Instruction::I64Or]);
                }
                self.emit(Instruction::I32WrapI64);
                self.pop(1);
                self.stack.push(I32);
            }
            5 => self.leaf(ty),
            _ => self.above(|body| body.produce(ty)),
        }
    }

    /// Now and then something between two neighbours, so that the result on top has another reader, or another way to
    /// come here.
    fn between(&mut self) {
        let ty = self.stack[self.stack.len() - 1];
        match self.dice.below(20) {
            0 => self.tee_top(),
            1 => self.aside(),
            // Kept over a branch; and then a label.
            2 if self.labels.len() < 8 => {
                let block_type = self.shape.type_index(&[ty], &[ty]);
                self.emit(Instruction::Block(BlockType::FunctionType(block_type)));
                let label = Label {
                    carries: vec![ty],
                    counter: None,
                };
                self.inside(label, 1, &[ty], |body| {
                    body.above(|body| body.condition());
                    body.pop(1);
                    body.emit(Instruction::BrIf(0));
                    if body.dice.chance(128) {
                        body.tee_top();
                    }
                });
                self.emit(Instruction::End);
            }
            3 => self.emit(Instruction::Nop),
            _ => {}
        }
    }

    /// `x op constant`
    fn with_constant(&mut self, value: i32, op: Instruction<'static>) {
        self.between();
        self.emit_all(&[Instruction::I32Const(value), op]);
    }

    fn mask(&mut self) -> i32 {
        if self.dice.chance(40) {
            self.dice.word() as i32
        } else {
            self.dice.pick(&MASKS)
        }
    }

    /// Pushes the result of neighbours that are joined.
    pub fn joined(&mut self, ty: Type) {
        if ty != I32 {
            return self.joined_wide(ty);
        }
        use Instruction::*;
        // What is added in the end may have been computed before.
        let first = self.dice.chance(90);
        if first {
            self.above(|body| body.operand(I32));
        }
        self.above(|body| match body.dice.below(8) {
            0..=3 => {
                body.operand(I32);
                let shift = body.dice.pick(&[I32ShrU, I32Shl, I32ShrU, I32Shl, I32ShrS]);
                let (count, mask) = (body.dice.pick(&COUNTS), body.mask());
                if body.dice.chance(128) {
                    body.with_constant(count, shift);
                    body.with_constant(mask, I32And);
                } else {
                    body.with_constant(mask, I32And);
                    body.with_constant(count, shift);
                }
            }
            4 => {
                body.operand(I32);
                let count = body.dice.pick(&COUNTS);
                body.with_constant(count, I32Shl);
            }
            5 => {
                body.operand(I32);
                let mask = body.mask();
                body.with_constant(mask, I32And);
            }
            6 => match body.some_global(I32) {
                Some(global) => {
                    body.emit(GlobalGet(global));
                    body.stack.push(I32);
                    let addend = body.dice.pick(&ADDENDS);
                    let op = body.dice.pick(&[I32Add, I32Sub]);
                    body.with_constant(addend, op);
                }
                None => body.operand(I32),
            },
            _ => {
                body.operand(I32);
                let addend = body.dice.pick(&ADDENDS);
                let op = body.dice.pick(&[I32Sub, I32Sub, I32Add]);
                body.with_constant(addend, op);
            }
        });
        if first {
            self.between();
            let op = self.dice.pick(&[I32Add, I32Add, I32Add, I32Sub, I32Xor]);
            self.emit(op);
            self.pop(1);
        } else if self.dice.chance(128) {
            self.between();
            self.above(|body| body.operand(I32));
            self.emit(I32Add);
            self.pop(1);
        }
        if self.dice.chance(30) {
            self.tee_top();
        }
    }

    /// The same of other types: a constant subtracted, results of joined neighbours converted.
    fn joined_wide(&mut self, ty: Type) {
        use Instruction::*;
        match ty {
            I64 if self.dice.chance(128) => {
                self.above(|body| body.operand(I64));
                let value = if self.dice.chance(128) {
                    self.dice.pick(&WIDE)
                } else {
                    self.dice.pick(&ADDENDS) as i64
                };
                let op = self.dice.pick(&[I64Sub, I64Sub, I64Add]);
                self.emit_all(&[I64Const(value), op]);
            }
            _ => {
                self.above(|body| body.joined(I32));
                let convert = match ty {
                    I64 => self.dice.pick(&[I64ExtendI32U, I64ExtendI32S]),
                    F32 => F32ConvertI32S,
                    _ => F64ConvertI32U,
                };
                self.emit(convert);
                self.pop(1);
                self.stack.push(ty);
            }
        }
    }

    /// Pushes a condition that a branch is joined with: a load, a mask, a comparison with a wide constant.
    pub fn joined_condition(&mut self) {
        use Instruction::*;
        match self.dice.below(7) {
            0 => {
                self.above(|body| body.operand(I64));
                let value = self.dice.pick(&WIDE);
                let ops = [
                    I64Eq, I64Ne, I64LtS, I64LtU, I64GtS, I64GtU, I64LeS, I64LeU, I64GeS, I64GeU,
                ];
                let op = self.dice.pick(&ops);
                self.emit_all(&[I64Const(value), op]);
                self.pop(1);
                self.stack.push(I32);
                if self.dice.chance(60) {
                    self.emit(I32Eqz);
                }
                return;
            }
            1..=3 if !self.shape.memories.is_empty() => self.load_to_test(),
            4 => self.above(|body| body.joined(I32)),
            _ => {
                self.above(|body| body.operand(I32));
                if self.dice.chance(128) {
                    let mask = self.mask();
                    self.with_constant(mask, I32And);
                } else {
                    self.above(|body| body.operand(I32));
                    self.emit(I32And);
                    self.pop(1);
                }
            }
        }
        self.between();
        let value = self.dice.pick(&[0, 1, 0xff, 0xffff, -1, 8, 35, i32::MIN]);
        match self.dice.below(8) {
            0 => {}
            1 => self.emit(I32Eqz),
            2 => self.emit_all(&[I32Const(value), I32And]),
            3 => self.emit_all(&[I32Const(value), I32And, I32Eqz]),
            4 => self.emit_all(&[I32Const(0), I32Ne]),
            5 => self.emit_all(&[I32Const(value), I32Eq]),
            6 => self.emit_all(&[I32Const(value), I32Ne]),
            _ => self.emit_all(&[I32Const(value), I32GtU]),
        }
    }

    /// Pushes a number from memory, mostly by way of an address that is one operand.
    fn load_to_test(&mut self) {
        use Instruction::*;
        if self.dice.chance(40) {
            let of_type: Vec<Access> = LOADS.iter().copied().filter(|access| access.ty == I32).collect();
            let access = self.dice.pick(&of_type);
            return self.above(|body| body.load_by(access));
        }
        let memarg = wasm_encoder::MemArg {
            offset: self.dice.pick(&[0, 1, 60, 0x1001, 0x4000]),
            align: 0,
            target: wasm_encoder::MemArgTarget::Memory(0),
            ordering: None,
        };
        if self.dice.chance(150) {
            let pointer = self.dice.pick(&self.pointers.clone());
            self.emit(LocalGet(pointer));
        } else {
            self.masked();
        }
        let load = self
            .dice
            .pick(&[I32Load8U(memarg), I32Load16U(memarg), I32Load(memarg)]);
        self.emit(load);
        self.stack.push(I32);
    }

    /// Emits the address `base + (index << k)`, mostly for an access of that many bytes, without noting it on the stack.
    /// Returns whether the offset has to be 0.
    pub fn scaled_address(&mut self, memory: u32, bytes: u64) -> bool {
        use Instruction::*;
        let scale = bytes.trailing_zeros() as i32;
        let count = self
            .dice
            .pick(&[scale, scale, scale, scale, scale + 32, scale ^ 1, scale - 32]);
        let pointer = self.dice.pick(&self.pointers.clone());
        match self.dice.below(8) {
            // Up to the end of memory, with sums that wrap around.
            0..=2 if self.loops < MAX_LOOPS => {
                let end = (self.shape.memories[memory as usize].pages << 16) as i32;
                let past = self.dice.chance(10) as i32;
                let index = self.dice.pick(&[-1, 5, 0, 1 << 29, 0x7fff, i32::MIN]);
                let index = if self.dice.chance(100) {
                    self.dice.word() as i32
                } else {
                    index
                };
                let base = (end - bytes as i32 + past).wrapping_sub(index.wrapping_shl(count as u32));
                // Nobody counts with this one yet.
                let counter = self.counters[self.loops];
                let local = self.writable_local(I32);
                self.emit_all(&[I32Const(index), LocalSet(counter), I32Const(base), LocalSet(local)]);
                let counter = [LocalGet(counter), I32Const(count), I32Shl];
                if self.dice.chance(128) {
                    self.emit(LocalGet(local));
                    self.emit_all(&counter);
                } else {
                    self.emit_all(&counter);
                    self.emit(LocalGet(local));
                }
                self.emit(I32Add);
                true
            }
            3 | 4 => {
                self.masked_by(0x1ff8 >> (count & 31));
                self.emit_all(&[I32Const(count), I32Shl, LocalGet(pointer), I32Add]);
                false
            }
            5 => {
                self.emit(LocalGet(pointer));
                self.masked_by(0x1ff8 >> (count & 31));
                self.emit_all(&[I32Const(count), I32Shl, I32Add]);
                false
            }
            6 => {
                self.masked();
                self.masked_by(0xff);
                self.emit_all(&[I32Const(if count & 31 > 4 { 3 } else { count }), I32Shl, I32Add]);
                false
            }
            _ => {
                let local = self.writable_local(I32);
                self.masked_by(0x0fff);
                self.emit(LocalSet(local));
                self.emit_all(&[LocalGet(pointer), LocalGet(local), I32Const(scale), I32Shl, I32Add]);
                true
            }
        }
    }

    /// Several locals written one after the other, often with a branch behind.
    pub fn steps_of_locals(&mut self) {
        use Instruction::*;
        let steps = 1 + self.dice.below(4);
        if self.labels.len() >= 8 || self.dice.chance(128) {
            return (0..steps).for_each(|_| self.step_of_local());
        }
        self.emit(Block(BlockType::Empty));
        let label = Label {
            carries: Vec::new(),
            counter: None,
        };
        self.inside(label, 0, &[], |body| {
            if body.dice.chance(128) {
                body.condition();
                body.pop(1);
                body.emit(BrIf(0));
            }
            (0..steps).for_each(|_| body.step_of_local());
            body.emit(Br(0));
        });
        self.emit(End);
    }

    /// A local becomes another, a constant, or itself plus a constant.
    pub fn step_of_local(&mut self) {
        use Instruction::*;
        let ty = if self.dice.chance(170) { I32 } else { self.any_type() };
        let (to, from) = (self.writable_local(ty), self.writable_local(ty));
        match self.dice.below(6) {
            0 | 1 => self.emit_all(&[LocalGet(from), LocalSet(to)]),
            2 => {
                self.constant(ty);
                self.emit(LocalSet(to));
            }
            at => {
                // Most often the same local.
                let (to, from) = (self.writable_local(I32), self.writable_local(I32));
                let addend = self.dice.pick(&ADDENDS);
                let op = self.dice.pick(&[I32Add, I32Add, I32Sub]);
                let to = if at == 5 { to } else { from };
                self.emit_all(&[LocalGet(from), I32Const(addend), op, LocalSet(to)]);
            }
        }
    }

    /// What C functions do to their stack's pointer.
    pub fn step_of_global(&mut self) {
        use Instruction::*;
        let (Some(from), Some(to)) = (self.some_global(I32), self.mutable_global(I32)) else {
            return;
        };
        let from = if self.dice.chance(200) { to } else { from };
        let addend = self.dice.pick(&ADDENDS);
        let op = self.dice.pick(&[I32Add, I32Sub]);
        let local = self.writable_local(I32);
        match self.dice.below(4) {
            0 | 1 => {
                self.emit(GlobalGet(from));
                self.stack.push(I32);
                self.with_constant(addend, op);
                match self.dice.below(4) {
                    0 => {}
                    1 => self.emit_all(&[LocalSet(local), LocalGet(local)]),
                    _ => self.emit(LocalTee(local)),
                }
            }
            2 => {
                self.above(|body| body.operand(I32));
                self.with_constant(addend, op);
            }
            _ => self.above(|body| body.joined(I32)),
        }
        self.between();
        self.emit(GlobalSet(to));
        self.pop(1);
        if self.dice.chance(60) {
            self.emit(GlobalGet(to));
            self.stack.push(I32);
        }
    }

    /// Pushes the index of a `br_table`: small, with an addend that may wrap it around.
    pub fn joined_index(&mut self) {
        use Instruction::*;
        let addend = self.dice.pick(&[-3, 1, -1, 2, -7, i32::MIN, -100]);
        self.above(|body| body.operand(I32));
        if self.dice.chance(200) {
            self.emit_all(&[I32Const(7), I32And]);
        }
        // Now and then the same number by way of the other sign.
        match self.dice.below(4) {
            0 => self.emit_all(&[I32Const(addend.wrapping_neg()), I32Sub]),
            1 => self.emit_all(&[I32Const(100), I32Add, I32Const(-100), I32Add]),
            _ => self.emit_all(&[I32Const(addend), I32Add]),
        }
    }

    /// Emits a condition for a loop whose counter is on top: it does not hold once that is negative.
    pub fn joined_countdown(&mut self, counter: u32) {
        use Instruction::*;
        let memarg = wasm_encoder::MemArg {
            offset: 16,
            align: 0,
            target: wasm_encoder::MemArgTarget::Memory(0),
            ordering: None,
        };
        let pointer = self.pointers[0];
        match self.dice.below(5) {
            0 => self.emit_all(&[I32Const(-16), I32And, I32Const(0), I32Eq]),
            1 => self.emit_all(&[I32Const(i32::MIN), I32And, I32Const(i32::MIN), I32Ne]),
            2 => self.emit_all(&[I64ExtendI32S, I64Const(0x1_0000_0000), I64LtU]),
            3 if !self.shape.memories.is_empty() => {
                let (load, store) = match self.dice.below(2) {
                    0 => (I32Load(memarg), I32Store(memarg)),
                    _ => (I32Load16U(memarg), I32Store16(memarg)),
                };
                self.emit_all(&[Drop, LocalGet(pointer), LocalGet(counter), store]);
                self.emit_all(&[LocalGet(pointer), load, I32Const(0x8000), I32And, I32Eqz]);
            }
            _ => self.emit_all(&[
                I64ExtendI32U,
                I64Const(0x7654_3210 << 32),
                I64Or,
                I32WrapI64,
                I32Const(0),
                I32GtS,
            ]),
        }
    }
}
