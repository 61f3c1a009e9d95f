//! Blocks, branches, calls and returns.

use super::ir::{Arg, Ins, Op};
use super::stack::{NONE, Operand, Place};
use super::*;
use crate::engine::ops::{BinaryOp, CompareOp, FloatCompareOp, UnaryOp};
use wasmparser::BlockType;

/// A condition, ready to branch on.
#[derive(Clone, Copy)]
pub(super) enum Condition {
    Int(CompareOp, Arg, Arg),
    F64(FloatCompareOp, bool, Arg, Arg),
    F32(FloatCompareOp, bool, Arg, Arg),
}

impl Condition {
    pub(super) fn negated(self) -> Condition {
        match self {
            Condition::Int(op, a, b) => Condition::Int(op.negated(), a, b),
            Condition::F64(op, not, a, b) => Condition::F64(op, !not, a, b),
            Condition::F32(op, not, a, b) => Condition::F32(op, !not, a, b),
        }
    }
}

impl<'m> Translator<'m> {
    // ---- labels --------------------------------------------------------------------------------------------------

    pub(super) fn new_label(&mut self) -> Label {
        self.labels.push(LabelState::default());
        self.labels.len() as u32 - 1
    }

    /// Puts the label here.
    pub(super) fn bind(&mut self, label: Label) {
        self.emit(Ins::new(Op::Label).x(label as u64));
        self.region = self.code.len() as u32;
        self.unreachable = false;
        self.begin_charge();
    }

    pub(super) fn use_label(&mut self, label: Label) -> u64 {
        self.labels[label as usize].used = true;
        label as u64
    }

    // ---- blocks --------------------------------------------------------------------------------------------------

