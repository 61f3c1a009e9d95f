//! Atomic instructions. Spec: the threads proposal, "atomic memory accesses"

use std::fmt;

use super::define_ops;

/// Read-modify-write operations: what they are called in the text format, and by Rust.
macro_rules! for_each_rmw {
    ($mac:ident) => {
        $mac! {
            Add "add" fetch_add
            Sub "sub" fetch_sub
            And "and" fetch_and
            Or "or" fetch_or
            Xor "xor" fetch_xor
            Xchg "xchg" swap
        }
    };
}
pub(crate) use for_each_rmw;

/// What is accessed. Narrow values are zero-extended, so that i32 and i64 share an instruction.
macro_rules! for_each_atomic_width {
    ($mac:ident) => {
        $mac! {
            U8 "8" u8 AtomicU8
            U16 "16" u16 AtomicU16
            U32 "32" u32 AtomicU32
            U64 "64" u64 AtomicU64
        }
    };
}
pub(crate) use for_each_atomic_width;

/// Which visits make which instruction, and the type they push. `memory.atomic.wait`, `notify` and `atomic.fence` have
/// visits of their own.
macro_rules! for_each_atomic_visit {
    ($mac:ident) => {
        $mac! {
            visit_i32_atomic_load load U32 I32
            visit_i64_atomic_load load U64 I64
            visit_i32_atomic_load8_u load U8 I32
            visit_i32_atomic_load16_u load U16 I32
            visit_i64_atomic_load8_u load U8 I64
            visit_i64_atomic_load16_u load U16 I64
            visit_i64_atomic_load32_u load U32 I64
            visit_i32_atomic_store store U32 I32
            visit_i64_atomic_store store U64 I64
            visit_i32_atomic_store8 store U8 I32
            visit_i32_atomic_store16 store U16 I32
            visit_i64_atomic_store8 store U8 I64
            visit_i64_atomic_store16 store U16 I64
            visit_i64_atomic_store32 store U32 I64
            visit_i32_atomic_rmw_add Add U32 I32
            visit_i64_atomic_rmw_add Add U64 I64
            visit_i32_atomic_rmw8_add_u Add U8 I32
            visit_i32_atomic_rmw16_add_u Add U16 I32
            visit_i64_atomic_rmw8_add_u Add U8 I64
            visit_i64_atomic_rmw16_add_u Add U16 I64
            visit_i64_atomic_rmw32_add_u Add U32 I64
            visit_i32_atomic_rmw_sub Sub U32 I32
            visit_i64_atomic_rmw_sub Sub U64 I64
            visit_i32_atomic_rmw8_sub_u Sub U8 I32
            visit_i32_atomic_rmw16_sub_u Sub U16 I32
            visit_i64_atomic_rmw8_sub_u Sub U8 I64
            visit_i64_atomic_rmw16_sub_u Sub U16 I64
            visit_i64_atomic_rmw32_sub_u Sub U32 I64
            visit_i32_atomic_rmw_and And U32 I32
            visit_i64_atomic_rmw_and And U64 I64
            visit_i32_atomic_rmw8_and_u And U8 I32
            visit_i32_atomic_rmw16_and_u And U16 I32
            visit_i64_atomic_rmw8_and_u And U8 I64
            visit_i64_atomic_rmw16_and_u And U16 I64
            visit_i64_atomic_rmw32_and_u And U32 I64
            visit_i32_atomic_rmw_or Or U32 I32
            visit_i64_atomic_rmw_or Or U64 I64
            visit_i32_atomic_rmw8_or_u Or U8 I32
            visit_i32_atomic_rmw16_or_u Or U16 I32
            visit_i64_atomic_rmw8_or_u Or U8 I64
            visit_i64_atomic_rmw16_or_u Or U16 I64
            visit_i64_atomic_rmw32_or_u Or U32 I64
            visit_i32_atomic_rmw_xor Xor U32 I32
            visit_i64_atomic_rmw_xor Xor U64 I64
            visit_i32_atomic_rmw8_xor_u Xor U8 I32
            visit_i32_atomic_rmw16_xor_u Xor U16 I32
            visit_i64_atomic_rmw8_xor_u Xor U8 I64
            visit_i64_atomic_rmw16_xor_u Xor U16 I64
            visit_i64_atomic_rmw32_xor_u Xor U32 I64
            visit_i32_atomic_rmw_xchg Xchg U32 I32
            visit_i64_atomic_rmw_xchg Xchg U64 I64
            visit_i32_atomic_rmw8_xchg_u Xchg U8 I32
            visit_i32_atomic_rmw16_xchg_u Xchg U16 I32
            visit_i64_atomic_rmw8_xchg_u Xchg U8 I64
            visit_i64_atomic_rmw16_xchg_u Xchg U16 I64
            visit_i64_atomic_rmw32_xchg_u Xchg U32 I64
            visit_i32_atomic_rmw_cmpxchg cmpxchg U32 I32
            visit_i64_atomic_rmw_cmpxchg cmpxchg U64 I64
            visit_i32_atomic_rmw8_cmpxchg_u cmpxchg U8 I32
            visit_i32_atomic_rmw16_cmpxchg_u cmpxchg U16 I32
            visit_i64_atomic_rmw8_cmpxchg_u cmpxchg U8 I64
            visit_i64_atomic_rmw16_cmpxchg_u cmpxchg U16 I64
            visit_i64_atomic_rmw32_cmpxchg_u cmpxchg U32 I64
        }
    };
}
pub(crate) use for_each_atomic_visit;

macro_rules! rmw {
    ($($name:ident $text:literal $method:ident)*) => { define_ops! { RmwOp: $($name $text)* } };
}
for_each_rmw!(rmw);
macro_rules! width {
    ($($name:ident $text:literal $int:ident $atomic:ident)*) => { define_ops! { AtomicWidth: $($name $text)* } };
}
for_each_atomic_width!(width);

/// An atomic instruction on one place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AtomicOp {
    Load(AtomicWidth),
    Store(AtomicWidth),
    Rmw(RmwOp, AtomicWidth),
    Cmpxchg(AtomicWidth),
}

impl fmt::Display for AtomicOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AtomicOp::Load(width) => write!(f, "atomic.load{}", width.text()),
            AtomicOp::Store(width) => write!(f, "atomic.store{}", width.text()),
            AtomicOp::Rmw(op, width) => write!(f, "atomic.rmw{}.{}", width.text(), op.text()),
            AtomicOp::Cmpxchg(width) => write!(f, "atomic.rmw{}.cmpxchg", width.text()),
        }
    }
}
