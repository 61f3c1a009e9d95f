//! Pass 1: wasmparser's visits. Rows of `ops` make most of them; the rest is memory, variables, tables and the
//! doors to `control`.

use super::ir::{Arg, Ins, Op, Slow};
use super::stack::{NONE, Operand, Place};
use super::*;
use crate::engine::ops::*;
use crate::engine::types::ValType::{F32, F64, I32, I64};
use wasmparser::{BlockType, BrTable, HeapType, Ieee32, Ieee64, TryTable, VisitOperator};

/// Defines the trait's methods: those of the proposals the core executes call the inherent method of that name,
/// unless the code is unreachable; validation has refused the others.
macro_rules! visits {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(visits!(@@ $proposal $visit ($($($arg: $ty),*)?));)*
    };
    (@@ mvp $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ sign_extension $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ saturating_float_to_int $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ bulk_memory $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ reference_types $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ tail_call $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ function_references $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ gc $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ threads $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ exceptions $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ legacy_exceptions $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ wide_arithmetic $visit:ident $args:tt) => { visits!(@call $visit $args); };
    (@@ $other:ident $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self $(, _: $ty)*) {
            unreachable!(concat!("validated: ", stringify!($visit), " is not among the accepted features"))
        }
    };
    (@call $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self $(, $arg: $ty)*) {
            Translator::$visit(self $(, $arg)*)
        }
    };
}

impl<'a, 'm> VisitOperator<'a> for Translator<'m> {
    type Output = ();

    fn simd_visitor(&mut self) -> Option<&mut dyn wasmparser::VisitSimdOperator<'a, Output = ()>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(visits);
}

/// Starts a visit that does nothing in unreachable code.
macro_rules! reachable {
    ($self:ident) => {
        if $self.unreachable {
            return;
        }
        $self.charge();
    };
}

macro_rules! visit {
    ($visit:ident ($self:ident $(, $arg:ident: $ty:ty)*) $body:expr) => {
        pub(super) fn $visit(&mut $self $(, $arg: $ty)*) {
            reachable!($self);
            $body
        }
    };
}

pub(super) use {reachable, visit};

macro_rules! result_type {
    (i32) => {
        I32
    };
    (u32) => {
        I32
    };
    (bool) => {
        I32
    };
    (i64) => {
        I64
    };
    (u64) => {
        I64
    };
}

/// Visits of two operands: `none` rows are made by fusions and have no visit.
macro_rules! visit_binary {
    ($method:ident $wrap:ident: $($name:ident $text:literal $visit:ident ($a:ident: $at:ty, $b:ident: $bt:ty) -> $r:ident $body:block)*) => {
        impl Translator<'_> { $(visit_binary!(@ $visit $method ($wrap::$name) $r);)* }
    };
    (@ none $($rest:tt)*) => {};
    (@ $visit:ident $method:ident ($op:expr) $r:ident) => {
        visit!($visit(self) self.$method($op, result_type!($r)));
    };
}
macro_rules! full { ($($t:tt)*) => { visit_binary! { binary BinaryOp: $($t)* } } }
for_each_binary_full!(full);
macro_rules! small { ($($t:tt)*) => { visit_binary! { small SmallOp: $($t)* } } }
for_each_binary_small!(small);
macro_rules! compare { ($($t:tt)*) => { visit_binary! { compare CompareOp: $($t)* } } }
for_each_compare!(compare);
macro_rules! division { ($($t:tt)*) => { visit_binary! { division DivisionOp: $($t)* } } }
for_each_division!(division);

