//! The structures handlers see: their layout is part of the instruction set.
//!
//! All are owned by a store, at addresses that do not change while it lives. Handlers reach them from the
//! `cx` register (`Context`) and from `mb` (byte 0 of memory 0, with its length and the instance's globals below).

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};

use crate::engine::host::HostFunc;

/// Distance from `mb` down to the length in bytes of memory 0 (a `u64`).
pub(crate) const MEMORY_LEN: usize = 8;
/// Distance from `mb` down to global 0 of the instance that defines memory 0; each next one is 8 bytes lower.
pub(crate) const FIRST_GLOBAL: usize = 24;

/// What a run shares with the handlers. One per store, because a store runs one thing at a time.
#[repr(C)]
pub(crate) struct Context {
    /// First address past the usable value stack. 0 asks every call and back-edge to stop.
    pub limit: AtomicUsize,
    /// The running instance.
    pub instance: *mut VmInstance,
    /// Fuel left, in wasm instructions. Only metered code touches it.
    pub fuel: u64,
    /// The registers at the last exit from the handlers, and what the next entry starts with.
    pub saved: Saved,
    /// Why the handlers were left; see `exit`.
    pub why: u32,
    /// A stop was requested and not yet reported. Sticky.
    pub requested: AtomicBool,
    /// How often each instruction was executed, with what went before.
    #[cfg(feature = "stats")]
    pub profile: super::profile::Profile,
}

/// The machine registers of a run that is outside the handlers.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Saved {
    pub ip: *const u64,
    pub sp: *mut u64,
    pub acc: u64,
    pub l0: u64,
    pub l1: u64,
    pub f0: f64,
    pub d0: f64,
    pub d1: f64,
    pub s0: f32,
    pub s1: f32,
}

impl Saved {
    pub(crate) const EMPTY: Saved = Saved {
        ip: std::ptr::null(),
        sp: std::ptr::null_mut(),
        acc: 0,
        l0: 0,
        l1: 0,
        f0: 0.0,
        d0: 0.0,
        d1: 0.0,
        s0: 0.0,
        s1: 0.0,
    };
}

/// What the code of a module needs of the instance it runs for.
#[repr(C)]
pub(crate) struct VmInstance {
    /// Byte 0 of memory 0, or of an empty one.
    pub mb: *mut u8,
    /// One cell per global, imports first: the address of its value.
    pub globals: *const *mut u64,
    /// One per table, imports first.
    pub tables: *const *mut VmTable,
    /// Byte 0 of each memory, imports first. Addresses do not change (memory is reserved, not reallocated).
    pub memories: *const *mut u8,
    /// The imported functions.
    pub imports: *const *const VmFunc,
    /// Index of the instance in its store.
    pub id: u32,
}

/// A table's elements: references as slots.
#[repr(C)]
pub(crate) struct VmTable {
    pub base: *mut u64,
    /// Elements.
    pub len: u64,
}

/// A function as tables, imports and references see it.
#[repr(C)]
pub(crate) struct VmFunc {
    /// First code word of the translated body, or of a stub that translates it. Of a host function: its `HostFunc`, to
    /// which nothing jumps, because handlers see that no instance owns the function.
    pub code: AtomicPtr<u64>,
    /// The instance it belongs to; null for a host function.
    pub instance: *mut VmInstance,
    /// Engine-wide id of its type.
    pub sig: u32,
    /// Function index in its module; 0 of a host function.
    pub index: u32,
    /// Slots of parameters and of results.
    pub params: u16,
    pub results: u16,
    /// The store that owns it, so that a handle from another store is refused.
    pub store: u64,
}

impl VmFunc {
    /// A function of the host, whose type has the id `sig`, in a store.
    pub(crate) fn of_host(func: &Arc<HostFunc>, sig: u32, store: u64) -> VmFunc {
        VmFunc {
            code: AtomicPtr::new(Arc::as_ptr(func).cast_mut().cast()),
            instance: std::ptr::null_mut(),
            sig,
            index: 0,
            params: func.ty.param_slots() as u16,
            results: func.ty.result_slots() as u16,
            store,
        }
    }

    /// The function a funcref slot of a live store names; `None` for null.
    pub(crate) fn from_slot(slot: u64) -> Option<NonNull<VmFunc>> {
        NonNull::new(std::ptr::with_exposed_provenance_mut(slot as usize))
    }

    /// Slots of the parameters of a function of a live store.
    ///
    /// # Safety
    /// It is one.
    pub(crate) unsafe fn params_of(func: NonNull<VmFunc>) -> usize {
        // SAFETY: the caller's promise.
        unsafe { func.as_ref().params as usize }
    }

    /// The funcref slot for it.
    pub(crate) fn slot(func: NonNull<VmFunc>) -> u64 {
        func.as_ptr().expose_provenance() as u64
    }
}

/// Owns a structure that handlers reach by address: it is only touched through that address, never moved, and freed
/// with its owner.
pub(crate) struct Owned<T>(NonNull<T>);

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Owned<T> {
        Owned(NonNull::from(Box::leak(Box::new(value))))
    }

    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        // SAFETY: the box was leaked in `new` and is freed in `drop`; the borrow is exclusive, and handlers do not run
        // while the store is borrowed by anyone but the run driver, which keeps no references to these structures.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: it came from a box in `new`, and this is its only owner.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
