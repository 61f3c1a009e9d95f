//! Values as an embedder sees them (`Val`, and the Rust types that stand for one), and their form in a slot.
//!
//! A slot is 64 bits: i32 and f32 zero-extended, v128 in two slots of which the first has bytes 0 to 7, funcref the
//! address of its `VmFunc` (0 for null); externref and anyref are as `gc` says, exnref as `exception`.

mod any;
mod typed;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::error::Error;
use super::exception::{Exceptions, ExnRef};
use super::func::Func;
use super::gc;
use super::store::StoreInner;
use super::types::{HeapType, RefType, ValType};

pub use self::any::AnyRef;
use self::any::Roots;
pub use self::typed::{WasmParams, WasmResults, WasmTy};

/// A value that goes into or comes out of a function, a global or a table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// A single-precision number.
    F32(f32),
    /// A double-precision number.
    F64(f64),
    /// 128 bits: lane 0 is the lowest.
    V128(u128),
    /// A function, or null.
    FuncRef(Option<Func>),
    /// Something of the host, or null.
    ExternRef(Option<ExternRef>),
    /// Something of a guest, or null.
    AnyRef(Option<AnyRef>),
    /// An exception, or null.
    ExnRef(Option<ExnRef>),
}

impl Val {
    /// The type of the value; for references the most general one of their hierarchy, whatever they refer to.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(_) => ValType::FUNCREF,
            Val::ExternRef(_) => ValType::EXTERNREF,
            Val::AnyRef(_) => ValType::ANYREF,
            Val::ExnRef(_) => ValType::EXNREF,
        }
    }

    /// What a local of type `ty` holds before it is written: zero, or null. Null also for references that cannot be null.
    pub fn default_for(ty: ValType) -> Val {
        match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0.0),
            ValType::F64 => Val::F64(0.0),
            ValType::V128 => Val::V128(0),
            ValType::Ref(RefType { heap, .. }) => match heap.top() {
                HeapType::Func => Val::FuncRef(None),
                HeapType::Extern => Val::ExternRef(None),
                HeapType::Exn => Val::ExnRef(None),
                _ => Val::AnyRef(None),
            },
        }
    }

    /// The number in an `i32`.
    pub fn i32(&self) -> Option<i32> {
        match self {
            Val::I32(v) => Some(*v),
            _ => None,
        }
    }

    /// The number in an `i64`.
    pub fn i64(&self) -> Option<i64> {
        match self {
            Val::I64(v) => Some(*v),
            _ => None,
        }
    }

    /// The number in an `f32`.
    pub fn f32(&self) -> Option<f32> {
        match self {
            Val::F32(v) => Some(*v),
            _ => None,
        }
    }

    /// The number in an `f64`.
    pub fn f64(&self) -> Option<f64> {
        match self {
            Val::F64(v) => Some(*v),
            _ => None,
        }
    }

    /// The bits of the 128-bit vector in a `v128`.
    pub fn v128(&self) -> Option<u128> {
        match self {
            Val::V128(v) => Some(*v),
            _ => None,
        }
    }

    /// The value as slots of the store that `refs` belongs to: as many of them as its type has, which is one but for
    /// v128.
    pub(crate) fn to_slots(&self, refs: &mut Refs) -> Result<[u64; 2], Error> {
        let slot = match self {
            Val::I32(v) => v.into_slot(refs),
            Val::I64(v) => v.into_slot(refs),
            Val::F32(v) => v.into_slot(refs),
            Val::F64(v) => v.into_slot(refs),
            Val::V128(v) => return Ok(v128_slots(*v)),
            Val::FuncRef(v) => v.into_slot(refs),
            Val::ExternRef(v) => v.clone().into_slot(refs),
            Val::AnyRef(v) => v.clone().into_slot(refs),
            Val::ExnRef(v) => v.clone().into_slot(refs),
        };
        Ok([slot?, 0])
    }

    /// Writes the value as one or two slots of a store, if it is of type `ty` there.
    ///
    /// # Errors
    /// [`Error::Type`] for a reference of another store.
    pub(crate) fn to_slots_of(&self, ty: ValType, store: &mut StoreInner) -> Result<Option<[u64; 2]>, Error> {
        match (self.ty(), ty) {
            (ValType::Ref(own), ValType::Ref(ty)) if own.heap == ty.heap.top() => {
                let slots = self.to_slots(&mut store.refs)?;
                Ok(store.ref_is(slots[0], ty).then_some(slots))
            }
            (own, ty) if own == ty => self.to_slots(&mut store.refs).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads the first of `slots`, or the first two, which hold a `ty` of the store that `refs` belongs to.
    pub(crate) fn from_slots(slots: &[u64], ty: ValType, refs: &Refs) -> Val {
        match ty {
            ValType::I32 => Val::I32(WasmTy::from_slots(slots, refs)),
            ValType::I64 => Val::I64(WasmTy::from_slots(slots, refs)),
            ValType::F32 => Val::F32(WasmTy::from_slots(slots, refs)),
            ValType::F64 => Val::F64(WasmTy::from_slots(slots, refs)),
            ValType::V128 => Val::V128(WasmTy::from_slots(slots, refs)),
            ValType::Ref(RefType { heap, .. }) => match heap.top() {
                HeapType::Func => Val::FuncRef(WasmTy::from_slots(slots, refs)),
                HeapType::Extern => Val::ExternRef(WasmTy::from_slots(slots, refs)),
                HeapType::Exn => Val::ExnRef(WasmTy::from_slots(slots, refs)),
                _ => Val::AnyRef(WasmTy::from_slots(slots, refs)),
            },
        }
    }

    /// Reads values of these types that lie one after the other.
    pub(crate) fn list_from_slots(slots: &[u64], types: &[ValType], refs: &Refs) -> Vec<Val> {
        let mut at = 0;
        let value = |ty: &ValType| {
            let value = Val::from_slots(&slots[at..], *ty, refs);
            at += ty.slots();
            value
        };
        types.iter().map(value).collect()
    }
}

/// The two slots of a v128.
pub(crate) fn v128_slots(value: u128) -> [u64; 2] {
    // Their bytes are in the order of the least first on every host.
    [(value as u64).to_le(), ((value >> 64) as u64).to_le()]
}

/// The v128 in two slots.
pub(crate) fn v128_from_slots([low, high]: [u64; 2]) -> u128 {
    u128::from(u64::from_le(low)) | u128::from(u64::from_le(high)) << 64
}

/// The text format's constants: `i32.const -1`, `ref.null func`; references print without their identity.
impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Val::I32(v) => write!(f, "i32.const {v}"),
            Val::I64(v) => write!(f, "i64.const {v}"),
            Val::F32(v) => write!(f, "f32.const {v}"),
            Val::F64(v) => write!(f, "f64.const {v}"),
            Val::V128(v) => {
                f.write_str("v128.const i32x4")?;
                (0..4).try_for_each(|lane| write!(f, " {:#010x}", (v >> (32 * lane)) as u32))
            }
            Val::FuncRef(None) => f.write_str("ref.null func"),
            Val::FuncRef(Some(_)) => f.write_str("ref.func"),
            Val::ExternRef(None) => f.write_str("ref.null extern"),
            Val::ExternRef(Some(_)) => f.write_str("ref.extern"),
            Val::ExnRef(None) => f.write_str("ref.null exn"),
            Val::ExnRef(Some(_)) => f.write_str("ref.exn"),
            Val::AnyRef(None) => f.write_str("ref.null any"),
            Val::AnyRef(Some(value)) => match value.i31() {
                Some(value) => write!(f, "ref.i31 {value}"),
                None => f.write_str("ref.any"),
            },
        }
    }
}

