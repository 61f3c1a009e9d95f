//! The references in frames: a walk over the return records, as for a backtrace.
//!
//! For each place where a frame can stand the translator knows which of its slots hold references. It is asked by
//! translating the function again when a collection first meets a frame of it, and the answer is kept with the code.

use super::layout::{VmFunc, VmInstance};
use super::{Activation, FOREIGN, HostCall, Run, STOP};
use crate::engine::store::StoreInner;
use crate::engine::translate::record_slot;

/// Registers of a run that stands inside a host call which started another.
pub(super) struct Outer {
    pub ip: *const u64,
    pub sp: *mut u64,
    pub instance: *mut VmInstance,
    pub activations: *const Vec<Activation>,
}

/// Tells `each` the slots that may hold references, in the frames of all runs that go on. They may also hold something
/// that was there before.
pub(crate) fn in_frames(store: &StoreInner, each: &mut dyn FnMut(u64)) {
    if store.run.depth == 0 {
        return;
    }
    // SAFETY: the context's registers are those of the innermost run, and those of the runs around it were kept when it
    // began; the activations belong to runs whose drivers stand further up the native stack.
    unsafe {
        let cx = store.context();
        let (saved, instance) = ((*cx).saved, (*cx).instance);
        walk(
            store,
            (saved.ip, saved.sp, instance),
            activations(store.run.calling),
            each,
        );
        for outer in &store.run.outer {
            let at = (outer.ip, outer.sp, outer.instance);
            walk(store, at, activations(outer.activations), each);
        }
    }
}

unsafe fn activations<'a>(of: *const Vec<Activation>) -> &'a [Activation] {
    // SAFETY: the caller's promise.
    match unsafe { of.as_ref() } {
        Some(activations) => activations,
        None => &[],
    }
}

/// What a run that has paused refers to, and perhaps more.
pub(super) fn of_paused(store: &StoreInner, run: &Run) -> Vec<u64> {
    let mut slots = Vec::new();
    // SAFETY: a paused run's registers are those of its innermost frame, on its own stack.
    unsafe {
        let at = (run.registers.ip, run.registers.sp, run.instance);
        walk(store, at, &run.activations, &mut |slot| slots.push(slot));
        if let Some(HostCall { func, slots: base, .. }) = run.waiting {
            let params = VmFunc::params_of(func);
            slots.extend_from_slice(std::slice::from_raw_parts(base, params));
        }
    }
    slots
}

unsafe fn walk(
    store: &StoreInner,
    (mut ip, mut sp, mut instance): (*const u64, *mut u64, *mut VmInstance),
    activations: &[Activation],
    each: &mut dyn FnMut(u64),
) {
    let mut activations = activations.iter().rev();
    let mut innermost = true;
    // SAFETY: the caller's promise; every frame but the first has a record of its caller, and the translator says where.
    unsafe {
        while !instance.is_null() {
            let module = &*store.instances[(*instance).id as usize].module.inner;
            // The address to return to may already be another instruction's.
            let at = if innermost { ip } else { ip.sub(1) };
            let record = if let Some(place) = module.code.find(at) {
                let map = module.code.root_map(module, place.defined);
                map.at(place.word).for_each(|slot| each(*sp.add(slot as usize)));
                place.record
            } else if let Some(defined) = module.code.find_stub(at) {
                // A function that is not translated yet has nothing but its parameters.
                let ty = module.func_type(module.imported_funcs + defined);
                (0..ty.param_slots()).for_each(|slot| each(*sp.add(slot)));
                record_slot(ty)
            } else {
                break;
            };
            innermost = false;
            let record = sp.add(record as usize);
            (ip, sp) = (*record as *const u64, *record.add(1) as *mut u64);
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
}
