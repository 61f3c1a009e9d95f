//! What accesses of the host go by: addresses, and the ways they fail.

use crate::engine::error::Error;

mod sealed {
    pub trait Sealed {}
}

/// A number that is used as an address or length in a memory: `u32`, `u64`, `usize`, or `i32` or `i64` read as unsigned,
/// as guests mean them. Sealed.
pub trait Address: sealed::Sealed + Copy {
    #[doc(hidden)]
    fn get(self) -> u64;
}

macro_rules! address {
    ($($ty:ty: $value:ident => $get:expr;)*) => { $(
        impl sealed::Sealed for $ty {}
        impl Address for $ty {
            #[inline]
            fn get(self) -> u64 {
                let $value = self;
                $get
            }
        }
    )* };
}
address! {
    u32: v => u64::from(v);
    u64: v => v;
    usize: v => v as u64;
    i32: v => u64::from(v as u32);
    i64: v => v as u64;
}

/// An access of the host that a memory does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// It reaches outside.
    #[error("out of bounds memory access: {len} bytes at address {addr:#x}; the memory has {size:#x} bytes")]
    OutOfBounds {
        /// First byte asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
        /// Bytes there are.
        size: u64,
    },
    /// The bytes are not text.
    #[error("the {len} bytes at address {addr:#x} are not UTF-8 after the first {valid}")]
    NotUtf8 {
        /// First byte asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
        /// How many are good.
        valid: u64,
    },
}

impl MemoryError {
    #[cold]
    pub(super) fn out_of_bounds(addr: u64, len: u64, size: u64) -> MemoryError {
        MemoryError::OutOfBounds { addr, len, size }
    }
}

/// Why a memory or a table did not grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrowError {
    /// Its type's maximum forbids it.
    #[error("the maximum of its type forbids it to grow that far")]
    Maximum,
    /// The store's limit forbids it.
    #[error("the limit of the store forbids it to grow that far")]
    Limit,
    /// The host has no room.
    #[error("the host has no room for it to grow that far")]
    Host,
}

impl From<GrowError> for Error {
    fn from(error: GrowError) -> Error {
        Error::Host(Box::new(error))
    }
}
