//! The value stack: frames of wasm functions, never on the native one.

use std::alloc::{Layout, alloc_zeroed};

/// A run's value stack. Its pages are the system's to give on first touch.
pub(crate) struct ValueStack {
    /// Owned, as a box is; a pointer, so that addresses into it stay good when the stack's owner moves.
    slots: *mut [u64],
}

impl ValueStack {
    /// A stack of so many bytes, rounded down to slots. At least a few frames fit. `None` if the system does not give
    /// that much: the size is the embedder's to choose, so it must not abort the process.
    pub(crate) fn new(bytes: usize) -> Option<ValueStack> {
        let slots = (bytes / 8).max(64);
        let layout = Layout::array::<u64>(slots).ok()?;
        // SAFETY: the layout is not empty.
        let lowest = unsafe { alloc_zeroed(layout) }.cast::<u64>();
        (!lowest.is_null()).then(|| ValueStack {
            slots: std::ptr::slice_from_raw_parts_mut(lowest, slots),
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
}

impl Drop for ValueStack {
    fn drop(&mut self) {
        // SAFETY: allocated with the layout of such a slice, initialised with zeros, dropped once.
        drop(unsafe { Box::from_raw(self.slots) });
    }
}
