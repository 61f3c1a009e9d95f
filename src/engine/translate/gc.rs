//! References and objects: typed function references, structs, arrays, i31, tests and casts.
//!
//! An i31 stands in a slot above a one bit, so that making and reading it are shifts. What is known not to be null by its
//! type is not compared with null.

use super::ir::{Arg, Ins, Null, Op, Slow};
use super::stack::{NONE, Operand};
use super::visit::{reachable, visit};
use super::*;
use crate::engine::ops::{Bank, BinaryOp, CompareOp, LoadOp, StoreOp};
use crate::engine::run::{SIGNED, test_words};
use crate::engine::types::{HeapType, StorageType, TypeKind};
use ValType::I32;
use wasmparser::HeapType as Heap;

/// Of the hierarchy `any`.
fn abstract_ref(nullable: bool, heap: HeapType) -> ValType {
    ValType::Ref(RefType::new(nullable, heap))
}

/// The immediates of a slow instruction.
fn halves((i, j): (u32, u32)) -> u64 {
    i as u64 | (j as u64) << 32
}

/// What reads a field whose value is an integer or a reference; `sign`: of packed ones, 0 or [`SIGNED`].
fn load_op(storage: StorageType, sign: u32) -> LoadOp {
    match (storage, sign) {
        (StorageType::I8, 0) => LoadOp::Load8U,
        (StorageType::I8, _) => LoadOp::I32Load8S,
        (StorageType::I16, 0) => LoadOp::Load16U,
        (StorageType::I16, _) => LoadOp::I32Load16S,
        (StorageType::Val(I32), _) => LoadOp::Load32U,
        _ => LoadOp::Load64,
    }
}

/// What writes it.
fn store_op(storage: StorageType) -> StoreOp {
    match storage {
        StorageType::I8 => StoreOp::Store8,
        StorageType::I16 => StoreOp::Store16,
        StorageType::Val(I32) => StoreOp::Store32,
        StorageType::Val(_) => StoreOp::Store64,
    }
}

fn is_nullable(ty: ValType) -> bool {
    ty.as_ref_type().is_none_or(|ty| ty.nullable)
}

