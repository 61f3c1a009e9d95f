//! Instructions on objects, as methods of the store. Spec: exec/instructions.html#reference-instructions
//!
//! All are given slots. Those that allocate may collect first, so what they are given must be found by `roots`: it stands
//! in slots of the running frame, or in `Heap::held`.

use std::ptr::NonNull;

use super::object::{Object, read, slot_object, write};
use crate::engine::instance::InstanceId;
use crate::engine::register::{ARRAY_HEADER, TypeInfo};
use crate::engine::store::StoreInner;
use crate::engine::trap::Trap;
use crate::engine::types::StorageType;

/// An array and its length, or the trap of null.
fn array(slot: u64) -> Result<(Object, u32), Trap> {
    let object = slot_object(slot).ok_or(Trap::NullArrayReference)?;
    // SAFETY: validated: the slot is null or an array.
    Ok((object, unsafe { object.len() }))
}

/// Whether `n` elements from `at` on are in an array of `len`.
fn in_array(at: u64, n: u64, len: u32) -> Result<(), Trap> {
    if at + n <= u64::from(len) {
        Ok(())
    } else {
        Err(Trap::ArrayOutOfBounds)
    }
}

fn storage(info: &TypeInfo, field: u32) -> StorageType {
    info.storage(field).expect("validated: it has the field")
}

impl StoreInner {
    /// Memory for an object of so many bytes. Collects if that is due.
    fn allocate(&mut self, bytes: usize) -> Result<NonNull<u8>, Trap> {
        let limit = usize::try_from(self.limits.gc_heap).unwrap_or(usize::MAX);
        if !self.engine.config().gc_stress
            && let Some(at) = self.heap.alloc(bytes, limit, false)
        {
            return Ok(at);
        }
        self.collect();
        self.heap.alloc(bytes, limit, true).ok_or(Trap::GcHeapExhausted)
    }

    /// `struct.new_default`.
    pub(crate) fn struct_new_default(&mut self, info: &TypeInfo) -> Result<Object, Trap> {
        let at = self.allocate(info.layout.bytes)?;
        // SAFETY: there is room for the struct.
        Ok(unsafe { Object::begin(at, info, None) })
    }

    /// `struct.new` of the values in `slots`, one after the other.
    ///
    /// # Safety
    /// They are values of the types of its fields.
    pub(crate) unsafe fn struct_new(&mut self, info: &TypeInfo, mut slots: *const u64) -> Result<Object, Trap> {
        let object = self.struct_new_default(info)?;
        for (field, &at) in info.layout.fields.iter().enumerate() {
            let storage = storage(info, field as u32);
            // SAFETY: the caller's promise.
            unsafe {
                write(object.field(&info.layout, field as u32), storage, load(slots, storage));
                slots = slots.add(storage.unpacked().slots());
            }
            debug_assert!((at as usize) < info.layout.bytes);
        }
        Ok(object)
    }

    /// `array.new_default`.
    pub(crate) fn array_new_default(&mut self, info: &TypeInfo, len: u32) -> Result<Object, Trap> {
        let elements = (len as usize).checked_mul(info.layout.bytes);
        let bytes = elements.and_then(|bytes| bytes.checked_add(ARRAY_HEADER));
        let at = self.allocate(bytes.ok_or(Trap::GcHeapExhausted)?)?;
        // SAFETY: there is room for the array.
        Ok(unsafe { Object::begin(at, info, Some(len)) })
    }

    /// `array.new_fixed` of the values in `slots`, one after the other.
    ///
    /// # Safety
    /// They are so many values of the type of its elements.
    pub(crate) unsafe fn array_new_fixed(
        &mut self,
        info: &TypeInfo,
        mut slots: *const u64,
        len: u32,
    ) -> Result<Object, Trap> {
        let object = self.array_new_default(info, len)?;
        let storage = storage(info, 0);
        for at in 0..len {
            // SAFETY: the caller's promise.
            unsafe {
                write(object.element(info.layout.bytes, at), storage, load(slots, storage));
                slots = slots.add(storage.unpacked().slots());
            }
        }
        Ok(object)
    }

