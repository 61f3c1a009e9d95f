//! Reference types: what a reference may refer to, and whether it may be null.
//!
//! A type that a module defines is known by its [`TypeId`], which an engine gives to each distinct type once, so two
//! references to it are of the same type exactly when their ids are equal. What is a subtype of what among defined types
//! stands in the engine's register (`register.rs`); the rest is decided here.
//! Spec: syntax/types.html#reference-types

use std::fmt;

use super::ValType;
use crate::engine::config::Engine;

/// The type of a reference.
///
/// Spec: syntax/types.html#reference-types
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefType {
    /// Whether it may be null.
    pub nullable: bool,
    /// What it refers to when it is not.
    pub heap: HeapType,
}

/// What a reference refers to. There are four separate hierarchies: functions, things of the host, things of the guest
/// (`any`) and exceptions; each has a type on top, and one at the bottom that only null has.
///
/// Spec: syntax/types.html#heap-types
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HeapType {
    /// Any function.
    Func,
    /// No function.
    NoFunc,
    /// Anything of the host, or what a guest has handed out as such.
    Extern,
    /// Nothing of the host.
    NoExtern,
    /// Anything of the guest, or of the host when a guest has taken it in as such.
    Any,
    /// What can be compared: i31, structs and arrays.
    Eq,
    /// Integers of 31 bits, which need no memory.
    I31,
    /// Any struct.
    Struct,
    /// Any array.
    Array,
    /// Nothing of the guest.
    None,
    /// An exception.
    Exn,
    /// No exception.
    NoExn,
    /// A type that a module defines, or a subtype of it.
    Concrete(TypeId),
}

/// What a defined type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TypeKind {
    /// A function type.
    Func,
    /// A struct type.
    Struct,
    /// An array type.
    Array,
}

/// The id of a defined type in its engine. Good as long as a module or a function of that type is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId {
    /// With [`TypeId::RELATIVE`]: an index in the group of types being defined, in keys of the register only.
    pub(crate) index: u32,
    kind: TypeKind,
}

impl TypeId {
    pub(crate) const RELATIVE: u32 = 1 << 31;

    pub(crate) const fn new(index: u32, kind: TypeKind) -> TypeId {
        TypeId { index, kind }
    }

    /// What the type is.
    pub const fn kind(self) -> TypeKind {
        self.kind
    }

    /// The place in the group being defined that it stands for, if it is that.
    pub(crate) const fn relative(self) -> Option<u32> {
        if self.index & TypeId::RELATIVE != 0 {
            Some(self.index & !TypeId::RELATIVE)
        } else {
            None
        }
    }
}

impl RefType {
    /// `(ref null heap)`, or `(ref heap)`.
    pub const fn new(nullable: bool, heap: HeapType) -> RefType {
        RefType { nullable, heap }
    }

    /// Whether every reference of this type is one of type `other`.
    ///
    /// Spec: valid/matching.html#reference-types
    pub fn matches(self, other: RefType, engine: &Engine) -> bool {
        (other.nullable || !self.nullable) && self.heap.matches(other.heap, engine)
    }
}

impl HeapType {
    /// The top of its hierarchy: `func`, `extern`, `any` or `exn`.
    pub const fn top(self) -> HeapType {
        match self {
            HeapType::Func | HeapType::NoFunc => HeapType::Func,
            HeapType::Extern | HeapType::NoExtern => HeapType::Extern,
            HeapType::Exn | HeapType::NoExn => HeapType::Exn,
            HeapType::Concrete(TypeId {
                kind: TypeKind::Func, ..
            }) => HeapType::Func,
            _ => HeapType::Any,
        }
    }

    /// The bottom of its hierarchy, which null alone has.
    pub const fn bottom(self) -> HeapType {
        match self.top() {
            HeapType::Func => HeapType::NoFunc,
            HeapType::Extern => HeapType::NoExtern,
            HeapType::Exn => HeapType::NoExn,
            _ => HeapType::None,
        }
    }