macro_rules! unary {
    ($($name:ident $text:literal $visit:ident $from:ident $to:ident $args:tt -> $r:ty $body:block)*) => {
        impl Translator<'_> { $(unary!(@ $visit $name $to);)* }
    };
    (@ none $($rest:tt)*) => {};
    (@ $visit:ident $name:ident $to:ident) => {
        visit!($visit(self) self.unary(Op::Unary(UnaryOp::$name), $to));
    };
}
for_each_unary!(unary);
macro_rules! wide {
    ($($name:ident $text:literal $visit:ident $count:literal $x:tt $low:block $high:block)*) => {
        impl Translator<'_> { $(visit!($visit(self) self.wide(WideOp::$name, $count));)* }
    };
}
for_each_wide!(wide);
macro_rules! visit_float {
    ($op:ident $enum:ident $method:ident $ty:ident: $($name:ident $text:literal $visit:ident $args:tt $body:block)*) => {
        impl Translator<'_> { $(visit_float!(@ $visit $method (Op::$op($enum::$name)) $ty);)* }
    };
    (@ none $($rest:tt)*) => {};
    (@ $visit:ident $method:ident ($op:expr) $ty:ident) => {
        visit!($visit(self) self.$method($op, $ty));
    };
}
macro_rules! f64_full { ($($t:tt)*) => { visit_float! { F64 F64Op float F64: $($t)* } } }
for_each_f64_binary_full!(f64_full);
macro_rules! f64_small { ($($t:tt)*) => { visit_float! { F64Small F64SmallOp float F64: $($t)* } } }
for_each_f64_binary_small!(f64_small);
macro_rules! f64_unary { ($($t:tt)*) => { visit_float! { F64Unary F64UnaryOp unary F64: $($t)* } } }
for_each_f64_unary!(f64_unary);
macro_rules! f32_full { ($($t:tt)*) => { visit_float! { F32 F32Op float F32: $($t)* } } }
for_each_f32_binary_full!(f32_full);
macro_rules! f32_small { ($($t:tt)*) => { visit_float! { F32Small F32SmallOp float F32: $($t)* } } }
for_each_f32_binary_small!(f32_small);
macro_rules! f32_unary { ($($t:tt)*) => { visit_float! { F32Unary F32UnaryOp unary F32: $($t)* } } }
for_each_f32_unary!(f32_unary);
macro_rules! float_compare {
    ($($name:ident $text:literal $v32:ident $v64:ident $args:tt $body:block)*) => {
        impl Translator<'_> { $(
            visit!($v32(self) self.float(Op::F32Compare(FloatCompareOp::$name), I32));
            visit!($v64(self) self.float(Op::F64Compare(FloatCompareOp::$name), I32));
        )* }
    };
}
for_each_float_compare!(float_compare);
macro_rules! visit_convert {
    ($op:ident $enum:ident: $($name:ident $text:literal $visit:ident $fb:ident $ft:ident => $tb:ident $tt:ident $args:tt $body:block)*) => {
        impl Translator<'_> { $(visit!($visit(self) self.unary(Op::$op($enum::$name), $tt));)* }
    };
}
macro_rules! convert { ($($t:tt)*) => { visit_convert! { Convert ConvertOp: $($t)* } } }
for_each_convert!(convert);
macro_rules! truncate { ($($t:tt)*) => { visit_convert! { Truncate TruncateOp: $($t)* } } }
for_each_truncate!(truncate);
// ---- shapes ------------------------------------------------------------------------------------------------------

