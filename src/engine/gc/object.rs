//! Objects: reading and writing their fields.

use std::ptr::NonNull;

use crate::engine::register::{ARRAY_HEADER, Layout, OBJECT_HEADER, TypeInfo};
use crate::engine::store::StoreInner;
use crate::engine::types::{StorageType, ValType};

/// A struct or an array of a store that is alive.
#[derive(Clone, Copy)]
pub(crate) struct Object(NonNull<u8>);

/// The object a slot refers to; `None` for null, an i31 and values of the host.
pub(crate) fn slot_object(slot: u64) -> Option<Object> {
    if slot & 3 != 0 {
        return None;
    }
    NonNull::new(std::ptr::with_exposed_provenance_mut(slot as usize)).map(Object)
}

impl Object {
    /// Makes an object of fresh memory with room for it, with its fields all zero or null.
    ///
    /// # Safety
    /// `at` has room for the header and, of an array, `len` elements.
    pub(super) unsafe fn begin(at: NonNull<u8>, info: &TypeInfo, len: Option<u32>) -> Object {
        // SAFETY: the caller's promise.
        unsafe {
            at.cast::<*const TypeInfo>().write(info);
            let bytes = match len {
                Some(len) => {
                    at.add(OBJECT_HEADER).cast::<u64>().write(u64::from(len));
                    at.add(ARRAY_HEADER).write_bytes(0, len as usize * info.layout.bytes);
                    return Object(at);
                }
                None => info.layout.bytes - OBJECT_HEADER,
            };
            at.add(OBJECT_HEADER).write_bytes(0, bytes);
        }
        Object(at)
    }

    pub(crate) fn slot(self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }

    /// Its type, which lives as long as the module that defines it, and that as long as the store.
    pub(crate) fn info(self, _: &StoreInner) -> &TypeInfo {
        // SAFETY: slots that are neither null nor marked are addresses of objects, whose first word is that of their type
        // (G1).
        unsafe { &*self.info_address() }
    }

    pub(super) fn address(self) -> NonNull<u8> {
        self.0
    }

    fn info_address(self) -> *const TypeInfo {
        // SAFETY: as in `info`.
        unsafe { self.0.cast::<*const TypeInfo>().read() }
    }

    /// Elements of an array.
    ///
    /// # Safety
    /// It is an array.
    pub(crate) unsafe fn len(self) -> u32 {
        // SAFETY: arrays have their length there.
        unsafe { self.0.add(OBJECT_HEADER).cast::<u32>().read() }
    }

    /// The place of field `field` of a struct of type `layout` or a subtype.
    ///
    /// # Safety
    /// It is one, and has the field.
    pub(crate) unsafe fn field(self, layout: &Layout, field: u32) -> NonNull<u8> {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(layout.fields[field as usize] as usize) }
    }

    /// The place of an array's element.
    ///
    /// # Safety
    /// It is an array of elements of so many bytes, and `index` at most their number.
    pub(crate) unsafe fn element(self, bytes: usize, index: u32) -> NonNull<u8> {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(ARRAY_HEADER + index as usize * bytes) }
    }
}

/// Reads a value at its place in an object, as one or two slots; packed ones are extended with zeros.
///
/// # Safety
/// A value of that type stands at `at`.
pub(crate) unsafe fn read(at: NonNull<u8>, storage: StorageType) -> [u64; 2] {
    // SAFETY: the caller's promise; places are multiples of the size, up to 8.
    unsafe {
        match storage {
            StorageType::I8 => [u64::from(at.read()), 0],
            StorageType::I16 => [u64::from(at.cast::<u16>().read()), 0],
            StorageType::Val(ValType::I32 | ValType::F32) => [u64::from(at.cast::<u32>().read()), 0],
            StorageType::Val(ValType::V128) => at.cast::<[u64; 2]>().read(),
            StorageType::Val(_) => [at.cast::<u64>().read(), 0],
        }
    }
}

/// Writes a value at its place in an object.
///
/// # Safety
/// There is room for a value of that type at `at`, and `slots` is one.
pub(crate) unsafe fn write(at: NonNull<u8>, storage: StorageType, slots: [u64; 2]) {
    // SAFETY: the caller's promise.
    unsafe {
        match storage {
            StorageType::I8 => at.write(slots[0] as u8),
            StorageType::I16 => at.cast::<u16>().write(slots[0] as u16),
            StorageType::Val(ValType::I32 | ValType::F32) => at.cast::<u32>().write(slots[0] as u32),
            StorageType::Val(ValType::V128) => at.cast::<[u64; 2]>().write(slots),
            StorageType::Val(_) => at.cast::<u64>().write(slots[0]),
        }
    }
}

/// What a packed value is as an i32 when its highest bit is a sign.
pub(crate) fn sign_extended(value: u64, storage: StorageType) -> u64 {
    match storage {
        StorageType::I8 => u64::from(value as u8 as i8 as i32 as u32),
        StorageType::I16 => u64::from(value as u16 as i16 as i32 as u32),
        StorageType::Val(_) => value,
    }
}