    /// `array.new`: `value` is the first slot of the value.
    ///
    /// # Safety
    /// It is of the type of its elements.
    pub(crate) unsafe fn array_new(&mut self, info: &TypeInfo, value: *const u64, len: u32) -> Result<Object, Trap> {
        let object = self.array_new_default(info, len)?;
        // SAFETY: the caller's promise. The value is read after the collection, which moves nothing.
        unsafe { self.array_fill(info, object.slot(), 0, value, len)? };
        Ok(object)
    }

    /// `array.fill`.
    ///
    /// # Safety
    /// `value` is the first slot of a value of the type of its elements.
    pub(crate) unsafe fn array_fill(
        &mut self,
        info: &TypeInfo,
        slot: u64,
        at: u32,
        value: *const u64,
        n: u32,
    ) -> Result<(), Trap> {
        let (object, len) = array(slot)?;
        in_array(at.into(), n.into(), len)?;
        let storage = storage(info, 0);
        // SAFETY: the caller's promise; the range is inside.
        unsafe {
            let value = load(value, storage);
            let first = object.element(info.layout.bytes, at);
            match storage {
                StorageType::I8 => first.write_bytes(value[0] as u8, n as usize),
                _ if value == [0, 0] => first.write_bytes(0, n as usize * info.layout.bytes),
                _ => (0..n as usize).for_each(|at| write(first.add(at * info.layout.bytes), storage, value)),
            }
        }
        Ok(())
    }

    /// `array.copy`, of arrays with elements of the same size.
    pub(crate) fn array_copy(
        &mut self,
        info: &TypeInfo,
        (to, to_at): (u64, u32),
        (from, from_at): (u64, u32),
        n: u32,
    ) -> Result<(), Trap> {
        let (to, to_len) = array(to)?;
        let (from, from_len) = array(from)?;
        in_array(to_at.into(), n.into(), to_len)?;
        in_array(from_at.into(), n.into(), from_len)?;
        let bytes = info.layout.bytes;
        // SAFETY: both ranges are inside, and validation made sure of the types.
        unsafe {
            let from = from.element(bytes, from_at);
            from.copy_to(to.element(bytes, to_at), n as usize * bytes);
        }
        Ok(())
    }

    /// `array.new_data`.
    pub(crate) fn array_new_data(
        &mut self,
        instance: InstanceId,
        info: &TypeInfo,
        segment: u32,
        src: u32,
        n: u32,
    ) -> Result<Object, Trap> {
        // Before anything is allocated.
        self.data_range(instance, info, segment, src, n)?;
        let object = self.array_new_default(info, n)?;
        self.array_init_data(instance, info, segment, (object.slot(), 0), src, n)?;
        Ok(object)
    }

    /// The bytes of a data segment that `n` elements from byte `src` on take.
    fn data_range(&self, instance: InstanceId, info: &TypeInfo, segment: u32, src: u32, n: u32) -> Result<&[u8], Trap> {
        let bytes = self.instances[instance.0 as usize].data_bytes(segment);
        let end = u64::from(src) + u64::from(n) * info.layout.bytes as u64;
        let end = usize::try_from(end).map_err(|_| Trap::MemoryOutOfBounds)?;
        bytes.get(src as usize..end).ok_or(Trap::MemoryOutOfBounds)
    }

    /// `array.init_data`.
    pub(crate) fn array_init_data(
        &mut self,
        instance: InstanceId,
        info: &TypeInfo,
        segment: u32,
        (to, at): (u64, u32),
        src: u32,
        n: u32,
    ) -> Result<(), Trap> {
        let (object, len) = array(to)?;
        in_array(at.into(), n.into(), len)?;
        let from = self.data_range(instance, info, segment, src, n)?;
        let step = info.layout.bytes;
        let storage = storage(info, 0);
        // SAFETY: the range is inside; numbers of any bits are valid. Bytes in files are little-endian.
        unsafe {
            let first = object.element(step, at);
            if cfg!(target_endian = "little") {
                std::ptr::copy_nonoverlapping(from.as_ptr(), first.as_ptr(), from.len());
            } else {
                for (at, bytes) in from.chunks_exact(step).enumerate() {
                    let mut value = [0; 16];
                    value[..step].copy_from_slice(bytes);
                    let value = u128::from_le_bytes(value);
                    write(first.add(at * step), storage, [value as u64, (value >> 64) as u64]);
                }
            }
        }
        Ok(())
    }

