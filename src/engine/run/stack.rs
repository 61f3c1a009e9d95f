//! The value stack: frames of wasm functions, never on the native one.

/// A run's value stack. Its pages are the system's to give on first touch.
pub(crate) struct ValueStack {
    /// Owned: made by `Box::into_raw`, so that addresses into it stay good when the stack's owner moves.
    slots: *mut [u64],
}

impl ValueStack {
    /// A stack of so many bytes, rounded down to slots. At least a few frames fit.
    pub(crate) fn new(bytes: usize) -> ValueStack {
        ValueStack { slots: Box::into_raw(vec![0; (bytes / 8).max(64)].into_boxed_slice()) }
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
        // SAFETY: made by `Box::into_raw`, dropped once.
        drop(unsafe { Box::from_raw(self.slots) });
    }
}