    /// Whether everything of this type is of type `other`.
    ///
    /// Spec: valid/matching.html#heap-types
    pub fn matches(self, other: HeapType, engine: &Engine) -> bool {
        use HeapType::{Any, Array, Concrete, Eq, I31, Struct};
        if self == other {
            return true;
        }
        if self == self.bottom() {
            return self.top() == other.top();
        }
        match (self, other) {
            (Concrete(id), Concrete(of)) => engine.is_subtype(id.index, of.index),
            (Concrete(id), Struct) => id.kind == TypeKind::Struct,
            (Concrete(id), Array) => id.kind == TypeKind::Array,
            (I31 | Struct | Array, Eq) => true,
            (Concrete(id), Eq) => id.kind != TypeKind::Func,
            (_, Any) => self.top() == Any,
            (_, HeapType::Func) => self.top() == HeapType::Func,
            _ => false,
        }
    }

    /// The name of `(ref null self)` that the text format has for it, if it has one.
    const fn shorthand(self) -> Option<&'static str> {
        Some(match self {
            HeapType::Func => "funcref",
            HeapType::NoFunc => "nullfuncref",
            HeapType::Extern => "externref",
            HeapType::NoExtern => "nullexternref",
            HeapType::Any => "anyref",
            HeapType::Eq => "eqref",
            HeapType::I31 => "i31ref",
            HeapType::Struct => "structref",
            HeapType::Array => "arrayref",
            HeapType::None => "nullref",
            HeapType::Exn => "exnref",
            HeapType::NoExn => "nullexnref",
            HeapType::Concrete(_) => return None,
        })
    }
}

/// `funcref`, `(ref null $struct7)`, `(ref any)`. Defined types are named by what they are and their id.
impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.nullable, self.heap.shorthand()) {
            (true, Some(name)) => f.write_str(name),
            (true, None) => write!(f, "(ref null {})", self.heap),
            (false, _) => write!(f, "(ref {})", self.heap),
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeapType::Func => "func",
            HeapType::NoFunc => "nofunc",
            HeapType::Extern => "extern",
            HeapType::NoExtern => "noextern",
            HeapType::Any => "any",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::None => "none",
            HeapType::Exn => "exn",
            HeapType::NoExn => "noexn",
            HeapType::Concrete(id) => return id.fmt(f),
        })
    }
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TypeKind::Func => "func",
            TypeKind::Struct => "struct",
            TypeKind::Array => "array",
        };
        write!(f, "${kind}{}", self.index)
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> ValType {
        ValType::Ref(ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abstract_heap_types_form_four_hierarchies() {
        use HeapType::*;
        let engine = Engine::default();
        let matches = |a: HeapType, b: HeapType| a.matches(b, &engine);
        for (lower, upper) in [
            (None, I31),
            (None, Struct),
            (I31, Eq),
            (Array, Eq),
            (Eq, Any),
            (Struct, Any),
            (NoFunc, Func),
            (NoExtern, Extern),
            (NoExn, Exn),
        ] {
            assert!(matches(lower, upper), "{lower} <: {upper}");
            assert!(!matches(upper, lower), "{upper} <: {lower}");
        }
        for (a, b) in [
            (Func, Any),
            (Extern, Any),
            (I31, Struct),
            (None, Func),
            (NoFunc, Any),
            (Any, Func),
        ] {
            assert!(!matches(a, b), "{a} <: {b}");
        }
    }

    #[test]
    fn null_counts() {
        let engine = Engine::default();
        let (null, not) = (RefType::new(true, HeapType::Any), RefType::new(false, HeapType::Any));
        assert!(not.matches(null, &engine));
        assert!(!null.matches(not, &engine));
        assert_eq!(ValType::from(not).to_string(), "(ref any)");
        assert_eq!(ValType::from(null).to_string(), "anyref");
    }
}
