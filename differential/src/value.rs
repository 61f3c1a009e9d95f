//! Values, traps and states as all engines have them, so that they can be compared.

use std::fmt;

/// Value types of all modules here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Type {
    I32,
    I64,
    F32,
    F64,
    Func,
    Extern,
}

impl Type {
    pub const NUMBERS: [Type; 4] = [Type::I32, Type::I64, Type::F32, Type::F64];

    pub fn is_ref(self) -> bool {
        matches!(self, Type::Func | Type::Extern)
    }
}

/// Parameters and results of a function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Signature {
    pub params: Vec<Type>,
    pub results: Vec<Type>,
}

/// A value. Floats are their bits; of functions it is only known whether there is one.
#[derive(Clone, Copy)]
pub enum Value {
    I32(u32),
    I64(u64),
    F32(u32),
    F64(u64),
    Func { null: bool },
    Extern(Option<u32>),
}

impl Value {
    /// Zero or null.
    pub fn default_for(ty: Type) -> Value {
        match ty {
            Type::I32 => Value::I32(0),
            Type::I64 => Value::I64(0),
            Type::F32 => Value::F32(0),
            Type::F64 => Value::F64(0),
            Type::Func => Value::Func { null: true },
            Type::Extern => Value::Extern(None),
        }
    }

    /// Bits that are the same whenever values are equal.
    pub fn bits(self) -> u64 {
        match self {
            Value::I32(v) => v as u64,
            Value::I64(v) => v,
            Value::F32(v) if f32::from_bits(v).is_nan() => 0x7fc0_0000,
            Value::F32(v) => v as u64,
            Value::F64(v) if f64::from_bits(v).is_nan() => 0x7ff8_0000_0000_0000,
            Value::F64(v) => v,
            Value::Func { null } => null as u64,
            Value::Extern(value) => value.map_or(0, |value| value as u64 + 1),
        }
    }
}

/// Equal bits; any NaN equals any other, because which one an operation gives is not specified.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.bits() == other.bits()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::I32(v) => write!(f, "{}:i32", v as i32),
            Value::I64(v) => write!(f, "{}:i64", v as i64),
            Value::F32(v) => write!(f, "{:?}:f32({v:#010x})", f32::from_bits(v)),
            Value::F64(v) => write!(f, "{:?}:f64({v:#018x})", f64::from_bits(v)),
            Value::Func { null: true } => write!(f, "null:funcref"),
            Value::Func { null: false } => write!(f, "some:funcref"),
            Value::Extern(None) => write!(f, "null:externref"),
            Value::Extern(Some(v)) => write!(f, "{v}:externref"),
        }
    }
}

/// Kinds of traps that all engines tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trap {
    Unreachable,
    MemoryOutOfBounds,
    /// Of a table access or of the index of an indirect call.
    TableOutOfBounds,
    NullElement,
    WrongSignature,
    DivisionByZero,
    IntegerOverflow,
    BadConversion,
    /// Depends on how big an engine's frames are: it is compared with nothing.
    StackExhausted,
    /// The reference's own: the case is not run to its end.
    TooLong,
}

/// How a call ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    Returned(Vec<Value>),
    Trapped(Trap),
    /// Any other error.
    Failed(String),
}

impl Ending {
    /// Whether two engines agree.
    pub fn agrees(&self, other: &Ending) -> bool {
        match (self, other) {
            // The words are each engine's own.
            (Ending::Failed(_), Ending::Failed(_)) => true,
            _ => self == other,
        }
    }

    pub fn exhausted(&self) -> bool {
        *self == Ending::Trapped(Trap::StackExhausted)
    }

    pub fn too_long(&self) -> bool {
        *self == Ending::Trapped(Trap::TooLong)
    }
}

/// What can be seen of a store from outside, by name.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct State {
    pub items: Vec<(String, Item)>,
    /// Hash of the calls of host functions so far, and their number.
    pub host_calls: (u64, u32),
}

#[derive(Clone, PartialEq, Debug)]
pub enum Item {
    Memory { pages: u64, hash: u64 },
    Table { len: u64, hash: u64 },
    Global(Value),
}

impl State {
    /// The first thing that differs: its name, and what it is in each.
    pub fn difference(&self, other: &State) -> Option<(String, String, String)> {
        for (a, b) in self.items.iter().zip(&other.items) {
            if a != b {
                return Some((a.0.clone(), format!("{:?}", a.1), format!("{:?}", b.1)));
            }
        }
        let words = |state: &State| format!("{:x?}", state.host_calls);
        (self.host_calls != other.host_calls).then(|| ("the host's log".to_owned(), words(self), words(other)))
    }
}

/// Mixes a word into a hash.
pub fn mix(hash: u64, word: u64) -> u64 {
    let x = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^ x >> 29
}

/// The hash of bytes.
pub fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words
        .iter()
        .fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, &byte| mix(hash, byte as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nans_are_equal_and_zeros_are_not() {
        assert_eq!(Value::F32(0x7fc0_0001), Value::F32(0xffc0_0000));
        assert_eq!(Value::F64(f64::NAN.to_bits()), Value::F64(u64::MAX));
        assert_ne!(Value::F64(0), Value::F64(1 << 63));
        assert_ne!(Value::I32(1), Value::I64(1));
    }

    #[test]
    fn hashes_see_every_byte() {
        let mut bytes = vec![0u8; 19];
        let zeros = hash(&bytes);
        for at in 0..bytes.len() {
            bytes[at] = 1;
            assert_ne!(hash(&bytes), zeros);
            bytes[at] = 0;
        }
    }
}
