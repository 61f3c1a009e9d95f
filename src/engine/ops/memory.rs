//! Memory instructions. Spec: exec/instructions.html#memory-instructions

use super::define_ops;

/// Loads into the integer bank: `Name "text" bytes (raw: type) -> result`. A load that zero-extends is the same for
/// i32 and i64, because slots hold i32 zero-extended.
macro_rules! for_each_load {
    ($mac:ident) => {
        $mac! {
            Load8U "load8_u" u8 (raw) -> u64 { raw as u64 }
            Load16U "load16_u" u16 (raw) -> u64 { raw as u64 }
            Load32U "load32_u" u32 (raw) -> u64 { raw as u64 }
            Load64 "load64" u64 (raw) -> u64 { raw }
            I32Load8S "i32.load8_s" u8 (raw) -> u64 { raw as i8 as i32 as u32 as u64 }
            I32Load16S "i32.load16_s" u16 (raw) -> u64 { raw as i16 as i32 as u32 as u64 }
            I64Load8S "i64.load8_s" u8 (raw) -> u64 { raw as i8 as i64 as u64 }
            I64Load16S "i64.load16_s" u16 (raw) -> u64 { raw as i16 as i64 as u64 }
            I64Load32S "i64.load32_s" u32 (raw) -> u64 { raw as i32 as i64 as u64 }
        }
    };
}
pub(crate) use for_each_load;

/// Which visits make which load, and the type they push.
macro_rules! for_each_load_visit {
    ($mac:ident) => {
        $mac! {
            visit_i32_load Load32U I32
            visit_i64_load Load64 I64
            visit_i32_load8_s I32Load8S I32
            visit_i32_load8_u Load8U I32
            visit_i32_load16_s I32Load16S I32
            visit_i32_load16_u Load16U I32
            visit_i64_load8_s I64Load8S I64
            visit_i64_load8_u Load8U I64
            visit_i64_load16_s I64Load16S I64
            visit_i64_load16_u Load16U I64
            visit_i64_load32_s I64Load32S I64
            visit_i64_load32_u Load32U I64
        }
    };
}
pub(crate) use for_each_load_visit;

/// Stores from the integer bank.
macro_rules! for_each_store {
    ($mac:ident) => {
        $mac! {
            Store8 "store8" u8
            Store16 "store16" u16
            Store32 "store32" u32
            Store64 "store64" u64
        }
    };
}
pub(crate) use for_each_store;

/// Which visits make which store.
macro_rules! for_each_store_visit {
    ($mac:ident) => {
        $mac! {
            visit_i32_store Store32
            visit_i64_store Store64
            visit_i32_store8 Store8
            visit_i32_store16 Store16
            visit_i64_store8 Store8
            visit_i64_store16 Store16
            visit_i64_store32 Store32
        }
    };
}
pub(crate) use for_each_store_visit;

macro_rules! accesses {
    ($enum:ident: $($name:ident $text:literal $raw:ident)*) => {
        define_ops! { $enum: $($name $text)* }
        impl $enum {
            /// Bytes of memory it accesses.
            pub(crate) fn bytes(self) -> u32 {
                match self { $($enum::$name => size_of::<$raw>() as u32),* }
            }
        }
    };
}
macro_rules! load {
    ($($name:ident $text:literal $raw:ident $args:tt -> $r:ty $body:block)*) => {
        accesses! { LoadOp: $($name $text $raw)* }
    };
}
for_each_load!(load);
macro_rules! store {
    ($($name:ident $text:literal $raw:ident)*) => {
        accesses! { StoreOp: $($name $text $raw)* }
    };
}
for_each_store!(store);
