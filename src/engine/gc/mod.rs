//! References of the hierarchies `any` and `extern`, as slots: what they are, and what is of which type.
//!
//! A slot is 0 for null. Else its lowest bits say what it is: `..1` an i31, whose 31 bits stand above; `..10` a value of
//! the host, whose index in the store stands above; `..000` the address of an object. Both hierarchies have the same form,
//! so that converting between them does nothing.

#![allow(unsafe_code)]

mod heap;
mod object;
mod ops;
mod roots;

use super::run::layout::VmFunc;
use super::store::StoreInner;
use super::types::{HeapType, RefType, TypeKind};

pub(crate) use self::heap::Heap;
pub(crate) use self::object::{Object, sign_extended, slot_object};
pub(crate) use self::roots::PausedRoots;

/// The slot of an i31.
pub(crate) const fn i31_slot(value: u32) -> u64 {
    (value as u64 & 0x7fff_ffff) << 1 | 1
}

/// The 31 bits of an i31.
pub(crate) const fn slot_i31(slot: u64) -> Option<u32> {
    if slot & 1 != 0 { Some((slot >> 1) as u32) } else { None }
}

/// The slot of the host's value with an index.
pub(crate) const fn host_slot(index: usize) -> u64 {
    (index as u64) << 2 | 2
}

/// The index of the host's value.
pub(crate) const fn slot_host(slot: u64) -> Option<usize> {
    if slot & 3 == 2 {
        Some((slot >> 2) as usize)
    } else {
        None
    }
}

impl StoreInner {
    /// Whether a reference is of a type of its hierarchy.
    ///
    /// Spec: exec/runtime.html#values, valid/matching.html
    pub(crate) fn ref_is(&self, slot: u64, ty: RefType) -> bool {
        if slot == 0 {
            return ty.nullable;
        }
        match ty.heap {
            HeapType::Func | HeapType::Extern | HeapType::Any | HeapType::Exn => true,
            HeapType::NoFunc | HeapType::NoExtern | HeapType::None | HeapType::NoExn => false,
            HeapType::I31 => slot_i31(slot).is_some(),
            HeapType::Eq => slot_host(slot).is_none(),
            HeapType::Struct => self.kind(slot) == Some(TypeKind::Struct),
            HeapType::Array => self.kind(slot) == Some(TypeKind::Array),
            HeapType::Concrete(id) if id.kind() == TypeKind::Func => {
                let func = VmFunc::from_slot(slot).expect("looked at above");
                // SAFETY: a reference to a function is the address of one of the store's, which lives as long as it.
                self.engine.is_subtype(unsafe { func.as_ref() }.sig, id.index)
            }
            HeapType::Concrete(id) => slot_object(slot).is_some_and(|object| {
                let info = object.info(self);
                info.id == id || self.engine.is_subtype(info.id.index, id.index)
            }),
        }
    }

    fn kind(&self, slot: u64) -> Option<TypeKind> {
        slot_object(slot).map(|object| object.info(self).id.kind())
    }
}
