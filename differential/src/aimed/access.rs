//! Memories and tables: addresses of every form, sizes below and above what is done in one go.

use wasm_encoder::{Instruction, MemArg, MemArgTarget};

use super::body::Body;
use super::ops::{Access, LOADS, STORES};
use crate::value::Type::{self, F32, F64, I32};

/// Addresses and offsets stay below this, so that their sum is within one page.
const HALF_PAGE: i32 = 0x7ff8;

impl Body<'_, '_, '_> {
    fn some_memory(&mut self) -> Option<u32> {
        let count = self.shape.memories.len();
        // Memory 0 is what most code uses.
        (count > 0).then(|| {
            if self.dice.chance(180) {
                0
            } else {
                self.dice.below(count) as u32
            }
        })
    }

    /// Pushes an address for an access of that many bytes; gives the offset that goes with it.
    fn address(&mut self, memory: u32, bytes: u64) -> u64 {
        let pointer = self.dice.pick(&self.pointers.clone());
        let offset = self.dice.pick(&[0, 0, 4, 8, 1, 0x1ff3, 0x3ff0]);
        if self.dice.chance(80) {
            let exact = self.scaled_address(memory, bytes);
            self.stack.push(I32);
            return if exact { 0 } else { offset };
        }
        let mut emit = |code: &[Instruction<'static>]| code.iter().for_each(|ins| self.code.push(ins.clone()));
        use Instruction::*;
        let offset = match self.dice.below(12) {
            0 | 1 => {
                emit(&[LocalGet(pointer)]);
                offset
            }
            2 => {
                emit(&[I32Const(self.dice.pick(&[0, 16, 100, 0x1234, HALF_PAGE]))]);
                offset
            }
            3 => {
                emit(&[LocalGet(pointer), I32Const(self.dice.pick(&[4, 24, 0x1008, 1])), I32Add]);
                offset
            }
            4 => {
                emit(&[I32Const(self.dice.pick(&[8, 40, 0x2004])), LocalGet(pointer), I32Add]);
                offset
            }
            5 => {
                emit(&[LocalGet(self.pointers[0]), LocalGet(self.pointers[1]), I32Add]);
                offset & 7
            }
            // Sums that wrap around.
            6 => {
                let far = self.dice.pick(&[i32::MIN, -16, -0x1000]);
                emit(&[
                    LocalGet(pointer),
                    I32Const(far),
                    I32Add,
                    I32Const(far.wrapping_neg()),
                    I32Add,
                ]);
                offset
            }
            // Temporaries, alone and in sums with a constant, a pointer, another.
            7 | 8 => {
                self.masked();
                offset
            }
            9 => {
                self.masked();
                self.emit(I32Const(0x808));
                self.emit(I32Add);
                offset
            }
            10 => {
                self.masked();
                self.emit(LocalGet(pointer));
                self.emit(I32Add);
                offset & 7
            }
            _ => {
                let end = (self.shape.memories[memory as usize].pages << 16) as i32;
                match self.dice.below(16) {
                    0 => self.above(|body| {
                        body.produce(I32);
                        body.pop(1);
                    }),
                    1 => self.emit(I32Const(end - bytes as i32 + 1)),
                    2 => self.emit(I32Const(-1)),
                    _ => self.emit(I32Const(end - bytes as i32)),
                }
                0
            }
        };
        self.stack.push(I32);
        self.budget -= 3;
        if self.dice.chance(24) {
            self.aside();
        }
        offset
    }

    /// Emits a small number that only the running code knows, without noting it on the stack.
    pub fn masked(&mut self) {
        self.masked_by(0x3ff8);
    }

    pub fn masked_by(&mut self, mask: i32) {
        self.above(|body| {
            body.produce(I32);
            body.pop(1);
        });
        self.emit(Instruction::I32Const(mask));
        self.emit(Instruction::I32And);
    }

    fn memarg(&mut self, access: Access, offset: u64, memory: u32) -> MemArg {
        let align = self.dice.below(access.align() as usize + 1) as u32;
        MemArg {
            offset,
            align,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }

    pub fn load(&mut self, ty: Type) {
        let of_type: Vec<Access> = LOADS.iter().copied().filter(|access| access.ty == ty).collect();
        let access = self.dice.pick(&of_type);
        self.load_by(access);
    }

    pub fn load_by(&mut self, access: Access) {
        let Some(memory) = self.some_memory() else {
            return self.leaf(access.ty);
        };
        let offset = self.address(memory, access.bytes);
        let memarg = self.memarg(access, offset, memory);
        self.emit((access.ins)(memarg));
        self.pop(1);
        self.stack.push(access.ty);
    }

    pub fn store(&mut self) {
        let Some(memory) = self.some_memory() else {
            return;
        };
        let ty = self.number_type();
        let of_type: Vec<Access> = STORES.iter().copied().filter(|access| access.ty == ty).collect();
        let access = self.dice.pick(&of_type);
        if matches!(ty, F32 | F64) && self.dice.chance(128) {
            return self.store_raw(access, memory);
        }
        let offset = self.address(memory, access.bytes);
        self.above(|body| body.produce(ty));
        if matches!(ty, F32 | F64) {
            self.canonical(ty);
        }
        let memarg = self.memarg(access, offset, memory);
        self.emit((access.ins)(memarg));
        self.pop(2);
    }

    /// Stores a float as it was computed; if it is a NaN, a zero is stored over it afterwards.
    fn store_raw(&mut self, access: Access, memory: u32) {
        use Instruction::*;
        let pointer = self.dice.pick(&self.pointers.clone());
        let offset = self.dice.pick(&[0, 8, 0x2000]);
        let memarg = self.memarg(access, offset, memory);
        self.emit(LocalGet(pointer));
        self.stack.push(I32);
        // The pointer is read again below.
        let frozen = std::mem::replace(&mut self.frozen, true);
        self.above(|body| body.produce(access.ty));
        self.frozen = frozen;
        self.emit((access.ins)(memarg));
        self.pop(2);
        let (load, ne, zero, store): (fn(MemArg) -> Instruction<'static>, _, _, _) = match access.ty {
            F32 => (F32Load, F32Ne, I32Const(0), I32Store(memarg)),
            _ => (
                F64Load,
                F64Ne,
                I64Const(0),
                I64Store(MemArg {
                    align: memarg.align.min(3),
                    ..memarg
                }),
            ),
        };
        let empty = wasm_encoder::BlockType::Empty;
        for ins in [
            LocalGet(pointer),
            load(memarg),
            LocalGet(pointer),
            load(memarg),
            ne,
            If(empty),
            LocalGet(pointer),
            zero,
            store,
            End,
        ] {
            self.emit(ins);
        }
    }

    // ---- bulk operations -----------------------------------------------------------------------------------------

    pub fn bulk(&mut self) {
        let Some(memory) = self.some_memory() else {
            return;
        };
        let bytes = (self.shape.memories[memory as usize].pages << 16) as i32;
        // Above 64 KiB only where loops do not make it slow.
        let long = self.rounds < 4 && bytes > 0x20000 && self.dice.chance(128);
        let len = if long {
            0x10000 + self.dice.below(0x8000) as i32
        } else {
            self.dice.pick(&[0, 1, 13, 64, 5000])
        };
        match self.dice.below(8) {
            0..=2 => {
                self.range(bytes, len);
                self.above(|body| body.produce(I32));
                self.pop(1);
                self.length(len);
                self.emit(Instruction::MemoryFill(memory));
            }
            3..=5 => {
                let src_mem = if self.dice.chance(128) {
                    memory
                } else {
                    self.some_memory().expect("there is one")
                };
                let other = (self.shape.memories[src_mem as usize].pages << 16) as i32;
                let len = len.min(bytes.min(other));
                let to = self.range(bytes.min(other), len);
                // Near each other, so that they overlap.
                let by = self.dice.pick(&[-1, 1, 7, -64, 4000, -4000]);
                let from = (to + by).clamp(0, bytes.min(other) - len);
                self.emit(Instruction::I32Const(from));
                self.length(len);
                self.emit(Instruction::MemoryCopy {
                    src_mem,
                    dst_mem: memory,
                });
            }
            6 => {
                let data_index = self.dice.below(self.shape.data.len()) as u32;
                let have = self.shape.data[data_index as usize] as i32;
                let len = if len > 64 { have } else { len.min(have) };
                self.range(bytes, len);
                let from = self.dice.below((have - len + 1) as usize) as i32;
                self.emit(Instruction::I32Const(from));
                self.length(len);
                self.emit(Instruction::MemoryInit {
                    mem: memory,
                    data_index,
                });
            }
            _ if self.dice.chance(30) => {
                let data_index = self.dice.below(self.shape.data.len()) as u32;
                self.emit(Instruction::DataDrop(data_index));
            }
            _ => {}
        }
    }

    /// Emits the start of a range that is within `bytes`, mostly.
    fn range(&mut self, bytes: i32, len: i32) -> i32 {
        let last = bytes - len;
        let start = match self.dice.below(6) {
            0 => last,
            1 => 0,
            2 if self.dice.chance(10) => last + 1,
            _ => self.dice.below(0x4000) as i32,
        };
        self.emit(Instruction::I32Const(start));
        start
    }

    /// Emits a length: a constant, or one that has to be computed.
    fn length(&mut self, len: i32) {
        self.emit(Instruction::I32Const(len));
        if self.dice.chance(100) {
            let zero = self.dice.pick(&self.pointers.clone());
            self.emit(Instruction::LocalGet(zero));
            self.emit(Instruction::I32Const(0));
            self.emit(Instruction::I32And);
            self.emit(Instruction::I32Or);
        }
    }

    /// A number of pages or elements to grow by.
    fn small(&mut self) -> i32 {
        self.dice.pick(&[0, 1, 1, 2])
    }

    pub fn grow(&mut self) {
        let Some(memory) = self.some_memory() else {
            return;
        };
        match self.dice.below(3) {
            0 => self.emit(Instruction::MemorySize(memory)),
            1 => {
                let by = self.small();
                self.emit(Instruction::I32Const(by));
                self.emit(Instruction::MemoryGrow(memory));
            }
            _ => {
                self.above(|body| body.produce(I32));
                self.pop(1);
                self.emit(Instruction::MemoryGrow(memory));
            }
        }
        self.stack.push(I32);
    }

    // ---- tables --------------------------------------------------------------------------------------------------

    /// An instruction on a table that is not the one indirect calls rely on.
    pub fn table(&mut self) {
        let tables: Vec<u32> = (0..self.shape.tables.len() as u32)
            .filter(|&at| at != self.shape.group_table)
            .collect();
        let table = self.dice.pick(&tables);
        let (ty, len) = (
            self.shape.tables[table as usize].ty,
            self.shape.tables[table as usize].len as i32,
        );
        let elem_index = (ty == Type::Extern) as u32;
        let index = |body: &mut Self| {
            body.above(|body| body.produce(I32));
            body.pop(1);
            body.emit(Instruction::I32Const(3));
            body.emit(Instruction::I32And);
        };
        let value = |body: &mut Self| {
            body.above(|body| body.produce(ty));
            body.pop(1);
        };
        let small = |body: &mut Self| {
            let count = body.small() + 1;
            body.emit(Instruction::I32Const(count));
        };
        match self.dice.below(8) {
            0 | 1 => {
                index(self);
                self.emit(Instruction::TableGet(table));
                self.stack.push(ty);
            }
            2 => {
                index(self);
                value(self);
                self.emit(Instruction::TableSet(table));
            }
            3 => {
                self.emit(Instruction::TableSize(table));
                self.stack.push(I32);
            }
            4 => {
                value(self);
                let by = self.small();
                self.emit(Instruction::I32Const(by));
                self.emit(Instruction::TableGrow(table));
                self.stack.push(I32);
            }
            5 => {
                index(self);
                value(self);
                small(self);
                self.emit(Instruction::TableFill(table));
            }
            6 => {
                index(self);
                index(self);
                small(self);
                let alike = |&&at: &&u32| self.shape.tables[at as usize].ty == ty;
                let sources: Vec<u32> = tables.iter().filter(alike).copied().collect();
                let src_table = self.dice.pick(&sources);
                self.emit(Instruction::TableCopy {
                    src_table,
                    dst_table: table,
                });
            }
            _ if self.dice.chance(20) => self.emit(Instruction::ElemDrop(elem_index)),
            _ => {
                index(self);
                self.emit(Instruction::I32Const(if len > 0 { 1 } else { 0 }));
                small(self);
                self.emit(Instruction::TableInit { elem_index, table });
            }
        }
    }
}
