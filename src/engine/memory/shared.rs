//! `SharedMemory`: a memory that several stores, and so several threads, have at once.
//!
//! It never moves: address space for its maximum is reserved when it is made. It only grows, so what was inside stays
//! inside. Its bytes are only touched by atomic accesses (`racy`); there is no slice of them.
//! Spec: the threads proposal, "shared linear memory".

#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use super::access::{Address, GrowError, MemoryError};
use super::backing::Backing;
use super::parking::Parking;
use super::{MemoryBudget, racy};
use crate::engine::config::Engine;
use crate::engine::error::Error;
use crate::engine::run::layout::{FIRST_GLOBAL, MEMORY_LEN};
use crate::engine::types::MemoryType;

/// A memory that instances in several stores can have at the same time, each on a thread of its own.
///
/// Clones are the same memory. Other threads may change it at any moment, so there are no slices of it: what is read is
/// copied out, what is written copied in. Every access is checked; one that reaches outside fails as a whole.
///
/// Needs [`Features::threads`](crate::Features::threads) for modules that import it.
#[derive(Clone)]
pub struct SharedMemory(Arc<Shared>);

struct Shared {
    /// Address of byte 0.
    base: NonNull<u8>,
    ty: MemoryType,
    /// Locked while it grows.
    backing: Mutex<Backing>,
    budget: Arc<MemoryBudget>,
    parking: Parking,
}

// SAFETY: the memory owns what `base` points to until it is dropped, and its bytes and its length are only accessed
// atomically.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl SharedMemory {
    /// A new memory, zeroed. It may grow to what the engine's configuration allows a store.
    ///
    /// # Errors
    /// [`Error::Type`] when the type is not valid or not shared, [`Error::Limit`] when its minimum passes the limit,
    /// [`Error::Instantiate`] when the host has no room.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory, Error> {
        if !ty.shared || !ty.is_valid() {
            return Err(Error::type_error(format!(
                "{ty} is not a valid type of a shared memory"
            )));
        }
        SharedMemory::with_budget(ty, &Arc::new(MemoryBudget::new(engine.config().limits.memory)))
    }

    /// A new memory, counted in a store's budget. Its type is valid.
    pub(crate) fn with_budget(ty: MemoryType, budget: &Arc<MemoryBudget>) -> Result<SharedMemory, Error> {
        let len = ty.min_bytes();
        budget.take_or_refuse(len)?;
        let reserve = ty.max_bytes().min(budget.limit()).max(len);
        let Some((base, backing)) = Backing::immovable(FIRST_GLOBAL, len, reserve) else {
            budget.give_back(len);
            return Err(Error::instantiate(format!(
                "the host has no room for a shared memory of {len} bytes that may have {reserve}"
            )));
        };
        let memory = SharedMemory(Arc::new(Shared {
            base,
            ty,
            backing: Mutex::new(backing),
            budget: budget.clone(),
            parking: Parking::default(),
        }));
        memory.0.len().store(len, SeqCst);
        Ok(memory)
    }

    /// Bytes it has at the moment.
    pub fn size(&self) -> u64 {
        self.0.len().load(SeqCst)
    }

    /// Pages it has at the moment, of the size its type says.
    pub fn pages(&self) -> u64 {
        self.size() / self.0.ty.page_bytes
    }

    /// Its type as declared.
    pub fn ty(&self) -> MemoryType {
        self.0.ty
    }

    /// Its type with its present size as the minimum, as imports compare it.
    pub(crate) fn present_type(&self) -> MemoryType {
        MemoryType {
            minimum: self.pages(),
            ..self.0.ty
        }
    }

    /// Whether both are the same memory.
    pub fn same(&self, other: &SharedMemory) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Grows by `delta` pages (of the size its type says) and returns the old size in pages.
    ///
    /// # Errors
    /// [`GrowError`] past the memory's maximum, its limit, or what the host has; the memory is unchanged.
    pub fn grow(&self, delta: u64) -> Result<u64, GrowError> {
        let shared = &*self.0;
        let mut backing = shared.backing.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, page) = (self.size(), shared.ty.page_bytes);
        let len = shared.ty.grown(old, delta).ok_or(GrowError::Maximum)?;
        if !shared.budget.take(len - old) {
            return Err(GrowError::Limit);
        }
        if backing.grow(old, len).is_none() {
            shared.budget.give_back(len - old);
            return Err(GrowError::Host);
        }
        // Only now others may go there.
        shared.len().store(len, SeqCst);
        Ok(old / page)
    }

    /// Fills `buffer` with the bytes from `addr` on.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all lie inside; `buffer` is unchanged.
    pub fn read(&self, addr: impl Address, buffer: &mut [u8]) -> Result<(), MemoryError> {
        let from = self.range(addr.get(), buffer.len() as u64)?;
        // SAFETY: the range lies inside, and memories do not shrink.
        unsafe { racy::copy_out(from, buffer) };
        Ok(())
    }

    /// Writes `bytes` from `addr` on.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all fit; nothing is written.
    pub fn write(&self, addr: impl Address, bytes: &[u8]) -> Result<(), MemoryError> {
        let to = self.range(addr.get(), bytes.len() as u64)?;
        // SAFETY: as in `read`.
        unsafe { racy::copy_in(bytes, to) };
        Ok(())
    }

    /// Sets the `len` bytes from `addr` on to `value`.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all lie inside; nothing is written.
    pub fn fill(&self, addr: impl Address, len: impl Address, value: u8) -> Result<(), MemoryError> {
        let len = len.get();
        let to = self.range(addr.get(), len)?;
        // SAFETY: as in `read`.
        unsafe { racy::fill(to, value, len as usize) };
        Ok(())
    }

    /// Checks that the `len` bytes from `addr` on lie inside, as they then always will.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if not.
    pub fn check(&self, addr: impl Address, len: impl Address) -> Result<(), MemoryError> {
        self.range(addr.get(), len.get()).map(|_| ())
    }

    /// Address of byte 0, with which handlers work.
    pub(crate) fn base(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }

    pub(crate) fn parking(&self) -> &Parking {
        &self.0.parking
    }

    fn range(&self, addr: u64, len: u64) -> Result<*mut u8, MemoryError> {
        let size = self.size();
        match addr.checked_add(len) {
            Some(end) if end <= size => Ok(self.base().wrapping_add(addr as usize)),
            _ => Err(MemoryError::out_of_bounds(addr, len, size)),
        }
    }
}

impl Shared {
    fn len(&self) -> &AtomicU64 {
        // SAFETY: the length stands below byte 0 and is aligned, as `base` is; all accesses to it are atomic.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().sub(MEMORY_LEN).cast()) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let len = self.len().load(SeqCst);
        self.budget.give_back(len);
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory")
            .field("size", &self.size())
            .field("ty", &self.0.ty)
            .finish_non_exhaustive()
    }
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<SharedMemory>();
};

#[cfg(test)]
mod tests;
