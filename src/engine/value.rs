//! Values as an embedder sees them (`Val`, and the Rust types that stand for one), and their form in a slot.
//!
//! A slot is 64 bits: i32 and f32 zero-extended, funcref the address of its `VmFunc` (0 for null), externref the index
//! of the host's value in its store plus one (0 for null), exnref a number that `exception.rs` gives (0 for null).

mod typed;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::error::Error;
use super::exception::{Exceptions, ExnRef};
use super::func::Func;
use super::types::ValType;

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
    /// A function, or null.
    FuncRef(Option<Func>),
    /// Something of the host, or null.
    ExternRef(Option<ExternRef>),
    /// An exception that was caught, or null.
    ExnRef(Option<ExnRef>),
}

impl Val {
    /// The type of the value.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::FuncRef(_) => ValType::FuncRef,
            Val::ExternRef(_) => ValType::ExternRef,
            Val::ExnRef(_) => ValType::ExnRef,
        }
    }

    /// What a local of type `ty` holds before it is written: zero, or null.
    pub fn default_for(ty: ValType) -> Val {
        match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0.0),
            ValType::F64 => Val::F64(0.0),
            ValType::FuncRef => Val::FuncRef(None),
            ValType::ExternRef => Val::ExternRef(None),
            ValType::ExnRef => Val::ExnRef(None),
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

    /// Writes the value as a slot of the store that `refs` belongs to.
    pub(crate) fn to_slot(&self, refs: &mut Refs) -> Result<u64, Error> {
        match self {
            Val::I32(v) => v.into_slot(refs),
            Val::I64(v) => v.into_slot(refs),
            Val::F32(v) => v.into_slot(refs),
            Val::F64(v) => v.into_slot(refs),
            Val::FuncRef(v) => v.into_slot(refs),
            Val::ExternRef(v) => v.clone().into_slot(refs),
            Val::ExnRef(v) => v.clone().into_slot(refs),
        }
    }

    /// Reads a slot that holds a `ty` of the store that `refs` belongs to.
    pub(crate) fn from_slot(slot: u64, ty: ValType, refs: &Refs) -> Val {
        match ty {
            ValType::I32 => Val::I32(WasmTy::from_slot(slot, refs)),
            ValType::I64 => Val::I64(WasmTy::from_slot(slot, refs)),
            ValType::F32 => Val::F32(WasmTy::from_slot(slot, refs)),
            ValType::F64 => Val::F64(WasmTy::from_slot(slot, refs)),
            ValType::FuncRef => Val::FuncRef(WasmTy::from_slot(slot, refs)),
            ValType::ExternRef => Val::ExternRef(WasmTy::from_slot(slot, refs)),
            ValType::ExnRef => Val::ExnRef(WasmTy::from_slot(slot, refs)),
        }
    }
}

/// The text format's constants: `i32.const -1`, `ref.null func`; references print without their identity.
impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Val::I32(v) => write!(f, "i32.const {v}"),
            Val::I64(v) => write!(f, "i64.const {v}"),
            Val::F32(v) => write!(f, "f32.const {v}"),
            Val::F64(v) => write!(f, "f64.const {v}"),
            Val::FuncRef(None) => f.write_str("ref.null func"),
            Val::FuncRef(Some(_)) => f.write_str("ref.func"),
            Val::ExternRef(None) => f.write_str("ref.null extern"),
            Val::ExternRef(Some(_)) => f.write_str("ref.extern"),
            Val::ExnRef(None) => f.write_str("ref.null exn"),
            Val::ExnRef(Some(_)) => f.write_str("ref.exn"),
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
val_from!(i32 => I32, u32 => I32, i64 => I64, u64 => I64, f32 => F32, f64 => F64);

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

/// A value of the host that guests can hold, pass on and give back, but not look into.
///
/// Clones are the same reference. A store that has seen one keeps it until the store is dropped.
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
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

impl fmt::Debug for ExternRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternRef({:p})", Arc::as_ptr(&self.0))
    }
}

/// What a store needs to turn references into slots and back: its id, the host's values its guests have seen, and the
/// exceptions that are referred to.
pub(crate) struct Refs {
    pub store: u64,
    pub exceptions: Exceptions,
    externs: Vec<ExternRef>,
    /// From the address of a value to its slot, so that a reference passed twice stays one reference.
    known: BTreeMap<usize, u64>,
}

impl Refs {
    pub(crate) fn new(store: u64) -> Refs {
        Refs {
            store,
            exceptions: Exceptions::default(),
            externs: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    fn extern_slot(&mut self, value: ExternRef) -> u64 {
        // The store keeps the value alive, so no other value can take its address.
        let address = Arc::as_ptr(&value.0).cast::<()>() as usize;
        match self.known.get(&address) {
            Some(&slot) => slot,
            None => {
                self.externs.push(value);
                let slot = self.externs.len() as u64;
                self.known.insert(address, slot);
                slot
            }
        }
    }

    fn extern_at(&self, slot: u64) -> Option<ExternRef> {
        self.externs.get((slot as usize).checked_sub(1)?).cloned()
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
        assert!(<Option<ExternRef>>::from_slot(99, refs).is_none());
    }
}
