//! A WebAssembly engine that never generates machine code, with WASI Preview 1 built in.
//!
//! The life of a module: bytes → [`Module`] → (with a [`Linker`]) [`Instance`] in a [`Store`] → a call →
//! results, an exit code, a trap, or a paused run.

pub mod engine;
pub mod wasi;

pub use engine::{
    Caller, Config, Engine, Error, Executor, ExportType, Extern, ExternRef, ExternType, Features,
    Frame, Func, FuncType, Global, GlobalType, Halt, ImportType, Instance, InterruptHandle, LinearMemory, Linker,
    Memory, MemoryError, MemoryType, Module, Optimizations, Outcome, Pause, PauseReason, Store, StoreLimits,
    Suspend, Table, TableType, Trap, TrapReport, TypedFunc, Val, ValType, WasmParams, WasmResults, WasmTy,
};
pub use wasi::{WasiEnv, create_wasi_linker};