impl Translator<'_> {
    /// Pops two operands. A constant on the left goes to the right where `swap` says how.
    pub(super) fn pop_two(&mut self) -> (Operand, Operand) {
        let b = self.stack.pop();
        let a = self.stack.pop();
        (a, b)
    }

    fn binary(&mut self, op: BinaryOp, ty: ValType) {
        let (mut a, mut b) = self.pop_two();
        let mut op = op;
        if let Some((negated, value)) = b.is_const().and_then(|value| op.subtracts(value))
            && (ty == I32 || fits_imm(value))
        {
            (op, b.place) = (negated, Place::Const(value));
        }
        if a.is_const().is_some() && b.is_const().is_none() {
            if op.commutes() {
                std::mem::swap(&mut a, &mut b);
            } else if let Some(reversed) = op.reversed()
                && a.is_const().is_some_and(|value| ty == I32 || fits_imm(value))
            {
                let (a, b) = (self.arg(b), self.arg(a));
                return self.push_result(Ins::new(Op::Reversed(reversed)).a(a).b(b), ty);
            }
        }
        let (a, b) = (self.slot_arg(a), self.imm_arg(b));
        self.push_result(Ins::new(Op::Binary(op)).a(a).b(b), ty);
    }

    fn small(&mut self, op: SmallOp, ty: ValType) {
        let (a, b) = self.pop_two();
        let (a, b) = (self.slot_arg(a), self.imm_arg(b));
        self.push_result(Ins::new(Op::Small(op)).a(a).b(b), ty);
    }

    fn division(&mut self, op: DivisionOp, ty: ValType) {
        let (a, b) = self.pop_two();
        let (a, b) = (self.slot_arg(a), self.imm_arg(b));
        self.push_result(Ins::new(Op::Division(op)).a(a).b(b), ty);
    }

    fn compare(&mut self, op: CompareOp, ty: ValType) {
        let (mut a, mut b) = self.pop_two();
        let mut op = op;
        if a.is_const().is_some() && b.is_const().is_none() {
            std::mem::swap(&mut a, &mut b);
            op = op.swapped();
        }
        let (a, b) = (self.slot_arg(a), self.imm_arg(b));
        self.push_result(Ins::new(Op::Compare(op)).a(a).b(b), ty);
    }

    /// `eqz` of a comparison is its negation.
    fn eqz(&mut self, op: CompareOp) {
        let a = self.stack.pop();
        if self.opts.fusion && a.place == Place::Temp && self.is_last(a.def) {
            let last = &mut self.code[a.def as usize];
            if let Op::Compare(compare) = last.op {
                last.op = Op::Compare(compare.negated());
                self.stack.push(Place::Temp, I32, a.def);
                return;
            }
        }
        let a = self.slot_arg(a);
        let zero = self.constant(0);
        self.push_result(Ins::new(Op::Compare(op)).a(a).b(zero), I32);
    }

    pub(super) fn unary(&mut self, op: Op, ty: ValType) {
        let a = self.stack.pop();
        let a = self.slot_arg(a);
        self.push_float_result(Ins::new(op).a(a), ty);
    }

    /// Pushes a result which may be a NaN: where those are to be canonical, another instruction makes it so. Whatever
    /// computes floats goes through here, or does the same.
    pub(super) fn push_float_result(&mut self, ins: Ins, ty: ValType) {
        self.push_result(ins, ty);
        if self.canonical_nans
            && let Some(canonical) = ins.op.canonicalised_by()
        {
            let value = self.stack.pop();
            self.push_result(Ins::new(canonical).a(Arg::slot(value.slot)), ty);
        }
    }

    /// Two results from so many operands.
    fn wide(&mut self, op: WideOp, sources: usize) {
        let mut args = [Arg::NONE; 4];
        for at in (0..sources).rev() {
            let operand = self.stack.pop();
            args[at] = self.slot_arg(operand);
        }
        let [a, b, c, last] = args;
        let slot = self.stack.next_slot();
        self.emit(Ins::new(Op::Wide(op)).d(slot).a(a).b(b).c(c).x(last.0 as u64));
        self.stack.push(Place::Temp, I64, NONE);
        self.stack.push(Place::Temp, I64, NONE);
    }

    /// Float operations take a constant on either side, not on both.
    fn float(&mut self, op: Op, ty: ValType) {
        let (a, b) = self.pop_two();
        let a = if b.is_const().is_some() {
            self.slot_arg(a)
        } else {
            self.arg(a)
        };
        let b = self.arg(b);
        self.push_float_result(Ins::new(op).a(a).b(b), ty);
    }

    // ---- what the driver executes ----------------------------------------------------------------------------------

    /// Emits a slow instruction of `sources` operands from the stack, with its result pushed.
    pub(super) fn slow(&mut self, kind: Slow, sources: usize, i: u32, j: u32, result: Option<ValType>) {
        let mut args = [Arg::NONE; 3];
        for at in (0..sources).rev() {
            let operand = self.stack.pop();
            args[at] = self.slot_arg(operand);
        }
        let [a, b, c] = args;
        let ins = Ins::new(Op::Slow(kind)).a(a).b(b).c(c).x(i as u64 | (j as u64) << 32);
        match result {
            Some(ty) => self.push_result(ins, ty),
            None => {
                self.emit(ins);
            }
        }
    }

    /// Bulk operations of the driver keep their progress in the canonical slots of their operands.
    pub(super) fn slow_bulk(&mut self, kind: Slow, i: u32, j: u32) {
        self.settle_from(self.stack.len() - 3);
        self.slow(kind, 3, i, j, None);
    }
}