    /// `array.new_elem`.
    pub(crate) fn array_new_elem(
        &mut self,
        instance: InstanceId,
        info: &TypeInfo,
        segment: u32,
        src: u32,
        n: u32,
    ) -> Result<Object, Trap> {
        self.elem_range(instance, segment, src, n)?;
        let object = self.array_new_default(info, n)?;
        self.array_init_elem(instance, segment, (object.slot(), 0), src, n)?;
        Ok(object)
    }

    fn elem_range(&self, instance: InstanceId, segment: u32, src: u32, n: u32) -> Result<(), Trap> {
        if u64::from(src) + u64::from(n) <= self.elem_len(instance, segment) {
            Ok(())
        } else {
            Err(Trap::TableOutOfBounds)
        }
    }

    /// `array.init_elem`.
    pub(crate) fn array_init_elem(
        &mut self,
        instance: InstanceId,
        segment: u32,
        (to, at): (u64, u32),
        src: u32,
        n: u32,
    ) -> Result<(), Trap> {
        let (object, len) = array(to)?;
        in_array(at.into(), n.into(), len)?;
        self.elem_range(instance, segment, src, n)?;
        let module = self.instances[instance.0 as usize].module.clone();
        let items = &module.inner.elems[segment as usize].items;
        for i in 0..n {
            let value = self.item_slot(instance, segment, items, (src + i) as usize);
            // SAFETY: the range is inside, and elements are references.
            unsafe { object.element(8, at + i).cast::<u64>().write(value) };
        }
        Ok(())
    }

    /// `array.get`, of packed elements extended with zeros.
    pub(crate) fn array_get(&self, info: &TypeInfo, slot: u64, index: u32) -> Result<[u64; 2], Trap> {
        let (object, len) = array(slot)?;
        in_array(index.into(), 1, len)?;
        // SAFETY: the element is inside.
        Ok(unsafe { read(object.element(info.layout.bytes, index), storage(info, 0)) })
    }

    /// `array.set`.
    ///
    /// # Safety
    /// `value` is the first slot of a value of the type of its elements.
    pub(crate) unsafe fn array_set(
        &mut self,
        info: &TypeInfo,
        slot: u64,
        index: u32,
        value: *const u64,
    ) -> Result<(), Trap> {
        // SAFETY: the caller's promise.
        unsafe { self.array_fill(info, slot, index, value, 1) }
    }

    /// `array.len`.
    pub(crate) fn array_len(&self, slot: u64) -> Result<u32, Trap> {
        array(slot).map(|(_, len)| len)
    }

    /// `struct.get`, of packed fields extended with zeros.
    pub(crate) fn struct_get(&self, info: &TypeInfo, slot: u64, field: u32) -> Result<[u64; 2], Trap> {
        let object = slot_object(slot).ok_or(Trap::NullStructReference)?;
        // SAFETY: validated: it is a struct of that type.
        Ok(unsafe { read(object.field(&info.layout, field), storage(info, field)) })
    }

    /// `struct.set`.
    ///
    /// # Safety
    /// `value` is the first slot of a value of the type of the field.
    pub(crate) unsafe fn struct_set(
        &mut self,
        info: &TypeInfo,
        slot: u64,
        field: u32,
        value: *const u64,
    ) -> Result<(), Trap> {
        let object = slot_object(slot).ok_or(Trap::NullStructReference)?;
        let storage = storage(info, field);
        // SAFETY: validated: it is a struct of that type; and the caller's promise.
        unsafe { write(object.field(&info.layout, field), storage, load(value, storage)) };
        Ok(())
    }
}

/// A value from its slots.
unsafe fn load(slots: *const u64, storage: StorageType) -> [u64; 2] {
    // SAFETY: the callers' promises.
    unsafe {
        match storage.unpacked().slots() {
            2 => [*slots, *slots.add(1)],
            _ => [*slots, 0],
        }
    }
}
