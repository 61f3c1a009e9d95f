//! WebAssembly and nothing else: no files, no clocks, no printing, no WASI.
//!
//! bytes → `decode` → `Module` → (`link`) → `instantiate` → `Instance` in a `Store` → `translate` (lazily, per
//! function) → `code` → `run` → results, `Trap`, exit code, or a paused run.
//!
//! Spec links are relative to <https://webassembly.github.io/spec/core/>, version 3.0.

mod config;
mod error;
mod executor;
mod func;
mod global;
mod host;
mod instance;
mod instantiate;
mod interrupt;
mod decode;
mod link;
mod memory;
mod module;
mod run;
mod store;
mod table;
mod trap;
mod types;
mod value;

pub use config::{Config, Engine, Features, Optimizations};
pub use error::{Error, ErrorContext};
pub use executor::Executor;
pub use func::{Func, Outcome, Pause, PauseReason, TypedFunc};
pub use global::Global;
pub use host::{Caller, Halt, Suspend};
pub use instance::{Extern, Instance};
pub use interrupt::InterruptHandle;
pub use link::Linker;
pub use memory::{LinearMemory, Memory, MemoryError};
pub use module::{ExportType, ImportType, Module};
pub use store::{Store, StoreLimits};
pub use table::Table;
pub use trap::{Frame, Trap, TrapReport};
pub use types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType};
pub use value::{ExternRef, Val, WasmParams, WasmResults, WasmTy};
