//! Globals: one value each.

use super::error::Error;
use super::store::{AsStore, AsStoreMut};
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

impl Global {
    /// A new global.
    ///
    /// # Errors
    /// [`Error::Type`] when the value does not fit the type.
    pub fn new(store: &mut impl AsStoreMut, ty: GlobalType, value: Val) -> Result<Global, Error> {
        let _ = (store, ty, value);
        todo!()
    }

    /// Its type.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<GlobalType, Error> {
        let _ = store;
        todo!()
    }

    /// Its value.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn get(self, store: &impl AsStore) -> Result<Val, Error> {
        let _ = store;
        todo!()
    }

    /// Sets its value.
    ///
    /// # Errors
    /// [`Error::Type`] when it is constant or the value does not fit.
    pub fn set(self, store: &mut impl AsStoreMut, value: Val) -> Result<(), Error> {
        let _ = (store, value);
        todo!()
    }
}
