//! `Memory`, the handle of a memory in a store.

use super::LinearMemory;
use crate::engine::error::Error;
use crate::engine::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _};
use crate::engine::types::MemoryType;

/// A memory in a store: a handle, to be used with that store.
///
/// Spec: syntax/modules.html#memories
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Memory {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Memory {
    /// A new memory, zeroed.
    ///
    /// # Errors
    /// [`Error::Limit`] when its minimum passes a limit of the store, [`Error::Type`] when the type is not valid.
    pub fn new(store: &mut impl AsStoreMut, ty: MemoryType) -> Result<Memory, Error> {
        if !ty.is_valid() {
            return Err(Error::type_error(format!(
                "{ty} is not a valid memory type: at most {} pages of 65536 bytes or 1, minimum first",
                ty.max_pages()
            )));
        }
        let store = store.inner_mut();
        let index = store.add_memory(ty, 0, None)?;
        Ok(Memory { store: store.id, index })
    }

    /// Its type, with its present size as the minimum.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<MemoryType, Error> {
        Ok(self.data(store)?.present_type())
    }

    /// Pages it has, of the size its type says.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn size(self, store: &impl AsStore) -> Result<u64, Error> {
        Ok(self.data(store)?.pages())
    }

    /// Grows by `delta` pages of the size its type says and returns the old size in pages.
    ///
    /// # Errors
    /// [`Error::Host`] with a [`GrowError`](super::GrowError); [`Error::Type`] for a handle of another store.
    pub fn grow(self, store: &mut impl AsStoreMut, delta: u64) -> Result<u64, Error> {
        Ok(self.data_mut(store)?.grow(delta)?)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn data(self, store: &impl AsStore) -> Result<&LinearMemory, Error> {
        let store = store.inner();
        store.check_handle(self.store, "memory")?;
        Ok(&store.memories[self.index as usize])
    }

    /// Its bytes, to write.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn data_mut(self, store: &mut impl AsStoreMut) -> Result<&mut LinearMemory, Error> {
        let store = store.inner_mut();
        store.check_handle(self.store, "memory")?;
        store.sync_limits();
        Ok(&mut store.memories[self.index as usize])
    }
}