macro_rules! val_from {
    ($($rust:ty => $variant:ident),*) => { $(
        impl From<$rust> for Val {
            fn from(value: $rust) -> Val {
                Val::$variant(value as _)
            }
        }
    )* };
}
val_from!(i32 => I32, u32 => I32, i64 => I64, u64 => I64, f32 => F32, f64 => F64, u128 => V128);

impl From<Option<Func>> for Val {
    fn from(value: Option<Func>) -> Val {
        Val::FuncRef(value)
    }
}

impl From<Func> for Val {
    fn from(value: Func) -> Val {
        Val::FuncRef(Some(value))
    }
}

impl From<Option<ExternRef>> for Val {
    fn from(value: Option<ExternRef>) -> Val {
        Val::ExternRef(value)
    }
}

impl From<ExternRef> for Val {
    fn from(value: ExternRef) -> Val {
        Val::ExternRef(Some(value))
    }
}

impl From<Option<ExnRef>> for Val {
    fn from(value: Option<ExnRef>) -> Val {
        Val::ExnRef(value)
    }
}

impl From<ExnRef> for Val {
    fn from(value: ExnRef) -> Val {
        Val::ExnRef(Some(value))
    }
}

impl From<Option<AnyRef>> for Val {
    fn from(value: Option<AnyRef>) -> Val {
        Val::AnyRef(value)
    }
}

impl From<AnyRef> for Val {
    fn from(value: AnyRef) -> Val {
        Val::AnyRef(Some(value))
    }
}

/// A value of the host that guests can hold, pass on and give back, but not look into.
///
/// Clones are the same reference. A store that has seen one keeps it until the store is dropped.
///
/// What a guest has handed out with `extern.convert_any` arrives as one that holds an [`AnyRef`].
#[derive(Clone)]
pub struct ExternRef(Arc<dyn Any + Send + Sync>);

impl ExternRef {
    /// A reference to `value`.
    pub fn new<V: Any + Send + Sync>(value: V) -> ExternRef {
        ExternRef(Arc::new(value))
    }

    /// The value, if it is a `V`.
    pub fn downcast_ref<V: Any>(&self) -> Option<&V> {
        self.0.downcast_ref()
    }

    /// Whether both are the same reference.
    pub fn same(&self, other: &ExternRef) -> bool {
        if let (Some(a), Some(b)) = (self.downcast_ref::<AnyRef>(), other.downcast_ref::<AnyRef>()) {
            return a.same(b);
        }
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

impl fmt::Debug for ExternRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternRef({:p})", Arc::as_ptr(&self.0))
    }
}

