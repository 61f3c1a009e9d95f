//! The frames of a run, from the innermost outwards, by the return records on the value stack.

use std::collections::HashMap;

use super::layout::{Context, VmInstance};
use super::{Activation, FOREIGN, Run, STOP};
use crate::engine::code::{self, Place};
use crate::engine::module::Module;
use crate::engine::store::StoreInner;
use crate::engine::trap::{Frame, TrapReport};

/// A frame of a run, from which one can go to its caller's.
#[derive(Clone, Copy)]
pub(super) struct Walk<'r> {
    /// The instruction the frame stands at; of a frame that made a call, what follows it.
    ip: *const u64,
    pub sp: *mut u64,
    pub instance: *mut VmInstance,
    innermost: bool,
    /// Calls between instances that are further out.
    pub activations: &'r [Activation],
}

impl<'r> Walk<'r> {
    /// The innermost frame; `None` when the run is only a host function.
    ///
    /// # Safety
    /// Here and below: the context holds the registers of `run`, a run of the store that is given.
    pub(super) unsafe fn new(run: &'r Run, cx: *mut Context) -> Option<Walk<'r>> {
        // SAFETY: the caller's promise.
        let (saved, instance) = unsafe { ((*cx).saved, (*cx).instance) };
        (!instance.is_null()).then_some(Walk {
            ip: saved.ip,
            sp: saved.sp,
            instance,
            innermost: true,
            activations: &run.activations,
        })
    }

    /// An address in the instruction the frame stands at: that of the call, where one was made, because what follows it
    /// may already belong elsewhere.
    pub(super) fn at(&self) -> *const u64 {
        if self.innermost {
            self.ip
        } else {
            self.ip.wrapping_sub(1)
        }
    }

    /// The module of the frame's function.
    pub(super) unsafe fn module<'s>(&self, store: &'s StoreInner) -> &'s Module {
        // SAFETY: the instance is one of the store.
        &store.instances[unsafe { (*self.instance).id } as usize].module
    }

    /// Goes to the caller, if there is one; `record` is the slot of the frame's return record.
    pub(super) unsafe fn up(&mut self, record: u32) -> bool {
        // SAFETY: the registers are those of a frame on the run's stack, and every frame but the first has a record of its
        // caller where the translator says (`record`).
        unsafe {
            self.innermost = false;
            let record = self.sp.add(record as usize);
            (self.ip, self.sp) = (*record as *const u64, *record.add(1) as *mut u64);
        }
        if self.ip == FOREIGN.ip() {
            let Some((back, outer)) = self.activations.split_last() else {
                return false;
            };
            (self.ip, self.sp, self.instance) = (back.ip, back.sp, back.instance);
            self.activations = outer;
        }
        self.ip != STOP.ip()
    }
}

/// Where a run was, before anybody asked for names and offsets.
#[derive(Default)]
pub(crate) struct Trace {
    places: Vec<(Module, Place)>,
    omitted: usize,
}

impl Trace {
    /// The frames from `walk` outwards.
    ///
    /// # Safety
    /// As for [`Walk::new`].
    pub(super) unsafe fn take(store: &StoreInner, mut walk: Walk<'_>) -> Trace {
        let mut trace = Trace::default();
        // SAFETY: the caller's promise.
        unsafe {
            while let Some(place) = walk.module(store).inner.code.find(walk.at()) {
                if trace.places.len() < TrapReport::MAX_FRAMES {
                    trace.places.push((walk.module(store).clone(), place));
                } else {
                    trace.omitted += 1;
                }
                if !walk.up(place.record) {
                    break;
                }
            }
        }
        trace
    }

    /// The frames with their names.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        // Offsets are found by translating a function again, so once for each.
        let mut maps = HashMap::new();
        let frame = |(module, place): &(Module, Place)| {
            let inner = &module.inner;
            let offset = maps
                .entry((std::sync::Arc::as_ptr(inner), place.defined))
                .or_insert_with(|| code::offset_map(inner, place.defined))
                .get(place.word);
            let func_index = inner.imported_funcs + place.defined;
            Frame {
                func_index,
                name: module.func_name(func_index).map(str::to_owned),
                module: module.name().map(str::to_owned),
                offset: offset.map(|offset| offset as usize),
            }
        };
        self.places.iter().map(frame).collect()
    }

    /// Whether it has no frames.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Frames beyond those.
    pub(crate) fn omitted(&self) -> usize {
        self.omitted
    }
}
