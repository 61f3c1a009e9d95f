//! The instruction set of the core, one row per operation.
//!
//! A row says what an operation is called in the text format, which of wasmparser's visits makes it, and what it
//! computes. From the rows come: the enum and its mnemonics (here), the translator's visits
//! (`translate/visit.rs`), the evaluation types and every handler with its operand classes (`run/handlers/`).
//! Control, calls, globals and bulk operations do not fit a row; they live in `translate/` and `run/handlers/`.

mod atomic;
mod memory;
mod numeric;
mod simd;

pub(crate) use atomic::*;
pub(crate) use memory::*;
pub(crate) use numeric::*;
pub(crate) use simd::*;

/// Defines the enum of a family from its rows, with the mnemonics.
macro_rules! define_ops {
    ($enum:ident: $($(#[$doc:meta])* $name:ident $text:literal)*) => {
        // Operations are named as in the text format, type first.
        #[allow(clippy::enum_variant_names)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum $enum { $($(#[$doc])* $name),* }
        impl $enum {
            pub(crate) const TEXTS: &[&str] = &[$($text),*];
            pub(crate) fn text(self) -> &'static str { Self::TEXTS[self as usize] }
        }
    };
}
pub(crate) use define_ops;
