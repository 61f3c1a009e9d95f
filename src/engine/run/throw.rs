//! Exceptions: from where one is thrown to where it is caught, or out of the run.
//!
//! Nothing is kept for a `try` while code runs. The search goes through the return records, outwards, and asks each
//! function's table; then the frame that catches goes on as if it had jumped there. Slots are up to date at every
//! instruction, so only the pins' registers are to be loaded again.

use super::frames::{Trace, Walk};
use super::layout::Context;
use super::{Run, Then, report, wide};
use crate::engine::catches::NONE;
use crate::engine::code::Landing;
use crate::engine::error::Error;
use crate::engine::exception::{Exception, payload};
use crate::engine::store::StoreInner;
use crate::engine::trap::Trap;

/// An exception on its way. Its values are in [`StoreState::payload`](super::StoreState).
struct Thrown {
    /// Index of the tag in the store.
    tag: u32,
    /// The slot that refers to it, if there is one.
    reference: Option<u64>,
    /// Where it was thrown first, if that was in another run.
    trace: Option<Trace>,
}

/// Executes the `throw` the registers stand at. Word 1: slot of the first value, index of the tag (32 bits each).
///
/// # Errors
/// [`Error::Exception`] when nothing in this run catches it.
///
/// # Safety
/// Here and below: the context holds the registers of `run`, a run of this store, at such an instruction.
pub(super) unsafe fn throw(store: &mut StoreInner, run: &mut Run, cx: *mut Context) -> Result<(), Error> {
    // SAFETY: the translator wrote the operands' slots, and validation knows tag and instance (T1, F1, C1).
    unsafe {
        let (ip, sp) = ((*cx).saved.ip, (*cx).saved.sp);
        let instance = &store.instances[(*(*cx).instance).id as usize];
        let tag = instance.tags[wide(ip, 1)];
        let slots = store.tags[tag as usize].ty.slots();
        let payload = std::slice::from_raw_parts(sp.add(wide(ip, 0)), slots);
        store.run.payload.clear();
        store.run.payload.extend_from_slice(payload);
        let thrown = Thrown {
            tag,
            reference: None,
            trace: None,
        };
        unwind(store, run, cx, thrown, None)
    }
}

/// Executes the `throw_ref` or `rethrow` the registers stand at. Word 1: slot of the reference.
///
/// # Errors
/// As for [`throw`]; a trap for null.
///
/// # Safety
/// As for [`throw`].
pub(super) unsafe fn throw_ref(store: &mut StoreInner, run: &mut Run, cx: *mut Context) -> Result<(), Error> {
    // SAFETY: as for `throw`.
    unsafe {
        let reference = *(*cx).saved.sp.add(wide((*cx).saved.ip, 0));
        if reference == 0 {
            return Err(report::trap(store, run, cx, Trap::NullException));
        }
        let (tag, payload) = store.refs.exceptions.get(reference);
        store.run.payload.clear();
        store.run.payload.extend_from_slice(payload);
        let thrown = Thrown {
            tag,
            reference: Some(reference),
            trace: None,
        };
        unwind(store, run, cx, thrown, None)
    }
}

/// Throws what a host function returned as its error, where it was called.
///
/// # Errors
/// As for [`throw`]; [`Error::Type`] for an exception of another store.
///
/// # Safety
/// As for [`throw`], at the call.
#[cold]
pub(super) unsafe fn from_host(
    store: &mut StoreInner,
    run: &mut Run,
    cx: *mut Context,
    exception: Box<Exception>,
    then: Then,
) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    unsafe {
        if (*cx).instance.is_null() {
            return Err(Error::Exception(exception));
        }
        let (tag, values, trace) = exception.into_parts();
        store.run.payload = payload(store, tag, &values)?;
        let thrown = Thrown {
            tag: tag.index,
            reference: None,
            trace: (!trace.is_empty()).then_some(trace),
        };
        let left = match then {
            Then::Continue(_) => None,
            // The frame that made a tail call is gone, with its `try`s.
            Then::Return { record } => Some(record),
        };
        unwind(store, run, cx, thrown, left)
    }
}

/// Finds what catches the exception and makes the registers go on there. `left`: the slot of the innermost frame's return
/// record, if that frame has been left already.
unsafe fn unwind(
    store: &mut StoreInner,
    run: &mut Run,
    cx: *mut Context,
    thrown: Thrown,
    left: Option<u32>,
) -> Result<(), Error> {
    // Making a reference may collect, which looks at the frames of this run too.
    store.run.calling = &raw const run.activations;
    // SAFETY: the caller's promise; what a table says of slots and targets the translator wrote for the frame (T1, F1).
    unsafe {
        let mut walk = Walk::new(run, cx).expect("a guest's frame threw it");
        if left.is_none_or(|record| walk.up(record)) {
            loop {
                let instance = &store.instances[(*walk.instance).id as usize];
                let is_tag = |tag: u32| instance.tags[tag as usize] == thrown.tag;
                match instance.module.inner.code.landing(walk.at(), is_tag) {
                    Landing::Caught {
                        target,
                        clause,
                        pins,
                        frame,
                    } => {
                        let sp = walk.sp;
                        let depth = walk.activations.len();
                        if clause.reference != NONE {
                            let slot = match thrown.reference {
                                Some(slot) => slot,
                                None => {
                                    let payload = std::mem::take(&mut store.run.payload);
                                    let top = sp as usize + frame;
                                    let kept = store.keep_exception(thrown.tag, &payload, Some(top));
                                    store.run.payload = payload;
                                    kept.map_err(|trap| report::trap(store, run, cx, trap))?
                                }
                            };
                            *sp.add(clause.reference as usize) = slot;
                        }
                        if clause.tag.is_some() {
                            let payload = &store.run.payload;
                            let to = sp.add(clause.payload as usize);
                            std::ptr::copy_nonoverlapping(payload.as_ptr(), to, payload.len());
                        }
                        (*cx).instance = walk.instance;
                        run.activations.truncate(depth);
                        let [l0, l1, d0, d1, s1] = pins.map(|slot| *sp.add(slot as usize));
                        let registers = &mut (*cx).saved;
                        (registers.ip, registers.sp) = (target, sp);
                        (registers.l0, registers.l1) = (l0, l1);
                        (registers.d0, registers.d1) = (f64::from_bits(d0), f64::from_bits(d1));
                        registers.s1 = f32::from_bits(s1 as u32);
                        return Ok(());
                    }
                    Landing::Passes { record } => {
                        if !walk.up(record) {
                            break;
                        }
                    }
                }
            }
        }
        let trace = match thrown.trace {
            Some(trace) => trace,
            None => Trace::take(store, Walk::new(run, cx).expect("a guest's frame threw it")),
        };
        let values = store.payload_values(thrown.tag, &store.run.payload);
        Err(Exception::made(store, thrown.tag, values, trace).into())
    }
}
