//! Code → outcome. (Placeholder with the signatures the embedding half calls; the core replaces it.)

pub(crate) mod layout;

use std::ptr::NonNull;

use self::layout::VmFunc;
use super::error::Error;
use super::func::PauseReason;
use super::store::StoreInner;
use super::types::FuncType;

/// What the driver keeps in a store between runs.
#[derive(Default)]
pub(crate) struct StoreState;

/// A run that is paused.
pub(crate) struct Run;

impl Run {
    /// The type of the host function that suspended it.
    pub(crate) fn suspended_in<'s>(&self, _store: &'s StoreInner) -> &'s FuncType {
        todo!()
    }
}

/// How a run left the driver, when not by an error.
pub(crate) enum Ended {
    /// With the slots of its results.
    Returned(Vec<u64>),
    /// It can be resumed.
    Paused(Box<Run>, PauseReason),
}

pub(crate) fn start(_store: &mut StoreInner, _func: NonNull<VmFunc>, _args: &[u64]) -> Result<Ended, Error> {
    todo!()
}

/// `results`: what the suspended host call gives back; `None` to make it again, or for the other reasons.
pub(crate) fn resume(_store: &mut StoreInner, _run: Box<Run>, _results: Option<&[u64]>) -> Result<Ended, Error> {
    todo!()
}

/// The code of a host function: a stub that leaves the handlers.
pub(crate) fn host_entry() -> *mut u64 {
    std::ptr::null_mut()
}