    fn block_arity(&self, ty: BlockType) -> (u32, u32) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let ty = &self.module.types[index as usize];
                (ty.params().len() as u32, ty.results().len() as u32)
            }
        }
    }

    /// Pushes the block's results as operands in their canonical slots.
    pub(super) fn push_block_types(&mut self, ty: BlockType, params: bool) {
        match ty {
            BlockType::Empty => {}
            BlockType::Type(ty) => {
                if !params {
                    let ty = self.value_type(ty);
                    self.stack.push(Place::Temp, ty, NONE);
                }
            }
            BlockType::FuncType(index) => {
                let ty = &self.module.types[index as usize];
                for &ty in if params { ty.params() } else { ty.results() } {
                    self.stack.push(Place::Temp, ty, NONE);
                }
            }
        }
    }

    pub(super) fn begin_block(&mut self, kind: Kind, ty: BlockType) {
        let (params, results) = self.block_arity(ty);
        let mut control = Control {
            kind,
            height: 0,
            params,
            results,
            ty,
            label: None,
            otherwise: None,
            region: self.region_here(),
            clause: (NO_REGION, 0),
            dead: self.unreachable,
        };
        if self.unreachable {
            self.control.push(control);
            return;
        }
        let condition = (kind == Kind::If).then(|| self.pop_condition());
        control.height = self.stack.len() - params as usize;
        // A local set on one path only would make the paths disagree where an operand is.
        self.settle_locals();
        self.settle_from(control.height);
        let label = self.new_label();
        control.label = Some(label);
        match kind {
            Kind::Loop => {
                self.labels[label as usize].backward = true;
                self.depth = self.depth.saturating_add(1);
                self.bind(label);
            }
            Kind::If => {
                let otherwise = self.new_label();
                control.otherwise = Some(otherwise);
                let condition = condition.expect("an if has one");
                // Both branches read the parameters.
                self.keep_from(control.height);
                self.branch_if(condition.negated(), otherwise);
            }
            _ => {}
        }
        self.control.push(control);
    }

    pub(super) fn begin_else(&mut self) {
        let control = self.control.last_mut().expect("validated: inside an if");
        if control.dead {
            return;
        }
        control.kind = Kind::Else;
        let (height, label, otherwise) = (control.height, control.label, control.otherwise.take());
        let ty = control.ty;
        if !self.unreachable {
            self.settle_from(height);
            let label = self.use_label(label.expect("an if has one"));
            self.emit(Ins::new(Op::Br).x(label));
        }
        self.stack.truncate(height);
        self.push_block_types(ty, true);
        self.bind(otherwise.expect("an if has one"));
    }

    pub(super) fn end_block(&mut self) {
        let control = self.control.pop().expect("validated: blocks nest");
        if control.dead {
            return;
        }
        if control.kind == Kind::Func {
            if !self.unreachable {
                self.emit_return();
            }
            self.return_caught();
            return;
        }
        if control.kind == Kind::Try {
            self.end_region(&control);
        }
        if control.kind == Kind::Loop {
            self.depth = self.depth.saturating_sub(1);
            if self.unreachable {
                self.stack.truncate(control.height);
                self.push_block_types(control.ty, false);
            }
            return;
        }
        let label = control.label.expect("blocks have one");
        // The operands of a `catch` stand above the exception.
        let used = self.labels[label as usize].used || control.otherwise.is_some() || control.kind == Kind::Catch;
        if !used {
            // Nothing branches here: what was reachable goes on, with its operands where they are.
            if self.unreachable {
                self.stack.truncate(control.height);
                self.push_block_types(control.ty, false);
            }
            return;
        }
        if !self.unreachable {
            self.settle_results(&control);
        }
        self.stack.truncate(control.height);
        self.push_block_types(control.ty, false);
        if let Some(otherwise) = control.otherwise {
            // An if without else: its parameters are its results.
            self.bind(otherwise);
        }
        if self.labels[label as usize].used {
            self.bind(label);
        }
    }

    /// Puts the block's results where code after it expects them.
    pub(super) fn settle_results(&mut self, control: &Control) {
        if control.kind == Kind::Catch {
            self.move_values(control.height, control.results as usize);
        } else {
            self.settle_from(control.height);
        }
    }

    /// Code up to the end of the block cannot be reached.
    pub(super) fn end_reachable(&mut self) {
        let height = self.control.last().expect("validated: inside the body").height;
        self.stack.truncate(height);
        self.unreachable = true;
        self.fuel = None;
    }

    // ---- conditions ----------------------------------------------------------------------------------------------

    /// Takes the condition off the stack, with the comparison that made it if that was the last instruction.
    pub(super) fn pop_condition(&mut self) -> Condition {
        let operand = self.stack.pop();
        if self.opts.fusion && operand.place == Place::Temp && self.is_last(operand.def) {
            let ins = self.code[operand.def as usize];
            let condition = match ins.op {
                Op::Compare(op) => Some(Condition::Int(op, ins.a, ins.b)),
                Op::F64Compare(op) => Some(Condition::F64(op, false, ins.a, ins.b)),
                Op::F32Compare(op) => Some(Condition::F32(op, false, ins.a, ins.b)),
                Op::Binary(BinaryOp::I32And) => Some(Condition::Int(CompareOp::I32Test, ins.a, ins.b)),
                _ => None,
            };
            if let Some(condition) = condition {
                self.unemit();
                return condition;
            }
        }
        let a = self.slot_arg(operand);
        let zero = self.constant(0);
        Condition::Int(CompareOp::I32Ne, a, zero)
    }

    fn branch_if(&mut self, condition: Condition, label: Label) {
        let x = self.use_label(label);
        if let Condition::Int(op, a, b) = condition
            && let Some(c) = self.step_of_loop(op, a, b, label)
        {
            self.unemit();
            let Some(slot) = a.as_slot() else {
                unreachable!("a step writes a slot")
            };
            self.emit(Ins::new(Op::AddBranch(op)).d(slot).a(a).b(b).c(c).x(x));
            self.begin_charge();
            return;
        }
        let (op, a, b) = match condition {
            Condition::Int(op, a, b) => (Op::Branch(op), a, b),
            Condition::F64(op, not, a, b) => (Op::BranchF64(op, not), a, b),
            Condition::F32(op, not, a, b) => (Op::BranchF32(op, not), a, b),
        };
        self.emit(Ins::new(op).a(a).b(b).x(x));
        self.begin_charge();
    }

    /// When the last instruction adds a constant to `a` in place and a loop is about to close on a comparison of it:
    /// the constant. One instruction does both.
    fn step_of_loop(&self, op: CompareOp, a: Arg, b: Arg, label: Label) -> Option<Arg> {
        let last = self.code.last()?;
        let fits = self.opts.fusion
            && self.scratch.is_none()
            && self.labels[label as usize].backward
            && op.of_i32()
            && last.op == Op::Binary(BinaryOp::I32Add)
            && (last.d, last.a) == (a, a)
            && b != a;
        (fits && last.b.as_constant().is_some()).then_some(last.b)
    }

    // ---- branches ------------------------------------------------------------------------------------------------

    pub(super) fn target(&self, depth: u32) -> &Control {
        &self.control[self.control.len() - 1 - depth as usize]
    }

    /// Values a branch to the block carries.
    fn carried(control: &Control) -> usize {
        if control.kind == Kind::Loop {
            control.params as usize
        } else {
            control.results as usize
        }
    }

    /// Whether the top `values` operands are where the block's label expects them, once in their canonical slots.
    fn in_place(&self, control: &Control, values: usize) -> bool {
        control.kind != Kind::Func && self.stack.len() - values == control.height
    }

    /// Moves the top `values` operands to where the block expects them. Goes upwards: sources lie at or above their
    /// destinations, so none is overwritten before it is read.
    fn move_values(&mut self, height: usize, values: usize) {
        let mut to = self.stack.slot_at(height);
        for at in self.stack.len() - values..self.stack.len() {
            let operand = *self.stack.get(at);
            if operand.place != Place::Temp || operand.slot != to {
                self.copy_to(to, operand);
            }
            to += operand.ty.slots() as u32;
        }
    }

    /// Leaves for the block `depth` levels out, with its values from the top of the stack, which stays as it is.
    fn emit_branch(&mut self, depth: u32) {
        let control = self.target(depth);
        if control.kind == Kind::Func {
            return self.emit_return();
        }
        let (values, height, label) = (Self::carried(control), control.height, control.label);
        self.move_values(height, values);
        let x = self.use_label(label.expect("blocks have one"));
        self.emit(Ins::new(Op::Br).x(x));
    }

    pub(super) fn br(&mut self, depth: u32) {
        self.emit_branch(depth);
        self.end_reachable();
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        let condition = self.pop_condition();
        self.branch_when(condition, depth);
    }

    /// Leaves for the block `depth` levels out if the condition holds, with its values from the top of the stack.
    pub(super) fn branch_when(&mut self, condition: Condition, depth: u32) {
        let control = self.target(depth);
        let values = Self::carried(control);
        let label = control.label;
        if control.kind != Kind::Func && (values == 0 || self.in_place(control, values)) {
            // The values stay on the stack for the path that does not branch, and are read where it does.
            let from = self.stack.len() - values;
            self.settle_from(from);
            self.keep_from(from);
            return self.branch_if(condition, label.expect("blocks have one"));
        }
        self.keep_from(self.stack.len() - values);
        let skip = self.new_label();
        self.branch_if(condition.negated(), skip);
        self.emit_branch(depth);
        self.bind(skip);
    }

    /// The operands from `height` up are read on several paths, so their slots must be written.
    pub(super) fn keep_from(&mut self, height: usize) {
        for at in height..self.stack.len() {
            let def = self.stack.get(at).def;
            if def != NONE {
                self.code[def as usize].keep = true;
            }
        }
    }

    pub(super) fn br_table(&mut self, table: wasmparser::BrTable<'_>) {
        let index = self.stack.pop();
        let a = self.slot_arg(index);
        let default = table.default();
        let values = Self::carried(self.target(default));
        if values > 0 {
            self.settle_from(self.stack.len() - values);
            self.keep_from(self.stack.len() - values);
        }
        // Targets that need moves or return get a stretch of code of their own, one per block however often named.
        let mut stretches: Vec<(u32, Label)> = Vec::new();
        let mut known = std::collections::HashMap::new();
        let start = self.targets.len();
        for depth in table
            .targets()
            .map(|depth| depth.expect("validated: br_table"))
            .chain([default])
        {
            let label = *known.entry(depth).or_insert_with(|| {
                let control = &self.control[self.control.len() - 1 - depth as usize];
                let direct = control.kind != Kind::Func && (values == 0 || self.stack.len() - values == control.height);
                if direct {
                    control.label.expect("blocks have one")
                } else {
                    self.labels.push(LabelState::default());
                    let label = self.labels.len() as u32 - 1;
                    stretches.push((depth, label));
                    label
                }
            });
            self.labels[label as usize].used = true;
            self.targets.push(label);
        }
        let count = self.targets.len() - start;
        self.emit(Ins::new(Op::BrTable).a(a).b(Arg(count as u32)).x(start as u64));
        self.fuel = None;
        for (depth, label) in stretches {
            self.bind(label);
            self.emit_branch(depth);
        }
        self.end_reachable();
    }

    pub(super) fn unreachable(&mut self) {
        self.emit(Ins::new(Op::Unreachable));
        self.end_reachable();
    }

    // ---- returns -------------------------------------------------------------------------------------------------

    pub(super) fn return_(&mut self) {
        self.emit_return();
        self.end_reachable();
    }

    /// Returns the operands on top of the stack, which stays as it is.
    pub(super) fn emit_return(&mut self) {
        match *self.ty.results() {
            [] => {
                self.emit(Ins::new(Op::RetMany));
            }
            [ty] if ty != ValType::V128 => {
                let operand = *self.stack.peek();
                let a = match operand.is_const() {
                    Some(value) if bank(ty) == Bank::Int && !fits_imm(value) => {
                        let a = self.constant(value);
                        self.emit(Ins::new(Op::Copy(Bank::Int)).d(operand.slot).a(a));
                        Arg::slot(operand.slot)
                    }
                    _ => self.arg(operand),
                };
                self.emit(Ins::new(Op::Ret(bank(ty))).a(a));
            }
            _ => {
                self.move_results();
                self.emit(Ins::new(Op::RetMany));
            }
        }
    }

    /// Moves several results to slots 0 and up. A result that is a parameter may be overwritten by an earlier one:
    /// those go through their canonical slots.
    fn move_results(&mut self) {
        let count = self.ty.results().len();
        let from = self.stack.len() - count;
        let mut moved: Vec<(u32, Arg, Bank)> = Vec::with_capacity(count);
        let mut to = 0;
        for at in from..self.stack.len() {
            let operand = *self.stack.get(at);
            let source = self.arg(operand);
            let bank = bank(operand.ty);
            match source.as_slot() {
                Some(slot) if slot == to => {}
                Some(slot) if slot < to => {
                    self.emit(Ins::new(Op::Copy(bank)).d(operand.slot).a(source));
                    moved.push((to, Arg::slot(operand.slot), bank));
                }
                _ => moved.push((to, source, bank)),
            }
            to += operand.ty.slots() as u32;
        }
        for (to, source, bank) in moved {
            self.emit(Ins::new(Op::Copy(bank)).d(to).a(source));
        }
    }

    // ---- calls ---------------------------------------------------------------------------------------------------

    /// Takes the arguments off the stack and leaves them in the callee's frame. Returns its base.
    fn pop_arguments(&mut self, ty: &FuncType) -> u32 {
        let height = self.stack.len() - ty.params().len();
        self.settle_from(height);
        let base = self.stack.slot_at(height);
        self.stack.truncate(height);
        self.call_top = self.call_top.max(base + record_slot(ty) + 2);
        base
    }

    fn push_results(&mut self, ty: &FuncType) {
        for &ty in ty.results() {
            self.stack.push(Place::Temp, ty, NONE);
        }
    }

    /// The bank of a single result, which calls leave in the accumulator too.
    fn single_result(ty: &FuncType) -> Arg {
        match ty.results() {
            [ty] if *ty != ValType::V128 => Arg(bank(*ty) as u32),
            _ => Arg::NONE,
        }
    }

    fn func_type(&self, func: u32) -> &'m FuncType {
        &self.module.types[self.module.funcs[func as usize] as usize]
    }

    pub(super) fn call(&mut self, func: u32) {
        let ty = self.func_type(func);
        let base = self.pop_arguments(ty);
        let op = if func < self.module.imported_funcs {
            Op::CallImport
        } else {
            Op::Call
        };
        let record = Arg::slot(base + record_slot(ty));
        self.emit(Ins::new(op).d(base).b(record).c(Self::single_result(ty)).x(func as u64));
        self.after_call(ty);
    }

    pub(super) fn call_indirect(&mut self, type_index: u32, table: u32) {
        let a = self.table_index(table);
        let ty = &self.module.types[type_index as usize];
        let base = self.pop_arguments(ty);
        let record = Arg::slot(base + record_slot(ty));
        let x = self.module.type_ids[type_index as usize] as u64 | (table as u64) << 32;
        self.emit(
            Ins::new(Op::CallIndirect)
                .d(base)
                .a(a)
                .b(record)
                .c(Self::single_result(ty))
                .x(x),
        );
        self.after_call(ty);
    }

    /// The operand that says which element of a table is called, as an i32.
    fn table_index(&mut self, table: u32) -> Arg {
        if self.module.tables[table as usize].is_64 {
            self.unary(Op::Unary(UnaryOp::I64ToIndex), ValType::I32);
        }
        let index = self.stack.pop();
        self.slot_arg(index)
    }

    pub(super) fn call_ref(&mut self, type_index: u32) {
        let func = self.stack.pop();
        let a = self.slot_arg(func);
        let ty = &self.module.types[type_index as usize];
        let base = self.pop_arguments(ty);
        let record = Arg::slot(base + record_slot(ty));
        self.emit(Ins::new(Op::CallRef).d(base).a(a).b(record).c(Self::single_result(ty)));
        self.after_call(ty);
    }

    pub(super) fn return_call_ref(&mut self, type_index: u32) {
        let func = self.stack.pop();
        let a = self.slot_arg(func);
        let ty = &self.module.types[type_index as usize];
        let ins = self.tail_call(ty, Op::ReturnCallRef);
        self.emit(ins.a(a));
        self.end_reachable();
    }

    fn after_call(&mut self, ty: &FuncType) {
        self.emit(Ins::new(Op::LoadFloatPins));
        self.push_results(ty);
    }

    pub(super) fn return_call(&mut self, func: u32) {
        let ty = self.func_type(func);
        let op = if func < self.module.imported_funcs {
            Op::ReturnCallImport
        } else {
            Op::ReturnCall
        };
        let ins = self.tail_call(ty, op);
        self.emit(ins.x(func as u64));
        self.end_reachable();
    }

    pub(super) fn return_call_indirect(&mut self, type_index: u32, table: u32) {
        let a = self.table_index(table);
        let ty = &self.module.types[type_index as usize];
        let ins = self.tail_call(ty, Op::ReturnCallIndirect);
        let x = self.module.type_ids[type_index as usize] as u64 | (table as u64) << 32;
        self.emit(ins.a(a).x(x));
        self.end_reachable();
    }

    fn tail_call(&mut self, ty: &FuncType, op: Op) -> Ins {
        let base = self.pop_arguments(ty);
        // The callee's record is written before its own stack check.
        self.call_top = self.call_top.max(record_slot(ty) + 2);
        Ins::new(op)
            .d(base)
            .b(Arg::slot(record_slot(ty)))
            .c(Arg(ty.param_slots() as u32))
    }

    /// An operand that a block ends with is popped and forgotten.
    pub(super) fn drop_operand(&mut self) -> Operand {
        self.stack.pop()
    }
}