/// What a store needs to turn references into slots and back: its id, the host's values its guests have seen, and the
/// guests' objects its embedder holds, and exceptions.
pub(crate) struct Refs {
    pub store: u64,
    pub exceptions: Exceptions,
    externs: Vec<ExternRef>,
    /// From the address of a value to its slot, so that a reference passed twice stays one reference.
    known: BTreeMap<usize, u64>,
    pub roots: Roots,
}

impl Refs {
    pub(crate) fn new(store: u64) -> Refs {
        Refs {
            store,
            exceptions: Exceptions::default(),
            externs: Vec::new(),
            known: BTreeMap::new(),
            roots: Roots::default(),
        }
    }

    fn extern_slot(&mut self, value: ExternRef) -> Result<u64, Error> {
        match value.downcast_ref::<AnyRef>() {
            Some(inside) => inside.to_slot(self),
            None => Ok(self.host_slot(value)),
        }
    }

    fn host_slot(&mut self, value: ExternRef) -> u64 {
        // The store keeps the value alive, so no other value can take its address.
        let address = Arc::as_ptr(&value.0).cast::<()>() as usize;
        match self.known.get(&address) {
            Some(&slot) => slot,
            None => {
                let slot = gc::host_slot(self.externs.len());
                self.externs.push(value);
                self.known.insert(address, slot);
                slot
            }
        }
    }

    fn extern_at(&self, slot: u64) -> Option<ExternRef> {
        match gc::slot_host(slot) {
            Some(index) => self.externs.get(index).cloned(),
            None => AnyRef::from_slot(slot, self).map(|value| value.to_extern()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_zero_extended_in_slots() {
        let refs = &mut Refs::new(1);
        assert_eq!((-1i32).into_slot(refs).unwrap(), 0xffff_ffff);
        assert_eq!((-1.5f32).into_slot(refs).unwrap(), u64::from((-1.5f32).to_bits()));
        assert_eq!(i32::from_slot(0xffff_ffff, refs), -1);
        assert!(f32::from_slot(0x7fc0_0001, refs).is_nan());
    }

    #[test]
    fn an_externref_passed_twice_is_one_reference() {
        let refs = &mut Refs::new(1);
        let value = ExternRef::new(7u32);
        let slot = Some(value.clone()).into_slot(refs).unwrap();
        assert_eq!(Some(value.clone()).into_slot(refs).unwrap(), slot);
        let back = <Option<ExternRef>>::from_slot(slot, refs).unwrap();
        assert!(back.same(&value));
        assert_eq!(back.downcast_ref::<u32>(), Some(&7));
        assert!(<Option<ExternRef>>::from_slot(0, refs).is_none());
        assert!(<Option<ExternRef>>::from_slot(gc::host_slot(99), refs).is_none());
    }

    #[test]
    fn references_change_hierarchies_and_stay_the_same() {
        let refs = &mut Refs::new(1);
        let host = ExternRef::new(7u32);
        let inside = AnyRef::from_extern(host.clone());
        let slot = inside.to_slot(refs).unwrap();
        assert_eq!(Some(host.clone()).into_slot(refs).unwrap(), slot);
        assert!(inside.to_extern().same(&host));
        let outside = AnyRef::from_i31(u32::MAX).to_extern();
        let slot = Some(outside.clone()).into_slot(refs).unwrap();
        assert_eq!(slot, gc::i31_slot(u32::MAX));
        assert!(<Option<ExternRef>>::from_slot(slot, refs).unwrap().same(&outside));
        let back = AnyRef::from_slot(slot, refs).unwrap();
        assert_eq!((back.i31(), back.i31_unsigned()), (Some(-1), Some(0x7fff_ffff)));
    }

    #[test]
    fn vectors_cross_the_hosts_boundary_beside_other_values() {
        let engine = crate::Engine::default();
        let module = crate::Module::new(
            &engine,
            "(module (import \"h\" \"swap\" (func $swap (param i32 v128 i64) (result v128 i64 i32)))
               (func (export \"swap\") (param i32 v128 i64) (result v128 i64 i32)
                 (call $swap (local.get 0) (local.get 1) (local.get 2))))",
        )
        .unwrap();
        let mut linker = crate::Linker::new(&engine);
        linker
            .func("h", "swap", |_: &mut crate::LinearMemory, a: i32, b: u128, c: i64| {
                (!b, c + 1, a + 1)
            })
            .unwrap();
        let mut executor = linker.instantiate(&module).unwrap();
        let given = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10;
        let mut swap = executor.func::<(i32, u128, i64), (u128, i64, i32)>("swap").unwrap();
        assert_eq!(swap.call((5, given, 6)).unwrap(), (!given, 7, 6));
        let results = executor
            .invoke("swap", &[Val::I32(5), Val::V128(given), Val::I64(6)])
            .unwrap();
        assert_eq!((results[0].v128(), results[2].i32()), (Some(!given), Some(6)));
        assert_eq!(
            Val::V128(given).to_string(),
            "v128.const i32x4 0x0d0e0f10 0x090a0b0c 0x05060708 0x01020304"
        );
    }
}
