//! Collecting: what is reached from the roots is marked, the rest is gone.
//!
//! Roots are the references in globals and tables, in element segments, in frames (`run/roots.rs`) of runs that go on or
//! have paused, and those the embedder holds.

use std::sync::{Arc, Weak};

use super::object::slot_object;
use super::{Heap, Object};
use crate::engine::store::StoreInner;
use crate::engine::types::Composite;

/// What a paused run refers to. Its store looks at it as long as the run is there.
pub(crate) type PausedRoots = Arc<[u64]>;

impl Heap {
    /// Marks what a slot refers to that is known to be a reference.
    fn mark_slot(&mut self, slot: u64) {
        if let Some(object) = slot_object(slot) {
            self.mark(object.slot());
        }
    }

    /// Marks what a slot refers to if it is the address of an object. Slots of frames may hold what was there before.
    fn mark_if_object(&mut self, slot: u64) {
        if slot & 15 == 0 && self.is_object(slot) {
            self.mark(slot);
        }
    }
}

impl StoreInner {
    /// Frees every object that cannot be reached any more.
    pub(crate) fn collect(&mut self) {
        if !self.heap.in_use() {
            return;
        }
        let mut heap = std::mem::take(&mut self.heap);
        self.roots(&mut heap);
        while let Some(object) = heap.grey.pop() {
            self.mark_fields(&mut heap, object);
        }
        heap.sweep();
        self.heap = heap;
    }

    fn roots(&self, heap: &mut Heap) {
        for global in self.globals.iter().filter(|global| global.ty.content.is_traced()) {
            heap.mark_slot(global.get()[0]);
        }
        for table in self.tables.iter().filter(|table| table.ty.element.is_traced()) {
            for &slot in table.slots() {
                heap.mark_slot(slot);
            }
        }
        for values in self.instances.iter().flat_map(|instance| &instance.elem_values) {
            for &slot in values {
                heap.mark_if_object(slot);
            }
        }
        for slot in self.refs.roots.slots() {
            heap.mark_slot(slot);
        }
        for at in 0..heap.held.len() {
            heap.mark_if_object(heap.held[at]);
        }
        for roots in heap.live_pauses() {
            for &slot in &*roots {
                heap.mark_slot(slot);
            }
        }
        crate::engine::run::roots::in_frames(self, &mut |slot| heap.mark_if_object(slot));
    }

    fn mark_fields(&self, heap: &mut Heap, object: u64) {
        let Some(object) = slot_object(object) else { return };
        let info = object.info(self);
        match &info.ty.composite {
            Composite::Struct(_) => {
                for &at in &info.layout.refs {
                    // SAFETY: a reference stands there.
                    heap.mark_slot(unsafe { object.slot_at(at as usize) });
                }
            }
            Composite::Array(_) if info.layout.ref_elements => {
                // SAFETY: it is an array, of references.
                unsafe {
                    for at in 0..object.len() {
                        heap.mark_slot(object.element(8, at).cast::<u64>().read());
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
