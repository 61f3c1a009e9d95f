//! `Memory`, the handle of a memory in a store.

use super::{GrowError, Image, LinearMemory, MemoryBudget, MemoryError, SharedMemory};
use crate::engine::run::layout::FIRST_GLOBAL;
use std::sync::Arc;

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

    /// A shared memory, as one of this store's.
    ///
    /// # Errors
    /// [`Error::Limit`] when the store has as many memories as it may.
    pub fn from_shared(store: &mut impl AsStoreMut, memory: &SharedMemory) -> Result<Memory, Error> {
        let store = store.inner_mut();
        let index = store.keep_memory(StoreMemory::Shared(memory.clone()))?;
        Ok(Memory { store: store.id, index })
    }

    /// The memory itself, if it is a shared one.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn shared(self, store: &impl AsStore) -> Result<Option<SharedMemory>, Error> {
        Ok(match self.of(store)? {
            StoreMemory::Shared(memory) => Some(memory.clone()),
            StoreMemory::Own(_) => None,
        })
    }

    /// Its type, with its present size as the minimum.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<MemoryType, Error> {
        Ok(self.of(store)?.present_type())
    }

    /// Pages it has, of the size its type says.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn size(self, store: &impl AsStore) -> Result<u64, Error> {
        Ok(self.of(store)?.pages())
    }

    /// Grows by `delta` pages of the size its type says and returns the old size in pages.
    ///
    /// # Errors
    /// [`Error::Host`] with a [`GrowError`]; [`Error::Type`] for a handle of another store.
    pub fn grow(self, store: &mut impl AsStoreMut, delta: u64) -> Result<u64, Error> {
        Ok(self.of_mut(store)?.grow(delta)?)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store, and for a shared memory, of which there are no slices: see
    /// [`Memory::shared`].
    pub fn data(self, store: &impl AsStore) -> Result<&LinearMemory, Error> {
        self.of(store)?.own().ok_or_else(is_shared)
    }

    /// Its bytes, to write.
    ///
    /// # Errors
    /// As [`Memory::data`].
    pub fn data_mut(self, store: &mut impl AsStoreMut) -> Result<&mut LinearMemory, Error> {
        self.of_mut(store)?.own_mut().ok_or_else(is_shared)
    }

    fn of(self, store: &impl AsStore) -> Result<&StoreMemory, Error> {
        let store = store.inner();
        store.check_handle(self.store, "memory")?;
        Ok(&store.memories[self.index as usize])
    }

    fn of_mut(self, store: &mut impl AsStoreMut) -> Result<&mut StoreMemory, Error> {
        let store = store.inner_mut();
        store.check_handle(self.store, "memory")?;
        store.sync_limits();
        Ok(&mut store.memories[self.index as usize])
    }
}

#[cold]
fn is_shared() -> Error {
    Error::type_error("the memory is shared between threads: `Memory::shared` gives access to it")
}

/// A memory as a store has it.
pub(crate) enum StoreMemory {
    /// Of this store alone.
    Own(Box<LinearMemory>),
    Shared(SharedMemory),
}

impl StoreMemory {
    /// A new memory, counted in `budget`. See [`LinearMemory::new`].
    pub(crate) fn new(
        ty: MemoryType,
        budget: &Arc<MemoryBudget>,
        header_globals: usize,
        image: Option<&Arc<Image>>,
    ) -> Result<StoreMemory, Error> {
        Ok(match ty.shared {
            true => StoreMemory::Shared(SharedMemory::with_budget(ty, budget)?),
            false => StoreMemory::Own(LinearMemory::new(ty, budget, header_globals, image)?),
        })
    }

    pub(crate) fn own(&self) -> Option<&LinearMemory> {
        match self {
            StoreMemory::Own(memory) => Some(memory),
            StoreMemory::Shared(_) => None,
        }
    }

    pub(crate) fn own_mut(&mut self) -> Option<&mut LinearMemory> {
        match self {
            StoreMemory::Own(memory) => Some(memory),
            StoreMemory::Shared(_) => None,
        }
    }

    pub(crate) fn as_shared(&self) -> Option<&SharedMemory> {
        match self {
            StoreMemory::Own(_) => None,
            StoreMemory::Shared(memory) => Some(memory),
        }
    }

    /// Address of byte 0, with which handlers work.
    pub(crate) fn base(&self) -> *mut u8 {
        match self {
            StoreMemory::Own(memory) => memory.base(),
            StoreMemory::Shared(memory) => memory.base(),
        }
    }

    pub(crate) fn pages(&self) -> u64 {
        match self {
            StoreMemory::Own(memory) => memory.pages(),
            StoreMemory::Shared(memory) => memory.pages(),
        }
    }

    /// Its type with its present size as the minimum, as imports compare it.
    pub(crate) fn present_type(&self) -> MemoryType {
        match self {
            StoreMemory::Own(memory) => MemoryType {
                minimum: memory.pages(),
                ..memory.ty()
            },
            StoreMemory::Shared(memory) => memory.present_type(),
        }
    }

    pub(crate) fn grow(&mut self, delta: u64) -> Result<u64, GrowError> {
        match self {
            StoreMemory::Own(memory) => memory.grow(delta),
            StoreMemory::Shared(memory) => memory.grow(delta),
        }
    }

    pub(crate) fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        match self {
            StoreMemory::Own(memory) => memory.write(addr, bytes),
            StoreMemory::Shared(memory) => memory.write(addr, bytes),
        }
    }
}

/// Address of the global with slot offset `k` in the header below byte 0, if the memory was made with so many.
pub(crate) fn header_global(base: *mut u8, k: usize) -> *mut u64 {
    // In bounds by the caller's promise; were it not, only the use of the address would be wrong.
    base.wrapping_sub(FIRST_GLOBAL + 8 * k).cast()
}