impl Translator<'_> {
    // ---- control: unreachable code still opens and closes blocks ---------------------------------------------------

    pub(super) fn visit_block(&mut self, ty: BlockType) {
        if !self.unreachable {
            self.charge();
        }
        self.begin_block(Kind::Block, ty);
    }
    pub(super) fn visit_loop(&mut self, ty: BlockType) {
        if !self.unreachable {
            self.charge();
        }
        self.begin_block(Kind::Loop, ty);
    }
    pub(super) fn visit_if(&mut self, ty: BlockType) {
        if !self.unreachable {
            self.charge();
        }
        self.begin_block(Kind::If, ty);
    }
    pub(super) fn visit_else(&mut self) {
        self.begin_else();
    }
    pub(super) fn visit_end(&mut self) {
        self.end_block();
    }
    visit!(visit_unreachable(self) self.unreachable());
    visit!(visit_nop(self)());
    visit!(visit_br(self, depth: u32) self.br(depth));
    visit!(visit_br_if(self, depth: u32) self.br_if(depth));
    visit!(visit_br_table(self, table: BrTable<'_>) self.br_table(table));
    visit!(visit_return(self) self.return_());
    visit!(visit_call(self, func: u32) self.call(func));
    visit!(visit_call_indirect(self, ty: u32, table: u32) self.call_indirect(ty, table));
    visit!(visit_return_call(self, func: u32) self.return_call(func));
    visit!(visit_return_call_indirect(self, ty: u32, table: u32) self.return_call_indirect(ty, table));

    // ---- exceptions ------------------------------------------------------------------------------------------------

    pub(super) fn visit_try_table(&mut self, table: TryTable) {
        if !self.unreachable {
            self.charge();
        }
        self.try_table(table);
    }
    visit!(visit_throw(self, tag: u32) self.throw(tag));
    visit!(visit_throw_ref(self) self.throw_ref());
    pub(super) fn visit_try(&mut self, ty: BlockType) {
        if !self.unreachable {
            self.charge();
        }
        self.legacy_try(ty);
    }
    pub(super) fn visit_catch(&mut self, tag: u32) {
        self.legacy_catch(Some(tag));
    }
    pub(super) fn visit_catch_all(&mut self) {
        self.legacy_catch(None);
    }
    pub(super) fn visit_delegate(&mut self, depth: u32) {
        self.delegate(depth);
    }
    visit!(visit_rethrow(self, depth: u32) self.rethrow(depth));

    // ---- parametric and variable -----------------------------------------------------------------------------------

    visit!(visit_drop(self) { self.drop_operand(); });

    pub(super) fn visit_select(&mut self) {
        reachable!(self);
        let c = self.stack.pop();
        let (a, b) = self.pop_two();
        let c = self.slot_arg(c);
        if a.ty == ValType::V128 {
            let (a, b) = (self.arg(a), self.arg(b));
            return self.push_result(Ins::new(Op::SelectV128).a(a).b(b).c(c), ValType::V128);
        }
        let (a, ty) = (self.selected(a), a.ty);
        let b = self.selected(b);
        self.push_result(Ins::new(Op::Select).a(a).b(b).c(c), ty);
    }

    /// What `select` chooses from: a slot, or an immediate that stands for all of it.
    fn selected(&mut self, operand: Operand) -> Arg {
        match operand.is_const() {
            Some(value) if !fits_imm(value) => self.slot_arg(operand),
            _ => self.arg(operand),
        }
    }

    pub(super) fn visit_typed_select(&mut self, ty: wasmparser::ValType) {
        self.visit_select();
        if !self.unreachable {
            // The operands may be of subtypes, each of another.
            let selected = self.stack.pop();
            let ty = self.value_type(ty);
            self.stack.push(selected.place, ty, selected.def);
        }
    }
    pub(super) fn visit_typed_select_multi(&mut self, _: Vec<wasmparser::ValType>) {
        unreachable!("validated: select has one result");
    }

    pub(super) fn visit_local_get(&mut self, local: u32) {
        reachable!(self);
        let ty = self.locals[local as usize].1;
        self.stack.push(Place::Local(local), ty, NONE);
    }
    pub(super) fn visit_local_set(&mut self, local: u32) {
        reachable!(self);
        let value = self.stack.pop();
        self.set_local(local, value);
    }
    pub(super) fn visit_local_tee(&mut self, local: u32) {
        reachable!(self);
        let value = self.stack.pop();
        let ty = value.ty;
        self.set_local(local, value);
        self.stack.push(Place::Local(local), ty, NONE);
    }

    fn set_local(&mut self, local: u32, value: Operand) {
        if value.place == Place::Local(local) {
            return;
        }
        let (slot, ty) = self.locals[local as usize];
        // Operands that still mean the old value are copied first.
        let mut old = Vec::new();
        self.stack.settle_local(local, |slot| old.push(slot));
        let settled = !old.is_empty();
        if settled {
            // The copies must come before the instruction that may be redirected to the local.
            let redirected = (value.place == Place::Temp && self.is_last(value.def)).then(|| {
                let origin = self.origins.last().copied();
                (self.unemit(), origin)
            });
            for to in old {
                let at = self.emit(Ins::new(Op::Copy(bank(ty))).d(to).a(Arg::slot(slot)));
                self.code[at as usize].keep = true;
            }
            if let Some((ins, origin)) = redirected {
                let depth = ins.depth;
                let at = self.emit(ins);
                self.code[at as usize].depth = depth;
                if let (Some(origin), Some(last)) = (origin, self.origins.last_mut()) {
                    *last = origin;
                }
                let mut value = value;
                value.def = at;
                self.write_local(local, slot, ty, value);
                return;
            }
        }
        self.write_local(local, slot, ty, value);
    }

    /// Writes the local: by the instruction that computed the value, if that is the last one, else by a copy.
    fn write_local(&mut self, local: u32, slot: u32, ty: ValType, value: Operand) {
        let redirect = value.place == Place::Temp
            && self.is_last(value.def)
            && self.code[value.def as usize].op.result() == Some(bank(ty));
        if redirect {
            self.code[value.def as usize].d = Arg::slot(slot);
        } else {
            self.copy_to(slot, value);
        }
        self.last_write[local as usize] = self.code.len() as u32 - 1;
    }

    pub(super) fn visit_global_get(&mut self, global: u32) {
        reachable!(self);
        let ty = self.module.globals[global as usize].content;
        self.push_result(Ins::new(Op::GlobalGet(bank(ty))).x(global as u64), ty);
    }
    pub(super) fn visit_global_set(&mut self, global: u32) {
        reachable!(self);
        let value = self.stack.pop();
        let a = self.slot_arg(value);
        self.emit(Ins::new(Op::GlobalSet(bank(value.ty))).a(a).x(global as u64));
    }

    // ---- numbers ---------------------------------------------------------------------------------------------------

    visit!(visit_i32_const(self, value: i32) { self.stack.push(Place::Const(value as u32 as u64), I32, NONE); });
    visit!(visit_i64_const(self, value: i64) { self.stack.push(Place::Const(value as u64), I64, NONE); });
    visit!(visit_f32_const(self, value: Ieee32) { self.stack.push(Place::Const(value.bits() as u64), F32, NONE); });
    visit!(visit_f64_const(self, value: Ieee64) { self.stack.push(Place::Const(value.bits()), F64, NONE); });
    visit!(visit_i32_eqz(self) self.eqz(CompareOp::I32Eq));
    visit!(visit_i64_eqz(self) self.eqz_i64());

    fn eqz_i64(&mut self) {
        let a = self.stack.pop();
        let a = self.slot_arg(a);
        let zero = self.constant(0);
        self.push_result(Ins::new(Op::Compare(CompareOp::I64Eq)).a(a).b(zero), I32);
    }

    // ---- tables and references ---------------------------------------------------------------------------------------

    visit!(visit_table_get(self, table: u32) {
        let ty = self.module.tables[table as usize].element;
        self.slow(Slow::TableGet, 1, table, 0, Some(ty))
    });
    visit!(visit_table_set(self, table: u32) self.slow(Slow::TableSet, 2, table, 0, None));
    visit!(visit_table_size(self, table: u32) {
        let index = self.module.tables[table as usize].index();
        self.slow(Slow::TableSize, 0, table, 0, Some(index))
    });
    visit!(visit_table_grow(self, table: u32) {
        let index = self.module.tables[table as usize].index();
        self.slow(Slow::TableGrow, 2, table, 0, Some(index))
    });
    visit!(visit_table_fill(self, table: u32) self.slow_bulk(Slow::TableFill, table, 0));
    visit!(visit_table_copy(self, to: u32, from: u32) self.slow_bulk(Slow::TableCopy, to, from));
    visit!(visit_table_init(self, elem: u32, table: u32) self.slow_bulk(Slow::TableInit, table, elem));
    visit!(visit_elem_drop(self, elem: u32) self.slow(Slow::ElemDrop, 0, elem, 0, None));
    visit!(visit_ref_null(self, heap: HeapType) {
        let ty = self.ref_type(true, heap);
        self.stack.push(Place::Const(0), ty, NONE);
    });
    visit!(visit_ref_is_null(self) self.eqz_i64());
}
