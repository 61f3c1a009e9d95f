//! Where a run was when it trapped: a walk over the return records.

use std::collections::HashMap;

use super::layout::{Context, VmInstance};
use super::{FOREIGN, Run, STOP};
use crate::engine::code::{self, Place};
use crate::engine::error::Error;
use crate::engine::store::StoreInner;
use crate::engine::trap::{Frame, Trap, TrapReport};

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
    // Offsets are found by translating a function again, so once for each.
    let mut maps = HashMap::new();
    // SAFETY: the context's registers are those of a frame on the run's stack, and every frame but the first has a
    // record of its caller; the translator says where (`record`).
    unsafe {
        let (mut ip, mut sp) = ((*cx).saved.ip, (*cx).saved.sp);
        let mut instance: *mut VmInstance = (*cx).instance;
        let mut activations = run.activations.iter().rev();
        let mut innermost = true;
        while !instance.is_null() {
            let module = &store.instances[(*instance).id as usize].module;
            // The address to return to may already be another instruction's.
            let at = if innermost { ip } else { ip.sub(1) };
            let Some(place) = module.inner.code.find(at) else { break };
            if report.frames.len() < TrapReport::MAX_FRAMES {
                let offset = maps
                    .entry((instance, place.defined))
                    .or_insert_with(|| code::offset_map(&module.inner, place.defined))
                    .get(place.word);
                report.frames.push(frame(module, place, offset));
            } else {
                report.omitted += 1;
            }
            innermost = false;
            (ip, sp) = (
                *sp.add(place.record as usize) as *const u64,
                *sp.add(place.record as usize + 1) as *mut u64,
            );
            if ip == STOP.ip() {
                break;
            }
            if ip == FOREIGN.ip() {
                let Some(back) = activations.next() else { break };
                (ip, sp, instance) = (back.ip, back.sp, back.instance);
                if ip == STOP.ip() {
                    break;
                }
            }
        }
    }
    Error::Trap(Box::new(report))
}

fn frame(module: &crate::engine::module::Module, place: Place, offset: Option<u32>) -> Frame {
    let func_index = module.inner.imported_funcs + place.defined;
    Frame {
        func_index,
        name: module.func_name(func_index).map(str::to_owned),
        module: module.name().map(str::to_owned),
        offset: offset.map(|offset| offset as usize),
    }
}
