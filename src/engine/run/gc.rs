//! Instructions on objects that the driver executes: those that allocate, that work on many elements, and casts that
//! need the register of types.

use crate::engine::gc::sign_extended;
use crate::engine::instance::InstanceId;
use crate::engine::register::TypeInfo;
use crate::engine::store::StoreInner;
use crate::engine::translate::ir::Slow;
use crate::engine::trap::Trap;
use crate::engine::types::{HeapType, RefType, TypeId};

/// The operands of a slow instruction: the slots of `d`, `a`, `b`, `c`, and the immediates `i` and `j`.
pub(super) struct Operands {
    pub slots: [*mut u64; 4],
    pub i: u32,
    pub j: u32,
}

/// In `j` of `struct.get` and `array.get`: packed values are extended with their sign.
pub(crate) const SIGNED: u32 = 1 << 31;

/// Executes one.
///
/// # Safety
/// The operands are those of a slow instruction of kind `kind` of the running frame.
pub(super) unsafe fn execute(
    store: &mut StoreInner,
    id: InstanceId,
    kind: Slow,
    operands: Operands,
) -> Result<(), Trap> {
    let Operands {
        slots: [d, a, b, c],
        i,
        j,
    } = operands;
    // SAFETY: for the whole function: the translator wrote slots (T1, F1), with values of the validated types; type
    // infos live as long as the module.
    unsafe {
        let info = || type_info(store, id, i);
        // Operands that stand one after the other from `a` on.
        let nth = |at: usize| *a.add(at);
        match kind {
            Slow::StructNew => {
                let info = info();
                *d = store.struct_new(&*info, a)?.slot();
            }
            Slow::StructNewDefault => {
                let info = info();
                *d = store.struct_new_default(&*info)?.slot();
            }
            Slow::StructGet => {
                let (info, field) = (&*info(), j & !SIGNED);
                let value = store.struct_get(info, *a, field)?;
                put(d, info, field, value, j & SIGNED != 0);
            }
            Slow::StructSet => {
                let info = info();
                store.struct_set(&*info, *a, j, b)?;
            }
            Slow::ArrayNew => {
                let info = info();
                *d = store.array_new(&*info, a, *b as u32)?.slot();
            }
            Slow::ArrayNewDefault => {
                let info = info();
                *d = store.array_new_default(&*info, *a as u32)?.slot();
            }
            Slow::ArrayNewFixed => {
                let info = info();
                *d = store.array_new_fixed(&*info, a, j)?.slot();
            }
            Slow::ArrayNewData => {
                let info = info();
                *d = store.array_new_data(id, &*info, j, *a as u32, *b as u32)?.slot();
            }
            Slow::ArrayNewElem => {
                let info = info();
                *d = store.array_new_elem(id, &*info, j, *a as u32, *b as u32)?.slot();
            }
            Slow::ArrayGet => {
                let info = &*info();
                let value = store.array_get(info, *a, *b as u32)?;
                put(d, info, 0, value, j & SIGNED != 0);
            }
            Slow::ArraySet => {
                let info = info();
                store.array_set(&*info, *a, *b as u32, c)?;
            }
            Slow::ArrayLen => *d = u64::from(store.array_len(*a)?),
            Slow::ArrayFill => {
                let info = &*info();
                let value = info.storage(0).map_or(1, |storage| storage.unpacked().slots());
                store.array_fill(info, nth(0), nth(1) as u32, a.add(2), nth(2 + value) as u32)?;
            }
            Slow::ArrayCopy => {
                let info = info();
                let (to, from) = ((nth(0), nth(1) as u32), (nth(2), nth(3) as u32));
                store.array_copy(&*info, to, from, nth(4) as u32)?;
            }
            Slow::ArrayInitData => {
                let info = info();
                let to = (nth(0), nth(1) as u32);
                store.array_init_data(id, &*info, j, to, nth(2) as u32, nth(3) as u32)?;
            }
            Slow::ArrayInitElem => {
                let to = (nth(0), nth(1) as u32);
                store.array_init_elem(id, j, to, nth(2) as u32, nth(3) as u32)?;
            }
            Slow::RefTest => *d = u64::from(store.ref_is(*a, tested(store, id, i, j))),
            Slow::RefCast => {
                if !store.ref_is(*a, tested(store, id, i, j)) {
                    return Err(Trap::CastFailure);
                }
            }
            _ => unreachable!("{kind:?} is not on objects"),
        }
    }
    Ok(())
}

/// As an address, because what is done with it changes the store.
fn type_info(store: &StoreInner, id: InstanceId, index: u32) -> *const TypeInfo {
    let module = &store.instances[id.0 as usize].module.inner;
    &raw const *module.type_infos[index as usize]
}

/// Writes a value that was read from field `field` into its slots.
unsafe fn put(d: *mut u64, info: &TypeInfo, field: u32, value: [u64; 2], signed: bool) {
    let Some(storage) = info.storage(field) else { return };
    // SAFETY: the caller's promise: the destination has as many slots as the type.
    unsafe {
        *d = if signed {
            sign_extended(value[0], storage)
        } else {
            value[0]
        };
        if storage.unpacked().slots() == 2 {
            *d.add(1) = value[1];
        }
    }
}

/// In `i` of a test: the type may be null.
const NULLABLE: u32 = 1 << 8;
/// Heap types by the number that stands in a test; the number past them means the defined type with index `j`.
const ABSTRACT: [HeapType; 12] = [
    HeapType::Func,
    HeapType::NoFunc,
    HeapType::Extern,
    HeapType::NoExtern,
    HeapType::Any,
    HeapType::Eq,
    HeapType::I31,
    HeapType::Struct,
    HeapType::Array,
    HeapType::None,
    HeapType::Exn,
    HeapType::NoExn,
];

/// The immediates of a test for a type; of a defined one, with its index in the module.
pub(crate) fn test_words(ty: RefType, index: u32) -> (u32, u32) {
    let number = ABSTRACT
        .iter()
        .position(|&heap| heap == ty.heap)
        .unwrap_or(ABSTRACT.len());
    (number as u32 | if ty.nullable { NULLABLE } else { 0 }, index)
}

fn tested(store: &StoreInner, id: InstanceId, i: u32, j: u32) -> RefType {
    let heap = match ABSTRACT.get((i & (NULLABLE - 1)) as usize) {
        Some(heap) => *heap,
        None => {
            let module = &store.instances[id.0 as usize].module.inner;
            let id: TypeId = module.type_infos[j as usize].id;
            HeapType::Concrete(id)
        }
    };
    RefType::new(i & NULLABLE != 0, heap)
}
