//! Where a run was when it trapped.

use super::Run;
use super::frames::{Trace, Walk};
use super::layout::Context;
use crate::engine::error::Error;
use crate::engine::store::StoreInner;
use crate::engine::trap::{Trap, TrapReport};

/// The trap with the frames that were running.
///
/// # Safety
/// The context holds the registers of `run`, a run of this store.
pub(super) unsafe fn trap(store: &StoreInner, run: &Run, cx: *mut Context, trap: Trap) -> Error {
    // SAFETY: the caller's promise.
    unsafe { complete(store, run, cx, TrapReport::new(trap)) }
}

/// An error of a host call; traps get the frames that were running, unless a run inside it gave them already.
///
/// # Safety
/// As for [`trap`].
pub(super) unsafe fn with_frames(store: &StoreInner, run: &Run, cx: *mut Context, error: Error) -> Error {
    match error {
        Error::Trap(report) if report.frames.is_empty() => {
            // SAFETY: the caller's promise.
            unsafe { complete(store, run, cx, *report) }
        }
        error => error,
    }
}

unsafe fn complete(store: &StoreInner, run: &Run, cx: *mut Context, mut report: TrapReport) -> Error {
    // SAFETY: the caller's promise.
    if let Some(walk) = unsafe { Walk::new(run, cx) } {
        // SAFETY: as above.
        let trace = unsafe { Trace::take(store, walk) };
        (report.frames, report.omitted) = (trace.frames(), trace.omitted());
    }
    Error::Trap(Box::new(report))
}
