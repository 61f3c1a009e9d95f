//! Stopping a run from another thread.
//!
//! A request sets a flag and moves the stack limit to 0, which every call and back-edge compares with; the driver then
//! reports it once and clears the flag. Between runs the flag stays, so no request is lost. Host calls that wait look
//! at the flag themselves and leave a waker.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::run::layout::{Context, Saved};

/// The place where a stop is requested and looked for. One per store; host functions reach it with
/// [`Caller::interrupt`](crate::Caller::interrupt).
pub struct Interrupt {
    context: UnsafeCell<Context>,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    next_id: u64,
    waiting: Vec<(u64, Box<dyn Fn() + Send>)>,
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
            why: 0,
            requested: AtomicBool::new(false),
            #[cfg(feature = "stats")]
            profile: Default::default(),
        };
        Arc::new(Interrupt {
            context: UnsafeCell::new(context),
            wakers: Mutex::default(),
        })
    }

    /// What the handlers see of the store. Only its atomics may be touched by other threads.
    pub(crate) fn context(&self) -> *mut Context {
        self.context.get()
    }

    /// Whether a stop was requested and not yet reported.
    ///
    /// A host call that waits returns [`Halt::Interrupted`](crate::Halt::Interrupted) then.
    pub fn requested(&self) -> bool {
        // SAFETY: `requested` is atomic, and only it is borrowed.
        unsafe { &(*self.context.get()).requested }.load(SeqCst)
    }

    /// Calls `waker` when a stop is requested (at once if one is already) until the guard is dropped: what a host call
    /// that waits for something else sets up first.
    ///
    /// It is called on the thread that requests, which waits for it, and possibly twice: it should only wake. It must
    /// not drop the guard.
    pub fn on_request(&self, waker: impl Fn() + Send + 'static) -> WakerGuard<'_> {
        let mut wakers = self.wakers();
        let id = wakers.next_id;
        wakers.next_id += 1;
        // A request sets its flag before it takes the lock: one that did not see this waker is seen here.
        if self.requested() {
            waker();
        }
        wakers.waiting.push((id, Box::new(waker)));
        drop(wakers);
        WakerGuard { interrupt: self, id }
    }

    fn request(&self) {
        // SAFETY: both are atomic, and only they are borrowed.
        let (requested, limit) = unsafe { (&(*self.context.get()).requested, &(*self.context.get()).limit) };
        requested.store(true, SeqCst);
        limit.store(0, SeqCst);
        // Under the lock, so that a waker whose guard is gone is never called.
        for (_, waker) in &self.wakers().waiting {
            waker();
        }
    }

    fn wakers(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interrupt")
            .field("requested", &self.requested())
            .finish_non_exhaustive()
    }
}

/// While it lives, a request calls the waker.
#[derive(Debug)]
#[must_use = "dropping the guard removes the waker"]
pub struct WakerGuard<'i> {
    interrupt: &'i Interrupt,
    id: u64,
}

impl Drop for WakerGuard<'_> {
    fn drop(&mut self) {
        self.interrupt.wakers().waiting.retain(|(id, _)| *id != self.id);
    }
}

/// Asks whatever runs in a store to stop, from any thread.
///
/// Clones ask the same store. A handle may outlive its store; then it asks nobody.
#[derive(Debug, Clone)]
pub struct InterruptHandle(pub(crate) Arc<Interrupt>);

impl InterruptHandle {
    /// Asks. The request stays until a run has reported it, so one that comes between two calls stops the second.
    pub fn interrupt(&self) {
        self.0.request();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakers_are_called_while_their_guards_live_and_at_once_after_a_request() {
        let interrupt = Interrupt::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let waker = || {
            let calls = calls.clone();
            move || {
                calls.fetch_add(1, SeqCst);
            }
        };
        let first = interrupt.on_request(waker());
        let second = interrupt.on_request(waker());
        drop(first);
        InterruptHandle(interrupt.clone()).interrupt();
        assert_eq!(calls.load(SeqCst), 1);
        drop(second);
        InterruptHandle(interrupt.clone()).interrupt();
        assert_eq!(calls.load(SeqCst), 1);
        let third = interrupt.on_request(waker());
        assert_eq!(calls.load(SeqCst), 2);
        drop(third);
        assert!(interrupt.requested());
    }
}
