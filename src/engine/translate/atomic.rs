//! Pass 1: visits of atomic instructions.

use super::ir::{Arg, Ins, Op, Slow};
use super::visit::{reachable, visit};
use super::*;
use crate::engine::ops::*;
use crate::engine::types::ValType::{I32, I64};
use wasmparser::MemArg;

macro_rules! atomic_visits {
    ($($visit:ident $op:ident $width:ident $ty:ident)*) => {
        impl Translator<'_> { $(atomic_visits!(@ $visit $op $width $ty);)* }
    };
    (@ $visit:ident load $width:ident $ty:ident) => {
        visit!($visit(self, memarg: MemArg) self.atomic_load(AtomicWidth::$width, memarg, $ty));
    };
    (@ $visit:ident store $width:ident $ty:ident) => {
        visit!($visit(self, memarg: MemArg) self.atomic_store(AtomicWidth::$width, memarg, $ty));
    };
    (@ $visit:ident cmpxchg $width:ident $ty:ident) => {
        visit!($visit(self, memarg: MemArg) self.atomic_cmpxchg(AtomicWidth::$width, memarg, $ty));
    };
    (@ $visit:ident $op:ident $width:ident $ty:ident) => {
        visit!($visit(self, memarg: MemArg) self.atomic_rmw(RmwOp::$op, AtomicWidth::$width, memarg, $ty));
    };
}
for_each_atomic_visit!(atomic_visits);

impl Translator<'_> {
    visit!(visit_memory_atomic_wait32(self, memarg: MemArg) self.atomic_slow(Slow::Wait32, 3, memarg));
    visit!(visit_memory_atomic_wait64(self, memarg: MemArg) self.atomic_slow(Slow::Wait64, 3, memarg));
    visit!(visit_memory_atomic_notify(self, memarg: MemArg) self.atomic_slow(Slow::Notify, 2, memarg));
    visit!(visit_atomic_fence(self) { self.emit(Ins::new(Op::Fence)); });

    fn atomic_load(&mut self, width: AtomicWidth, memarg: MemArg, ty: ValType) {
        let ins = self.atomic(AtomicOp::Load(width), Arg::NONE, memarg);
        self.push_result(ins, ty);
    }

    fn atomic_store(&mut self, width: AtomicWidth, memarg: MemArg, _: ValType) {
        let value = self.stack.pop();
        let c = self.slot_arg(value);
        let ins = self.atomic(AtomicOp::Store(width), c, memarg);
        self.emit(ins);
    }

    fn atomic_rmw(&mut self, op: RmwOp, width: AtomicWidth, memarg: MemArg, ty: ValType) {
        let value = self.stack.pop();
        let c = self.slot_arg(value);
        let ins = self.atomic(AtomicOp::Rmw(op, width), c, memarg);
        self.push_result(ins, ty);
    }

    /// The value expected and its replacement stand in their canonical slots, one after the other.
    fn atomic_cmpxchg(&mut self, width: AtomicWidth, memarg: MemArg, ty: ValType) {
        self.settle_from(self.stack.len() - 2);
        let (expected, _) = self.pop_two();
        let c = Arg::slot(expected.slot);
        let ins = self.atomic(AtomicOp::Cmpxchg(width), c, memarg);
        self.push_result(ins, ty);
    }

    /// Pops the address.
    fn atomic(&mut self, op: AtomicOp, c: Arg, memarg: MemArg) -> Ins {
        let address = self.stack.pop();
        let a = self.slot_arg(address);
        Ins::new(Op::Atomic(op))
            .a(a)
            .b(Arg(memarg.memory))
            .c(c)
            .x(memarg.offset)
    }

    /// A wait or a notification. Its operands stand in their canonical slots, where a pause leaves what is left to wait.
    fn atomic_slow(&mut self, kind: Slow, sources: usize, memarg: MemArg) {
        // No memory has so many bytes, and what is cut off is outside as well.
        const MAX_OFFSET: u64 = (1 << 48) - 1;
        self.settle_from(self.stack.len() - sources);
        let x = memarg.memory as u64 | memarg.offset.min(MAX_OFFSET) << 16;
        self.slow(kind, sources, x as u32, (x >> 32) as u32, Some(I32));
    }
}
