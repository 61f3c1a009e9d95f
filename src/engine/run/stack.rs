//! The value stack: frames of wasm functions, never on the native one.

use std::alloc::{Layout, alloc_zeroed};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A run's value stack. Its pages are the system's to give on first touch.
pub(crate) struct ValueStack {
    /// What is in `shared`.
    slots: *mut [u64],
    shared: Arc<Shared>,
}

/// The slots of a stack, which a store can look at while a paused run of its has the stack.
pub(super) struct Shared {
    /// Owned, as a box is; a pointer, so that addresses into it stay good when the stack's owner moves.
    slots: *mut [u64],
    /// Where the frames of the run that has it end while that is paused.
    end: AtomicUsize,
}

// SAFETY: it owns its slots. Only the run that has the stack writes them, and only the thread that has the store, without
// which no run goes on, reads them otherwise.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl ValueStack {
    /// A stack of so many bytes, rounded down to slots. At least a few frames fit. `None` if the system does not give
    /// that much: the size is the embedder's to choose, so it must not abort the process.
    pub(crate) fn new(bytes: usize) -> Option<ValueStack> {
        let slots = (bytes / 8).max(64);
        let layout = Layout::array::<u64>(slots).ok()?;
        // SAFETY: the layout is not empty.
        let lowest = unsafe { alloc_zeroed(layout) }.cast::<u64>();
        if lowest.is_null() {
            return None;
        }
        let slots = std::ptr::slice_from_raw_parts_mut(lowest, slots);
        Some(ValueStack {
            slots,
            shared: Arc::new(Shared {
                slots,
                end: AtomicUsize::new(usize::MAX),
            }),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.len() * 8
    }

    /// The lowest slot.
    pub(crate) fn base(&self) -> *mut u64 {
        self.slots as *mut u64
    }

    /// The first address past the highest slot.
    pub(crate) fn end(&self) -> usize {
        self.base() as usize + self.bytes()
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    /// Says where the frames end of the run that has it and pauses; `usize::MAX` when it goes on.
    pub(super) fn set_end(&self, end: usize) {
        self.end.store(end, Relaxed);
    }

    /// Tells `each` the slots below the address `top`; those of its frames, if that is not on this stack.
    pub(super) fn slots_below(&self, top: usize, each: &mut impl FnMut(u64)) {
        let (base, len) = (self.slots as *mut u64, self.slots.len());
        let below = |end: usize| Some(end.checked_sub(base as usize)? / 8).filter(|&slots| slots <= len);
        let used = below(top).or(below(self.end.load(Relaxed))).unwrap_or(len);
        for at in 0..used {
            // SAFETY: below the length; they were zeroed at first. No run goes on meanwhile, because the caller has the
            // store.
            each(unsafe { base.add(at).read() });
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: allocated with the layout of such a slice, initialised with zeros, dropped once.
        drop(unsafe { Box::from_raw(self.slots) });
    }
}
