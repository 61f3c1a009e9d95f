//! Tables: references by index.

use super::error::Error;
use super::store::{AsStore, AsStoreMut};
use super::types::TableType;
use super::value::Val;

/// A table in a store: a handle, to be used with that store.
///
/// Spec: exec/runtime.html#table-instances
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Table {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Table {
    /// A new table with every element `init`.
    ///
    /// # Errors
    /// [`Error::Limit`] when its minimum passes the store's limit, [`Error::Type`] when `init` does not fit.
    pub fn new(store: &mut impl AsStoreMut, ty: TableType, init: Val) -> Result<Table, Error> {
        let _ = (store, ty, init);
        todo!()
    }

    /// Its type, with its present size as the minimum.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<TableType, Error> {
        let _ = store;
        todo!()
    }

    /// Elements it has.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn size(self, store: &impl AsStore) -> Result<u64, Error> {
        let _ = store;
        todo!()
    }

    /// An element.
    ///
    /// # Errors
    /// [`Error::Trap`] outside the table, [`Error::Type`] for a handle of another store.
    pub fn get(self, store: &impl AsStore, index: u64) -> Result<Val, Error> {
        let _ = (store, index);
        todo!()
    }

    /// Sets an element.
    ///
    /// # Errors
    /// [`Error::Trap`] outside the table, [`Error::Type`] when the value does not fit.
    pub fn set(self, store: &mut impl AsStoreMut, index: u64, value: Val) -> Result<(), Error> {
        let _ = (store, index, value);
        todo!()
    }

    /// Grows by `delta` elements, all `init`, and returns the old size.
    ///
    /// # Errors
    /// [`Error::Host`] with a `GrowError`; [`Error::Type`] when `init` does not fit.
    pub fn grow(self, store: &mut impl AsStoreMut, delta: u64, init: Val) -> Result<u64, Error> {
        let _ = (store, delta, init);
        todo!()
    }
}
