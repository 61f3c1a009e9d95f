//! Pass 1: visits of memory instructions, and the forms of their addresses.

use super::ir::{Arg, Ins, Mode, Op, Slow};
use super::stack::{NONE, Operand, Place};
use super::visit::{reachable, visit};
use super::*;
use crate::engine::ops::*;
use crate::engine::types::PAGE_BYTES;
use crate::engine::types::ValType::{F32, F64, I32, I64};
use wasmparser::MemArg;

macro_rules! load_visits {
    ($($visit:ident $op:ident $ty:ident)*) => {
        impl Translator<'_> { $(visit!($visit(self, memarg: MemArg) self.load(LoadOp::$op, memarg, $ty));)* }
    };
}
for_each_load_visit!(load_visits);
macro_rules! store_visits {
    ($($visit:ident $op:ident)*) => {
        impl Translator<'_> { $(visit!($visit(self, memarg: MemArg) self.store(StoreOp::$op, memarg));)* }
    };
}
for_each_store_visit!(store_visits);

/// The most bytes an access has: what is added to its offset.
const ACCESS: u64 = 16;

impl Translator<'_> {
    visit!(visit_f32_load(self, memarg: MemArg) self.load_float(memarg, F32));
    visit!(visit_f64_load(self, memarg: MemArg) self.load_float(memarg, F64));
    visit!(visit_f32_store(self, memarg: MemArg) self.store_float(memarg, F32));
    visit!(visit_f64_store(self, memarg: MemArg) self.store_float(memarg, F64));

    pub(super) fn visit_memory_size(&mut self, memory: u32) {
        reachable!(self);
        let ty = self.module.memories[memory as usize];
        if memory == 0 && ty.page_bytes == PAGE_BYTES && !ty.shared {
            self.push_result(Ins::new(Op::MemorySize), ty.index());
        } else {
            self.slow(Slow::MemorySize, 0, memory, 0, Some(ty.index()));
        }
    }
    visit!(visit_memory_grow(self, memory: u32) {
        let index = self.module.memories[memory as usize].index();
        self.slow(Slow::MemoryGrow, 1, memory, 0, Some(index))
    });
    visit!(visit_memory_init(self, data: u32, memory: u32) self.slow_bulk(Slow::MemoryInit, memory, data));
    visit!(visit_data_drop(self, data: u32) self.slow(Slow::DataDrop, 0, data, 0, None));
    visit!(visit_memory_fill(self, memory: u32) self.bulk(Op::MemoryFill(self.module.memories[0].is_64), Slow::MemoryFill, memory, 0));
    visit!(visit_memory_copy(self, to: u32, from: u32) self.bulk(Op::MemoryCopy(self.module.memories[0].is_64), Slow::MemoryCopy, to, from));

    /// Bulk operations on memory 0 are tried by a handler first; metered ones are charged by the driver.
    fn bulk(&mut self, op: Op, kind: Slow, i: u32, j: u32) {
        if i != 0 || j != 0 || self.metering || self.scratch.is_some() || self.module.memories[0].shared {
            return self.slow_bulk(kind, i, j);
        }
        let height = self.stack.len() - 3;
        let base = self.stack.slot_at(height);
        let c = self.stack.pop();
        let (a, b) = self.pop_two();
        let args = [self.slot_arg(a), self.slot_arg(b), self.slot_arg(c)];
        self.emit(Ins::new(op).d(base).a(args[0]).b(args[1]).c(args[2]));
    }

    // ---- forms ---------------------------------------------------------------------------------------------------

    /// The address operand in the form an access takes it: mode, `a`, `b` and offset. Absorbs an addition.
    pub(super) fn address(&mut self, operand: Operand, memarg: MemArg) -> (Mode, Arg, Arg, u64) {
        let ty = &self.module.memories[memarg.memory as usize];
        let (is_64, shared) = (ty.is_64, ty.shared);
        if shared {
            let a = self.slot_arg(operand);
            return (Mode::AtShared, a, Arg::NONE, memarg.offset);
        }
        if let Some(value) = operand.is_const() {
            let value = if is_64 { value } else { value as u32 as u64 };
            if let Some(address) = value.checked_add(memarg.offset)
                && address <= u32::MAX as u64 - ACCESS
            {
                return (Mode::Fixed, Arg::NONE, Arg::NONE, address);
            }
        }
        if is_64 {
            let a = self.slot_arg(operand);
            return (Mode::At64, a, Arg::NONE, memarg.offset);
        }
        if self.opts.fusion
            && operand.place == Place::Temp
            && operand.def != NONE
            && operand.def >= self.region
            && let Ins {
                op: Op::Binary(BinaryOp::I32Add),
                d,
                a,
                b,
                ..
            } = self.code[operand.def as usize]
            && (self.is_last(operand.def) || self.still_holds(operand, a) && self.still_holds(operand, b))
            && d == Arg::slot(operand.slot)
        {
            if self.is_last(operand.def) {
                self.unemit();
            } else {
                self.code[operand.def as usize].op = Op::Nop;
            }
            let mode = if b.as_constant().is_some() {
                Mode::Plus
            } else {
                Mode::Sum
            };
            return (mode, a, b, memarg.offset);
        }
        let a = self.slot_arg(operand);
        (Mode::At, a, Arg::NONE, memarg.offset)
    }

    /// Whether an argument of the instruction that computed `operand` still has the value it had then: it is a
    /// constant, a local not written since, or the operand's own slot, which nothing else writes while it is on the
    /// stack.
    fn still_holds(&self, operand: Operand, arg: Arg) -> bool {
        let Some(slot) = arg.as_slot() else { return true };
        if slot == operand.slot {
            return true;
        }
        match self.local_at(slot) {
            Some(local) => self.last_write[local] <= operand.def,
            None => false,
        }
    }

    /// The local that has this slot.
    pub(super) fn local_at(&self, slot: u32) -> Option<usize> {
        self.locals.binary_search_by_key(&slot, |&(at, _)| at).ok()
    }

    fn load(&mut self, op: LoadOp, memarg: MemArg, ty: ValType) {
        let address = self.stack.pop();
        if self.is_far(&memarg, false) {
            return self.load_far(op, address, memarg, ty);
        }
        let (mode, a, b, x) = self.address(address, memarg);
        self.push_result(Ins::new(Op::Load(op, mode)).a(a).b(b).x(x), ty);
    }

    fn load_float(&mut self, memarg: MemArg, ty: ValType) {
        let address = self.stack.pop();
        if self.is_far(&memarg, true) {
            let op = if ty == F64 { LoadOp::Load64 } else { LoadOp::Load32U };
            return self.load_far(op, address, memarg, ty);
        }
        let (mode, a, b, x) = self.address(address, memarg);
        let op = if ty == F64 {
            Op::LoadF64(mode)
        } else {
            Op::LoadF32(mode)
        };
        self.push_result(Ins::new(op).a(a).b(b).x(x), ty);
    }

    /// Whether an access takes the form that finds its memory through the instance, with the offset as it is. Shared
    /// memories have near forms for integers and addresses of 32 bits.
    pub(super) fn is_far(&self, memarg: &MemArg, float: bool) -> bool {
        let ty = &self.module.memories[memarg.memory as usize];
        memarg.memory != 0 || memarg.offset > u32::MAX as u64 - ACCESS || ty.shared && (ty.is_64 || float)
    }

    fn load_far(&mut self, op: LoadOp, address: Operand, memarg: MemArg, ty: ValType) {
        let a = self.slot_arg(address);
        self.push_result(
            Ins::new(Op::LoadFar(op)).a(a).b(Arg(memarg.memory)).x(memarg.offset),
            ty,
        );
    }

    fn store(&mut self, op: StoreOp, memarg: MemArg) {
        let value = self.stack.pop();
        let address = self.stack.pop();
        if self.is_far(&memarg, false) {
            return self.store_far(op, address, value, memarg);
        }
        // Stores narrower than the constant only see its low bits, so any i32 is an immediate of theirs.
        let c = self.imm_arg(value);
        let (mode, a, b, x) = self.address(address, memarg);
        self.emit(Ins::new(Op::Store(op, mode)).a(a).b(b).c(c).x(x));
    }

    fn store_float(&mut self, memarg: MemArg, ty: ValType) {
        let op = if ty == F64 { StoreOp::Store64 } else { StoreOp::Store32 };
        // A constant is stored by its bits.
        if self.stack.peek().is_const().is_some() {
            let value = self.stack.pop();
            let ty = if ty == F64 { I64 } else { I32 };
            self.stack.push(value.place, ty, NONE);
            return self.store(op, memarg);
        }
        let value = self.stack.pop();
        let address = self.stack.pop();
        if self.is_far(&memarg, true) {
            return self.store_far(op, address, value, memarg);
        }
        let c = self.arg(value);
        let (mode, a, b, x) = self.address(address, memarg);
        let op = if ty == F64 {
            Op::StoreF64(mode)
        } else {
            Op::StoreF32(mode)
        };
        self.emit(Ins::new(op).a(a).b(b).c(c).x(x));
    }

    fn store_far(&mut self, op: StoreOp, address: Operand, value: Operand, memarg: MemArg) {
        let (a, c) = (self.slot_arg(address), self.slot_arg(value));
        self.emit(
            Ins::new(Op::StoreFar(op))
                .a(a)
                .b(Arg(memarg.memory))
                .c(c)
                .x(memarg.offset),
        );
    }
}
