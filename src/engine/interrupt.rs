//! Stopping a run from another thread. (Placeholder with the signatures others call; the core replaces it.)

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use super::run::layout::{Context, Saved};

/// The place where a stop is requested and looked for. One per store.
pub struct Interrupt {
    context: UnsafeCell<Context>,
    waker: Mutex<Option<Box<dyn Fn() + Send>>>,
}

// SAFETY: other threads touch only the atomics of the context, and the mutex.
unsafe impl Send for Interrupt {}
// SAFETY: as above.
unsafe impl Sync for Interrupt {}

impl Interrupt {
    pub(crate) fn new() -> Arc<Interrupt> {
        let context = Context {
            limit: AtomicUsize::new(0),
            instance: std::ptr::null_mut(),
            fuel: 0,
            saved: Saved::EMPTY,
            requested: AtomicBool::new(false),
        };
        Arc::new(Interrupt { context: UnsafeCell::new(context), waker: Mutex::new(None) })
    }

    pub(crate) fn context(&self) -> *mut Context {
        self.context.get()
    }

    /// Whether a stop was requested and not yet reported.
    pub fn requested(&self) -> bool {
        // SAFETY: `requested` is atomic, and only it is borrowed.
        unsafe { &(*self.context.get()).requested }.load(SeqCst)
    }

    /// Calls `waker` when a stop is requested, or at once if one is, until the guard is dropped.
    pub fn on_request(&self, waker: impl Fn() + Send + 'static) -> WakerGuard<'_> {
        if self.requested() {
            waker();
        }
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(waker));
        WakerGuard(self)
    }

    fn request(&self) {
        // SAFETY: both are atomic, and only they are borrowed.
        let (requested, limit) = unsafe { (&(*self.context.get()).requested, &(*self.context.get()).limit) };
        requested.store(true, SeqCst);
        limit.store(0, SeqCst);
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            waker();
        }
    }
}

/// While it lives, a request calls the waker.
pub struct WakerGuard<'i>(&'i Interrupt);

impl Drop for WakerGuard<'_> {
    fn drop(&mut self) {
        *self.0.waker.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Asks whatever runs in a store to stop, from any thread.
#[derive(Clone)]
pub struct InterruptHandle(pub(crate) Arc<Interrupt>);

impl InterruptHandle {
    /// Asks. The request stays until a run has reported it.
    pub fn interrupt(&self) {
        self.0.request();
    }
}
