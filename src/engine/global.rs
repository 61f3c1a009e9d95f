//! Globals: one value each.

#![allow(unsafe_code)]

use super::error::Error;
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _, StoreInner};
use super::types::GlobalType;
use super::value::Val;

/// A global in a store: a handle, to be used with that store.
///
/// Spec: exec/runtime.html#global-instances
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Global {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

/// A global as its store has it.
pub(crate) struct GlobalData {
    pub ty: GlobalType,
    cell: Cell,
}

enum Cell {
    /// Below a memory or beside an instance, at an address that stays as long as the store.
    At(*mut u64),
    /// Of the host.
    Own(super::run::layout::Owned<[u64; 2]>),
}

impl GlobalData {
    /// A global of an instance.
    ///
    /// # Safety
    /// `cell` can be read and written as long as the store lives, as many slots of it as the type has, and nothing else
    /// is borrowed from it.
    pub(crate) unsafe fn at(ty: GlobalType, cell: *mut u64) -> GlobalData {
        GlobalData {
            ty,
            cell: Cell::At(cell),
        }
    }

    /// Address of the value.
    pub(crate) fn cell(&self) -> *mut u64 {
        match &self.cell {
            Cell::At(cell) => *cell,
            Cell::Own(cell) => cell.as_ptr().cast(),
        }
    }

    /// Its value; the second slot is 0 where the type has one.
    pub(crate) fn get(&self) -> [u64; 2] {
        let mut slots = [0; 2];
        for (at, slot) in slots.iter_mut().enumerate().take(self.ty.content.slots()) {
            // SAFETY: the address is good as long as the store lives (`at`), and guests do not run while it is borrowed.
            *slot = unsafe { self.cell().add(at).read() };
        }
        slots
    }

    /// Sets it, to the first slot where its type has one.
    pub(crate) fn set(&mut self, slots: [u64; 2]) {
        for (at, slot) in slots.into_iter().enumerate().take(self.ty.content.slots()) {
            // SAFETY: as in `get`, and the borrow is exclusive.
            unsafe { self.cell().add(at).write(slot) }
        }
    }
}

impl Global {
    /// A new global.
    ///
    /// # Errors
    /// [`Error::Type`] when the value does not fit the type.
    pub fn new(store: &mut impl AsStoreMut, ty: GlobalType, value: Val) -> Result<Global, Error> {
        let store = store.inner_mut();
        let slots = fitting_slots(store, ty, &value)?;
        store.globals.push(GlobalData {
            ty,
            cell: Cell::Own(super::run::layout::Owned::new(slots)),
        });
        Ok(Global {
            store: store.id,
            index: store.globals.len() as u32 - 1,
        })
    }

    /// Its type.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<GlobalType, Error> {
        let store = store.inner();
        store.check_handle(self.store, "global")?;
        Ok(store.globals[self.index as usize].ty)
    }

    /// Its value.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn get(self, store: &impl AsStore) -> Result<Val, Error> {
        let store = store.inner();
        store.check_handle(self.store, "global")?;
        let global = &store.globals[self.index as usize];
        Ok(Val::from_slots(&global.get(), global.ty.content, &store.refs))
    }

    /// Sets its value.
    ///
    /// # Errors
    /// [`Error::Type`] when it is constant or the value does not fit.
    pub fn set(self, store: &mut impl AsStoreMut, value: Val) -> Result<(), Error> {
        let store = store.inner_mut();
        store.check_handle(self.store, "global")?;
        let ty = store.globals[self.index as usize].ty;
        if !ty.mutable {
            return Err(Error::type_error(format!("the global is constant: its type is {ty}")));
        }
        let slots = fitting_slots(store, ty, &value)?;
        store.globals[self.index as usize].set(slots);
        Ok(())
    }
}

fn fitting_slots(store: &mut StoreInner, ty: GlobalType, value: &Val) -> Result<[u64; 2], Error> {
    let misfit = || Error::type_error(format!("a value of type {} does not fit {ty}", value.ty()));
    value.to_slots_of(ty.content, store)?.ok_or_else(misfit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::ValType;
    use crate::engine::{Engine, Store};

    #[test]
    fn a_global_keeps_what_is_set_and_refuses_what_does_not_fit() {
        let mut store = Store::new(&Engine::default(), ());
        let ty = GlobalType::new(ValType::I64, true);
        let global = Global::new(&mut store, ty, Val::I64(-1)).unwrap();
        global.set(&mut store, Val::I64(7)).unwrap();
        assert_eq!(global.get(&store).unwrap().i64(), Some(7));
        let error = global.set(&mut store, Val::I32(7)).unwrap_err();
        assert_eq!(error.to_string(), "a value of type i32 does not fit (global (mut i64))");
        let constant = Global::new(&mut store, GlobalType::new(ValType::I32, false), Val::I32(1)).unwrap();
        assert!(constant.set(&mut store, Val::I32(2)).is_err());
    }

    #[test]
    fn a_handle_of_another_store_is_refused() {
        let engine = Engine::default();
        let (mut a, mut b) = (Store::new(&engine, ()), Store::new(&engine, ()));
        let global = Global::new(&mut a, GlobalType::new(ValType::I32, true), Val::I32(1)).unwrap();
        assert!(matches!(global.get(&b), Err(Error::Type(_))));
        assert!(matches!(global.set(&mut b, Val::I32(1)), Err(Error::Type(_))));
    }
}