impl Translator<'_> {
    /// A reference to something of a type of the module.
    fn defined(&self, index: u32, nullable: bool) -> ValType {
        let id = self.module.type_infos[index as usize].id;
        ValType::Ref(RefType::new(nullable, HeapType::Concrete(id)))
    }

    /// What is kept in a field of a struct, or in every element of an array.
    fn storage(&self, index: u32, field: u32) -> StorageType {
        let storage = self.module.type_infos[index as usize].storage(field);
        storage.expect("validated: it has the field")
    }

    /// The type of a value in a field.
    fn field_type(&self, index: u32, field: u32) -> ValType {
        self.storage(index, field).unpacked()
    }

    /// Emits a slow instruction whose operands, `count` of them, stand one after the other from slot `a` on; `b` is the
    /// last of these slots.
    fn slow_settled(&mut self, kind: Slow, count: usize, i: u32, j: u32, result: Option<ValType>) {
        let height = self.stack.len() - count;
        self.settle_from(height);
        self.keep_from(height);
        let (first, end) = (self.stack.slot_at(height), self.stack.next_slot());
        self.stack.truncate(height);
        let mut ins = Ins::new(Op::Slow(kind)).x(i as u64 | (j as u64) << 32);
        if first < end {
            ins = ins.a(Arg::slot(first)).b(Arg::slot(end - 1));
        }
        match result {
            Some(ty) => self.push_result(ins, ty),
            None => {
                self.emit(ins);
            }
        }
    }

    // ---- null --------------------------------------------------------------------------------------------------------

    /// The operand, popped, as an argument that may be read again later.
    fn pop_kept(&mut self) -> (Operand, Arg) {
        let operand = self.stack.pop();
        if operand.def != NONE {
            self.code[operand.def as usize].keep = true;
        }
        let a = self.slot_arg(operand);
        (operand, a)
    }

    /// Pushes an operand that was popped, as one of another type.
    fn push_again(&mut self, operand: Operand, ty: ValType) {
        self.stack.push(operand.place, ty, NONE);
    }

    /// Makes sure that the reference on top is not null.
    fn check_null(&mut self, null: Null) {
        if is_nullable(self.stack.peek().ty) {
            let (operand, a) = self.pop_kept();
            self.emit(Ins::new(Op::NullCheck(null)).a(a));
            let ty = match operand.ty {
                ValType::Ref(ty) => ValType::Ref(RefType { nullable: false, ..ty }),
                other => other,
            };
            self.push_again(operand, ty);
        }
    }

    visit!(visit_ref_as_non_null(self) self.check_null(Null::Reference));

    pub(super) fn visit_br_on_null(&mut self, depth: u32) {
        reachable!(self);
        let (operand, a) = self.pop_kept();
        let zero = self.constant(0);
        self.branch_when(Condition::Int(CompareOp::I64Eq, a, zero), depth);
        let ty = match operand.ty {
            ValType::Ref(ty) => ValType::Ref(RefType { nullable: false, ..ty }),
            other => other,
        };
        self.push_again(operand, ty);
    }

    pub(super) fn visit_br_on_non_null(&mut self, depth: u32) {
        reachable!(self);
        let (operand, a) = self.pop_kept();
        let ty = operand.ty;
        self.push_again(operand, ty);
        let zero = self.constant(0);
        self.branch_when(Condition::Int(CompareOp::I64Ne, a, zero), depth);
        self.stack.pop();
    }

    // ---- functions ---------------------------------------------------------------------------------------------------

    visit!(visit_call_ref(self, index: u32) self.call_ref(index));
    visit!(visit_return_call_ref(self, index: u32) self.return_call_ref(index));

    pub(super) fn visit_ref_func(&mut self, func: u32) {
        reachable!(self);
        let ty = self.defined(self.module.funcs[func as usize], false);
        self.slow(Slow::RefFunc, 0, func, 0, Some(ty));
    }

    // ---- i31, equality, conversions ------------------------------------------------------------------------------------

    pub(super) fn visit_ref_i31(&mut self) {
        reachable!(self);
        let value = self.stack.pop();
        let ty = abstract_ref(false, HeapType::I31);
        if let Some(value) = value.is_const() {
            let slot = crate::engine::gc::i31_slot(value as u32);
            self.stack.push(Place::Const(slot), ty, NONE);
            return;
        }
        let (a, one) = (self.slot_arg(value), self.constant(1));
        self.push_result(Ins::new(Op::Binary(BinaryOp::I32Shl)).a(a).b(one), I32);
        let shifted = self.stack.pop();
        let (a, one) = (self.slot_arg(shifted), self.constant(1));
        self.push_result(Ins::new(Op::Binary(BinaryOp::I32Or)).a(a).b(one), ty);
    }

    fn i31_get(&mut self, shift: BinaryOp) {
        self.check_null(Null::I31);
        let operand = self.stack.pop();
        let (a, one) = (self.slot_arg(operand), self.constant(1));
        self.push_result(Ins::new(Op::Binary(shift)).a(a).b(one), I32);
    }
    visit!(visit_i31_get_s(self) self.i31_get(BinaryOp::I32ShrS));
    visit!(visit_i31_get_u(self) self.i31_get(BinaryOp::I32ShrU));

    pub(super) fn visit_ref_eq(&mut self) {
        reachable!(self);
        let b = self.stack.pop();
        let a = self.stack.pop();
        let (a, b) = (self.slot_arg(a), self.slot_arg(b));
        self.push_result(Ins::new(Op::Compare(CompareOp::I64Eq)).a(a).b(b), I32);
    }

    /// Both hierarchies have one form.
    fn convert(&mut self, heap: HeapType) {
        let operand = self.stack.pop();
        let ty = abstract_ref(is_nullable(operand.ty), heap);
        self.stack.push(operand.place, ty, operand.def);
    }
    visit!(visit_any_convert_extern(self) self.convert(HeapType::Any));
    visit!(visit_extern_convert_any(self) self.convert(HeapType::Extern));

    // ---- tests and casts -----------------------------------------------------------------------------------------------

    fn tested(&self, nullable: bool, heap: Heap) -> (RefType, (u32, u32)) {
        let index = match heap {
            Heap::Concrete(index) => index.as_module_index().expect("validated: a type of the module"),
            _ => 0,
        };
        let ValType::Ref(ty) = self.ref_type(nullable, heap) else {
            unreachable!("a reference type")
        };
        (ty, test_words(ty, index))
    }

    fn ref_test(&mut self, nullable: bool, heap: Heap) {
        let (ty, words) = self.tested(nullable, heap);
        let operand = self.stack.pop();
        let a = self.slot_arg(operand);
        let ins = self.test(ty, words).a(a);
        self.push_result(ins, I32);
    }

    /// The instruction that says whether something is of a type. Objects say themselves of which types they are; for
    /// others the driver is asked.
    fn test(&self, ty: RefType, words: (u32, u32)) -> Ins {
        match self.object_type(ty, words.1) {
            Some(x) => Ins::new(Op::RefTest(ty.nullable)).x(x),
            None => Ins::new(Op::Slow(Slow::RefTest)).x(halves(words)),
        }
    }

    /// The id of a struct or array type, that of the module with an index, with its place among supertypes.
    fn object_type(&self, ty: RefType, index: u32) -> Option<u64> {
        let HeapType::Concrete(id) = ty.heap else { return None };
        if id.kind() == TypeKind::Func {
            return None;
        }
        let info = &self.module.type_infos[index as usize];
        Some(halves((id.index, info.supers.len() as u32 - 1)))
    }
    visit!(visit_ref_test_non_null(self, heap: Heap) self.ref_test(false, heap));
    visit!(visit_ref_test_nullable(self, heap: Heap) self.ref_test(true, heap));

    fn ref_cast(&mut self, nullable: bool, heap: Heap) {
        let (ty, words) = self.tested(nullable, heap);
        let (operand, a) = self.pop_kept();
        self.emit(match self.object_type(ty, words.1) {
            Some(x) => Ins::new(Op::RefCast(nullable)).a(a).x(x),
            None => Ins::new(Op::Slow(Slow::RefCast)).a(a).x(halves(words)),
        });
        self.push_again(operand, ValType::Ref(ty));
    }
    visit!(visit_ref_cast_non_null(self, heap: Heap) self.ref_cast(false, heap));
    visit!(visit_ref_cast_nullable(self, heap: Heap) self.ref_cast(true, heap));

    /// Branches if the reference on top is of type `to`, or if it is not; it stays on the stack.
    fn branch_on_cast(&mut self, depth: u32, to: wasmparser::RefType, when: bool) {
        let (to_type, words) = self.tested(to.is_nullable(), to.heap_type());
        let (operand, a) = self.pop_kept();
        let from = operand.ty;
        self.push_again(operand, from);
        let test = self.test(to_type, words).a(a);
        self.push_result(test, I32);
        let mut condition = self.pop_condition();
        if !when {
            condition = condition.negated();
        }
        self.branch_when(condition, depth);
        // What goes on is not of that type, or is.
        let operand = self.stack.pop();
        let ty = match from {
            _ if !when => ValType::Ref(to_type),
            ValType::Ref(from) if to_type.nullable => ValType::Ref(RefType {
                nullable: false,
                ..from
            }),
            from => from,
        };
        self.push_again(operand, ty);
    }
    visit!(visit_br_on_cast(self, depth: u32, _from: wasmparser::RefType, to: wasmparser::RefType)
        self.branch_on_cast(depth, to, true));
    visit!(visit_br_on_cast_fail(self, depth: u32, _from: wasmparser::RefType, to: wasmparser::RefType)
        self.branch_on_cast(depth, to, false));

    // ---- structs -------------------------------------------------------------------------------------------------------

    pub(super) fn visit_struct_new(&mut self, index: u32) {
        reachable!(self);
        let info = &self.module.type_infos[index as usize];
        debug_assert_eq!(info.id.kind(), TypeKind::Struct);
        let (fields, ty) = (info.layout.fields.len(), self.defined(index, false));
        self.slow_settled(Slow::StructNew, fields, index, 0, Some(ty));
    }
    visit!(visit_struct_new_default(self, index: u32) {
        let ty = self.defined(index, false);
        self.slow(Slow::StructNewDefault, 0, index, 0, Some(ty));
    });

    fn struct_get(&mut self, index: u32, field: u32, sign: u32) {
        let (ty, storage) = (self.field_type(index, field), self.storage(index, field));
        let op = match (load_op(storage, sign), bank(ty)) {
            (_, Bank::V128) => return self.slow(Slow::StructGet, 1, index, field | sign, Some(ty)),
            (op, Bank::Int) => Op::FieldGet(op),
            (_, float) => Op::FieldGetFloat(float),
        };
        let object = self.stack.pop();
        let a = self.slot_arg(object);
        let at = self.module.type_infos[index as usize].layout.fields[field as usize];
        self.push_result(Ins::new(op).a(a).x(at as u64), ty);
    }

    fn struct_set(&mut self, index: u32, field: u32) {
        let (ty, storage) = (self.field_type(index, field), self.storage(index, field));
        let op = match bank(ty) {
            Bank::V128 => return self.slow(Slow::StructSet, 2, index, field, None),
            Bank::Int => Op::FieldSet(store_op(storage)),
            float => Op::FieldSetFloat(float),
        };
        let value = self.stack.pop();
        let object = self.stack.pop();
        let c = match op {
            Op::FieldSet(_) => self.imm_arg(value),
            _ => self.slot_arg(value),
        };
        let a = self.slot_arg(object);
        let at = self.module.type_infos[index as usize].layout.fields[field as usize];
        self.emit(Ins::new(op).a(a).c(c).x(at as u64));
    }
    visit!(visit_struct_get(self, index: u32, field: u32) self.struct_get(index, field, 0));
    visit!(visit_struct_get_s(self, index: u32, field: u32) self.struct_get(index, field, SIGNED));
    visit!(visit_struct_get_u(self, index: u32, field: u32) self.struct_get(index, field, 0));
    visit!(visit_struct_set(self, index: u32, field: u32) self.struct_set(index, field));

    // ---- arrays --------------------------------------------------------------------------------------------------------

    fn array_new(&mut self, kind: Slow, operands: usize, index: u32, j: u32) {
        let ty = self.defined(index, false);
        self.slow(kind, operands, index, j, Some(ty));
    }
    visit!(visit_array_new(self, index: u32) self.array_new(Slow::ArrayNew, 2, index, 0));
    visit!(visit_array_new_default(self, index: u32) self.array_new(Slow::ArrayNewDefault, 1, index, 0));
    visit!(visit_array_new_data(self, index: u32, data: u32) self.array_new(Slow::ArrayNewData, 2, index, data));
    visit!(visit_array_new_elem(self, index: u32, elem: u32) self.array_new(Slow::ArrayNewElem, 2, index, elem));
    visit!(visit_array_new_fixed(self, index: u32, len: u32) {
        let ty = self.defined(index, false);
        self.slow_settled(Slow::ArrayNewFixed, len as usize, index, len, Some(ty));
    });

    fn array_get(&mut self, index: u32, sign: u32) {
        let (ty, storage) = (self.field_type(index, 0), self.storage(index, 0));
        let op = match (load_op(storage, sign), bank(ty)) {
            (_, Bank::V128) => return self.slow(Slow::ArrayGet, 2, index, sign, Some(ty)),
            (op, Bank::Int) => Op::ElementGet(op),
            (_, float) => Op::ElementGetFloat(float),
        };
        let at = self.stack.pop();
        let object = self.stack.pop();
        let (a, b) = (self.slot_arg(object), self.imm_arg(at));
        self.push_result(Ins::new(op).a(a).b(b), ty);
    }

    fn array_set(&mut self, index: u32) {
        let (ty, storage) = (self.field_type(index, 0), self.storage(index, 0));
        let op = match bank(ty) {
            Bank::V128 => return self.slow(Slow::ArraySet, 3, index, 0, None),
            Bank::Int => Op::ElementSet(store_op(storage)),
            float => Op::ElementSetFloat(float),
        };
        let value = self.stack.pop();
        let at = self.stack.pop();
        let object = self.stack.pop();
        let (c, b, a) = (self.slot_arg(value), self.imm_arg(at), self.slot_arg(object));
        self.emit(Ins::new(op).a(a).b(b).c(c));
    }
    visit!(visit_array_get(self, index: u32) self.array_get(index, 0));
    visit!(visit_array_get_s(self, index: u32) self.array_get(index, SIGNED));
    visit!(visit_array_get_u(self, index: u32) self.array_get(index, 0));
    visit!(visit_array_set(self, index: u32) self.array_set(index));
    visit!(visit_array_len(self) {
        let object = self.stack.pop();
        let a = self.slot_arg(object);
        self.push_result(Ins::new(Op::ArrayLen).a(a), I32);
    });
    visit!(visit_array_fill(self, index: u32) self.slow_settled(Slow::ArrayFill, 4, index, 0, None));
    visit!(visit_array_copy(self, to: u32, _from: u32) self.slow_settled(Slow::ArrayCopy, 5, to, 0, None));
    visit!(visit_array_init_data(self, index: u32, data: u32)
        self.slow_settled(Slow::ArrayInitData, 4, index, data, None));
    visit!(visit_array_init_elem(self, index: u32, elem: u32)
        self.slow_settled(Slow::ArrayInitElem, 4, index, elem, None));
}
