//! Types as modules define them: functions, structs and arrays, with what they are subtypes of.
//!
//! Spec: syntax/types.html#composite-types, #recursive-types

use std::fmt;
use std::sync::Arc;

use super::reference::{HeapType, TypeId, TypeKind};
use super::{FuncType, ValType};

/// A defined type. References to other types of its own group are relative in keys of the register, and ids elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SubType {
    /// It can have no subtypes.
    pub is_final: bool,
    pub supertype: Option<TypeId>,
    pub composite: Composite,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Composite {
    Func(FuncType),
    Struct(Arc<[FieldType]>),
    Array(FieldType),
}

/// A field of a struct, or every element of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldType {
    pub storage: StorageType,
    pub mutable: bool,
}

/// What is kept of a value: all of it, or its low bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StorageType {
    I8,
    I16,
    Val(ValType),
}

impl SubType {
    /// A function type that is no subtype and has none: what `(type (func ..))` defines.
    pub(crate) fn func(ty: FuncType) -> SubType {
        SubType {
            is_final: true,
            supertype: None,
            composite: Composite::Func(ty),
        }
    }

    pub(crate) fn kind(&self) -> TypeKind {
        match self.composite {
            Composite::Func(_) => TypeKind::Func,
            Composite::Struct(_) => TypeKind::Struct,
            Composite::Array(_) => TypeKind::Array,
        }
    }

    /// The same with each id of a defined type replaced.
    pub(crate) fn map(&self, map: &mut impl FnMut(TypeId) -> TypeId) -> SubType {
        let mut val = |ty: ValType| match ty {
            ValType::Ref(mut reference) => {
                if let HeapType::Concrete(id) = &mut reference.heap {
                    *id = map(*id);
                }
                ValType::Ref(reference)
            }
            other => other,
        };
        let mut field = |field: &FieldType| FieldType {
            storage: match field.storage {
                StorageType::Val(ty) => StorageType::Val(val(ty)),
                packed => packed,
            },
            ..*field
        };
        let composite = match &self.composite {
            Composite::Func(ty) => {
                // Most mention none: those stay shared.
                if ty.params().iter().chain(ty.results()).all(|ty| ty.type_id().is_none()) {
                    Composite::Func(ty.clone())
                } else {
                    let params: Vec<ValType> = ty.params().iter().map(|ty| val(*ty)).collect();
                    let results: Vec<ValType> = ty.results().iter().map(|ty| val(*ty)).collect();
                    Composite::Func(FuncType::new(params, results))
                }
            }
            Composite::Struct(fields) => Composite::Struct(fields.iter().map(&mut field).collect()),
            Composite::Array(element) => Composite::Array(field(element)),
        };
        SubType {
            is_final: self.is_final,
            supertype: self.supertype.map(map),
            composite,
        }
    }

    /// Calls `each` with every id of a defined type in it.
    pub(crate) fn for_each_id(&self, mut each: impl FnMut(TypeId)) {
        self.map(&mut |id| {
            each(id);
            id
        });
    }
}

impl StorageType {
    /// Bytes it takes in an object: places are multiples of that, up to 8.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            StorageType::I8 => 1,
            StorageType::I16 => 2,
            StorageType::Val(ValType::I32 | ValType::F32) => 4,
            StorageType::Val(ty) => 8 * ty.slots(),
        }
    }

    /// Whether it may refer to other objects.
    pub(crate) const fn is_traced(self) -> bool {
        match self {
            StorageType::Val(ty) => ty.is_traced(),
            _ => false,
        }
    }

    /// The type of a value that is read from it or written to it.
    pub(crate) const fn unpacked(self) -> ValType {
        match self {
            StorageType::I8 | StorageType::I16 => ValType::I32,
            StorageType::Val(ty) => ty,
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mutable {
            write!(f, "(mut {})", self.storage)
        } else {
            self.storage.fmt(f)
        }
    }
}

impl fmt::Display for StorageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageType::I8 => f.write_str("i8"),
            StorageType::I16 => f.write_str("i16"),
            StorageType::Val(ty) => ty.fmt(f),
        }
    }
}
