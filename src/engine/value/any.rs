//! `AnyRef`: references of the hierarchy `any` as an embedder holds them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{ExternRef, Refs};
use crate::engine::error::Error;
use crate::engine::gc;
use crate::engine::store::{AsStore, Inner as _};
use crate::engine::types::{HeapType, RefType};

/// A reference to something of a guest: a struct, an array, an integer of 31 bits, or a value of the host that a guest
/// has taken in as such.
///
/// Clones are the same reference. What it refers to is kept as long as one of them is there.
#[derive(Clone)]
pub struct AnyRef(Repr);

#[derive(Clone)]
enum Repr {
    I31(u32),
    Host(ExternRef),
    Object(Arc<Rooted>),
}

/// An object the embedder holds.
struct Rooted {
    store: u64,
    slot: u64,
}

/// The objects of a store that its embedder holds.
#[derive(Default)]
pub(crate) struct Roots {
    /// Behind a lock, because reading a value out of a store, which makes a reference, only borrows the store.
    held: Mutex<Vec<Weak<Rooted>>>,
}

impl Roots {
    fn add(&self, store: u64, slot: u64) -> Arc<Rooted> {
        let rooted = Arc::new(Rooted { store, slot });
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == held.capacity() {
            // Before it grows: so those that are gone are at most as many as those that are there.
            held.retain(|rooted| rooted.strong_count() > 0);
        }
        held.push(Arc::downgrade(&rooted));
        rooted
    }

    /// The slots of all that are still held.
    pub(crate) fn slots(&self) -> Vec<u64> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|rooted| rooted.strong_count() > 0);
        held.iter().filter_map(|rooted| Some(rooted.upgrade()?.slot)).collect()
    }
}

impl AnyRef {
    /// The low 31 bits of `value`: what `ref.i31` makes of it.
    pub fn from_i31(value: u32) -> AnyRef {
        AnyRef(Repr::I31(value & 0x7fff_ffff))
    }

    /// A value of the host as guests take it in with `any.convert_extern`.
    pub fn from_extern(value: ExternRef) -> AnyRef {
        match value.downcast_ref::<AnyRef>() {
            Some(inside) => inside.clone(),
            None => AnyRef(Repr::Host(value)),
        }
    }

    /// It as guests hand it out with `extern.convert_any`.
    pub fn to_extern(&self) -> ExternRef {
        match &self.0 {
            Repr::Host(value) => value.clone(),
            _ => ExternRef::new(self.clone()),
        }
    }

    /// The integer, sign-extended (`i31.get_s`), if it is one.
    pub fn i31(&self) -> Option<i32> {
        self.i31_unsigned().map(|value| ((value << 1) as i32) >> 1)
    }

    /// The integer, zero-extended (`i31.get_u`), if it is one.
    pub fn i31_unsigned(&self) -> Option<u32> {
        match self.0 {
            Repr::I31(value) => Some(value),
            _ => None,
        }
    }

    /// What it is: `i31`, `any` for a value of the host, or the type it was made with.
    ///
    /// # Errors
    /// [`Error::Type`] for a reference of another store.
    pub fn heap_type(&self, store: &impl AsStore) -> Result<HeapType, Error> {
        let store = store.inner();
        Ok(match &self.0 {
            Repr::I31(_) => HeapType::I31,
            Repr::Host(_) => HeapType::Any,
            Repr::Object(object) => {
                store.check_handle(object.store, "reference")?;
                let object = gc::slot_object(object.slot);
                object.map_or(HeapType::Any, |object| HeapType::Concrete(object.info(store).id))
            }
        })
    }

    /// Whether it is of a type: what `ref.test` says.
    ///
    /// # Errors
    /// [`Error::Type`] for a reference of another store.
    pub fn is_a(&self, store: &impl AsStore, ty: HeapType) -> Result<bool, Error> {
        if let Repr::Object(object) = &self.0 {
            store.inner().check_handle(object.store, "reference")?;
            let of = RefType::new(false, ty);
            return Ok(ty.top() == HeapType::Any && store.inner().ref_is(object.slot, of));
        }
        Ok(self.heap_type(store)?.matches(ty, &store.inner().engine))
    }

    /// Whether both are the same reference: what `ref.eq` says.
    pub fn same(&self, other: &AnyRef) -> bool {
        match (&self.0, &other.0) {
            (Repr::I31(a), Repr::I31(b)) => a == b,
            (Repr::Host(a), Repr::Host(b)) => a.same(b),
            (Repr::Object(a), Repr::Object(b)) => (a.store, a.slot) == (b.store, b.slot),
            _ => false,
        }
    }

    pub(crate) fn from_slot(slot: u64, refs: &Refs) -> Option<AnyRef> {
        if slot == 0 {
            return None;
        }
        if let Some(value) = gc::slot_i31(slot) {
            return Some(AnyRef::from_i31(value));
        }
        Some(AnyRef(match gc::slot_host(slot) {
            Some(index) => Repr::Host(refs.externs.get(index)?.clone()),
            None => Repr::Object(refs.roots.add(refs.store, slot)),
        }))
    }

    pub(crate) fn to_slot(&self, refs: &mut Refs) -> Result<u64, Error> {
        match &self.0 {
            Repr::I31(value) => Ok(gc::i31_slot(*value)),
            Repr::Host(value) => Ok(refs.host_slot(value.clone())),
            Repr::Object(object) if object.store == refs.store => Ok(object.slot),
            Repr::Object(_) => Err(Error::wrong_store("reference")),
        }
    }
}

impl fmt::Debug for AnyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::I31(value) => write!(f, "AnyRef(i31 {value})"),
            Repr::Host(value) => write!(f, "AnyRef({value:?})"),
            Repr::Object(object) => write!(f, "AnyRef({:#x})", object.slot),
        }
    }
}
