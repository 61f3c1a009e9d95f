//! A WebAssembly engine that never generates machine code, with WASI Preview 1 built in.
//!
//! The life of a module: bytes → [`Module`] → (with a [`Linker`]) [`Instance`] in a [`Store`] → a call →
//! results, an exit code, a trap, or a paused run.

pub mod engine;
pub mod wasi;

pub use engine::*;
pub use wasi::{Stdin, WasiEnv, WasiEnvBuilder, create_wasi_linker};
