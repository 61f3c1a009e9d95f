//! Collecting: what is reached from the roots is marked, the rest is gone.
//!
//! Exceptions are collected together with objects, because each may refer to the other. Roots are the references in globals and tables, in element segments, in frames (`run/roots.rs`) of runs that go on or
//! have paused, and those the embedder holds.

use std::sync::{Arc, Weak};

use super::object::slot_object;
use super::{Heap, Object};
use crate::engine::exception::Exceptions;
use crate::engine::store::StoreInner;
use crate::engine::types::Composite;

/// What a paused run refers to. Its store looks at it as long as the run is there.
pub(crate) type PausedRoots = Arc<[u64]>;

/// What a collection works on, taken out of the store meanwhile.
struct Marking {
    heap: Heap,
    exceptions: Exceptions,
}

impl Marking {
    /// Marks what a slot refers to that is known to be a reference.
    fn mark(&mut self, slot: u64) {
        // Of exceptions the lowest bits are part of a number, of what else may stand here they tell objects from the rest.
        if !self.mark_exception(slot) && slot & 3 == 0 && slot != 0 {
            self.heap.mark(slot);
        }
    }

    /// Marks what a slot refers to if it is an object or an exception. Slots of frames may hold what was there before.
    fn mark_if_any(&mut self, slot: u64) {
        if !self.mark_exception(slot) && slot & 15 == 0 && self.heap.is_object(slot) {
            self.heap.mark(slot);
        }
    }

    /// Whether the slot is an exception, and the values it carries what else.
    fn mark_exception(&mut self, slot: u64) -> bool {
        if !Exceptions::looks_like(slot) {
            return false;
        }
        let mut grey = vec![slot];
        while let Some(slot) = grey.pop() {
            for &value in self.exceptions.mark(slot).into_iter().flatten() {
                if Exceptions::looks_like(value) {
                    grey.push(value);
                } else if value & 15 == 0 && self.heap.is_object(value) {
                    self.heap.mark(value);
                }
            }
        }
        true
    }
}

impl StoreInner {
    /// Frees every object and every exception that cannot be reached any more.
    pub(crate) fn collect(&mut self) {
        self.collect_below(Some(self.run.end()));
    }

    /// As [`StoreInner::collect`]; `top`: where the running frame ends on the value stack, if one runs.
    pub(crate) fn collect_below(&mut self, top: Option<usize>) {
        let mut marking = Marking {
            heap: std::mem::take(&mut self.heap),
            exceptions: std::mem::take(&mut self.refs.exceptions),
        };
        self.roots(&mut marking, top);
        while let Some(object) = marking.heap.grey.pop() {
            self.mark_fields(&mut marking, object);
        }
        let Marking {
            mut heap,
            mut exceptions,
        } = marking;
        heap.sweep();
        exceptions.sweep();
        (self.heap, self.refs.exceptions) = (heap, exceptions);
    }

    fn roots(&self, marking: &mut Marking, top: Option<usize>) {
        for global in self.globals.iter().filter(|global| global.ty.content.is_traced()) {
            marking.mark(global.get()[0]);
        }
        for table in self.tables.iter().filter(|table| table.ty.element.is_traced()) {
            table.slots().iter().for_each(|&slot| marking.mark(slot));
        }
        for values in self.instances.iter().flat_map(|instance| &instance.elem_values) {
            values.iter().for_each(|&slot| marking.mark_if_any(slot));
        }
        for slot in self.refs.roots.slots() {
            marking.mark(slot);
        }
        for at in 0..marking.heap.held.len() {
            marking.mark_if_any(marking.heap.held[at]);
        }
        if marking.heap.in_use() {
            for roots in marking.heap.live_pauses() {
                roots.iter().for_each(|&slot| marking.mark(slot));
            }
            crate::engine::run::roots::in_frames(self, &mut |slot| marking.mark_if_any(slot));
        }
        // A reference to an exception stands wherever a frame has one, and looks like nothing else.
        if !marking.exceptions.is_empty() {
            for slot in marking.exceptions.held() {
                marking.mark(slot);
            }
            self.run.roots(top, |slot| {
                marking.mark_exception(slot);
            });
        }
    }

    fn mark_fields(&self, marking: &mut Marking, object: u64) {
        let Some(object) = slot_object(object) else { return };
        let info = object.info(self);
        match &info.ty.composite {
            Composite::Struct(_) => {
                for &at in &info.layout.refs {
                    // SAFETY: a reference stands there.
                    marking.mark(unsafe { object.slot_at(at as usize) });
                }
            }
            Composite::Array(_) if info.layout.ref_elements => {
                // SAFETY: it is an array, of references.
                unsafe {
                    for at in 0..object.len() {
                        marking.mark(object.element(8, at).cast::<u64>().read());
                    }
                }
            }
            _ => {}
        }
    }

    /// Keeps what a run that pauses refers to.
    pub(crate) fn keep_for_pause(&mut self, slots: Vec<u64>) -> PausedRoots {
        let roots: PausedRoots = slots.into_iter().filter(|&slot| self.heap.is_object(slot)).collect();
        self.heap.paused.push(Arc::downgrade(&roots));
        roots
    }
}

impl Heap {
    fn live_pauses(&mut self) -> Vec<PausedRoots> {
        self.paused.retain(|roots| roots.strong_count() > 0);
        self.paused.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Object {
    /// # Safety
    /// There are 8 bytes at `at`.
    unsafe fn slot_at(self, at: usize) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { self.address().add(at).cast::<u64>().read() }
    }
}
