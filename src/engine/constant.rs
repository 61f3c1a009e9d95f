//! The values of constant expressions, in the instance that is being made or already there.
//!
//! Spec: exec/modules.html#instantiation, valid/instructions.html#constant-expressions

#![allow(unsafe_code)]

use super::gc;
use super::instance::InstanceId;
use super::module::{ConstExpr, ConstOp, Items};
use super::register::TypeInfo;
use super::run::layout::VmFunc;
use super::store::StoreInner;
use super::trap::Trap;
use super::value::v128_slots;

const VALID: &str = "validated: operands stand on the stack";

impl ConstExpr {
    /// Whether each evaluation makes an object of its own, and may fail.
    pub(crate) fn allocates(&self) -> bool {
        match self {
            ConstExpr::Ops(ops) => ops.iter().any(|op| {
                matches!(
                    op,
                    ConstOp::StructNew(_)
                        | ConstOp::StructNewDefault(_)
                        | ConstOp::ArrayNew(_)
                        | ConstOp::ArrayNewDefault(_)
                        | ConstOp::ArrayNewFixed(..)
                )
            }),
            _ => false,
        }
    }
}

impl Items {
    /// Whether an element is an object of its own.
    pub(crate) fn allocate(&self) -> bool {
        match self {
            Items::Funcs(_) => false,
            Items::Exprs(exprs) => exprs.iter().any(ConstExpr::allocates),
        }
    }
}

impl StoreInner {
    /// The value of a constant expression in an instance, as one slot or two.
    ///
    /// # Errors
    /// [`Trap::GcHeapExhausted`] when it makes an object that does not fit.
    pub(crate) fn eval(&mut self, instance: InstanceId, expr: &ConstExpr) -> Result<[u64; 2], Trap> {
        Ok(match expr {
            ConstExpr::Value(slot) => [*slot, 0],
            ConstExpr::V128(bits) => v128_slots(**bits),
            ConstExpr::FuncRef(index) => [self.func_slot(instance, *index), 0],
            ConstExpr::GlobalGet(index) => self.global_slots(instance, *index),
            ConstExpr::Ops(ops) => {
                // Where a collection finds what was made so far.
                let base = self.heap.held.len();
                let done = self.eval_ops(instance, ops);
                let mut value = [0; 2];
                for (to, from) in value.iter_mut().zip(self.heap.held.drain(base..)) {
                    *to = from;
                }
                done?;
                value
            }
        })
    }

    /// Where a segment goes, in a memory or table with indices of 64 bits or not.
    pub(crate) fn eval_offset(&mut self, instance: InstanceId, expr: &ConstExpr, is_64: bool) -> u64 {
        // Offsets are numbers, which nothing is allocated for.
        let offset = self.eval(instance, expr).map_or(0, |value| value[0]);
        if is_64 { offset } else { u64::from(offset as u32) }
    }

    /// Leaves the value on `Heap::held`.
    fn eval_ops(&mut self, instance: InstanceId, ops: &[ConstOp]) -> Result<(), Trap> {
        let i32s = |a: u64, b: u64, op: fn(u32, u32) -> u32| u64::from(op(a as u32, b as u32));
        for op in ops {
            let value = match *op {
                ConstOp::Value(slot) => slot,
                ConstOp::FuncRef(index) => self.func_slot(instance, index),
                ConstOp::GlobalGet(index) => {
                    let module = &self.instances[instance.0 as usize].module.inner;
                    let slots = module.globals[index as usize].content.slots();
                    let value = self.global_slots(instance, index);
                    self.heap.held.extend_from_slice(&value[..slots]);
                    continue;
                }
                ConstOp::RefI31 => gc::i31_slot(self.pop_const() as u32),
                ConstOp::StructNew(ty) => {
                    let info = self.info_of(instance, ty);
                    // SAFETY: infos live as long as the module, and that as long as the store; the values are on the stack.
                    unsafe {
                        let slots = (*info).fields().map(|field| field.storage.unpacked().slots()).sum();
                        let object = self.struct_new(&*info, self.top_consts(slots))?;
                        self.drop_consts(slots);
                        object.slot()
                    }
                }
                ConstOp::StructNewDefault(ty) => {
                    let info = self.info_of(instance, ty);
                    // SAFETY: as above.
                    unsafe { self.struct_new_default(&*info)?.slot() }
                }
                ConstOp::ArrayNew(ty) => {
                    let info = self.info_of(instance, ty);
                    let len = self.pop_const() as u32;
                    // SAFETY: as above.
                    unsafe {
                        let slots = (*info).fields().map(|field| field.storage.unpacked().slots()).sum();
                        let object = self.array_new(&*info, self.top_consts(slots), len)?;
                        self.drop_consts(slots);
                        object.slot()
                    }
                }
                ConstOp::ArrayNewDefault(ty) => {
                    let info = self.info_of(instance, ty);
                    let len = self.pop_const() as u32;
                    // SAFETY: as above.
                    unsafe { self.array_new_default(&*info, len)?.slot() }
                }
                ConstOp::ArrayNewFixed(ty, len) => {
                    let info = self.info_of(instance, ty);
                    // SAFETY: as above.
                    unsafe {
                        let each: usize = (*info).fields().map(|field| field.storage.unpacked().slots()).sum();
                        let slots = each * len as usize;
                        let object = self.array_new_fixed(&*info, self.top_consts(slots), len)?;
                        self.drop_consts(slots);
                        object.slot()
                    }
                }
                binary => {
                    let b = self.pop_const();
                    let a = self.pop_const();
                    match binary {
                        ConstOp::I32Add => i32s(a, b, u32::wrapping_add),
                        ConstOp::I32Sub => i32s(a, b, u32::wrapping_sub),
                        ConstOp::I32Mul => i32s(a, b, u32::wrapping_mul),
                        ConstOp::I64Add => a.wrapping_add(b),
                        ConstOp::I64Sub => a.wrapping_sub(b),
                        _ => a.wrapping_mul(b),
                    }
                }
            };
            self.heap.held.push(value);
        }
        Ok(())
    }

    fn pop_const(&mut self) -> u64 {
        self.heap.held.pop().expect(VALID)
    }

    /// The values on top of the stack, which stay there.
    fn top_consts(&self, slots: usize) -> *const u64 {
        let held = &self.heap.held;
        held[held.len().checked_sub(slots).expect(VALID)..].as_ptr()
    }

    fn drop_consts(&mut self, slots: usize) {
        let len = self.heap.held.len();
        self.heap.held.truncate(len - slots);
    }

    /// As an address, because what is done with it changes the store.
    fn info_of(&self, instance: InstanceId, ty: u32) -> *const TypeInfo {
        let module = &self.instances[instance.0 as usize].module.inner;
        &raw const *module.type_infos[ty as usize]
    }

    /// A function of an instance as a slot.
    pub(crate) fn func_slot(&mut self, instance: InstanceId, func_index: u32) -> u64 {
        VmFunc::slot(self.func_ref(instance, func_index))
    }

    fn global_slots(&self, instance: InstanceId, global: u32) -> [u64; 2] {
        let index = self.instances[instance.0 as usize].globals[global as usize];
        self.globals[index as usize].get()
    }
}
