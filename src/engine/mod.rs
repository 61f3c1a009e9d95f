//! WebAssembly and nothing else: no files, no clocks, no printing, no WASI.
//!
//! bytes → `decode` → `Module` → (`link`) → `instantiate` → `Instance` in a `Store` → `translate` (lazily, per
//! function) → `code` → `run` → results, `Trap`, exit code, or a paused run.
//!
//! Spec links are relative to <https://webassembly.github.io/spec/core/>, version 3.0 (steps of instantiation: 2.0).

mod catches;
mod code;
mod config;
mod constant;
mod decode;
mod error;
mod exception;
mod executor;
mod func;
mod gc;
mod global;
mod host;
mod initial;
mod instance;
mod instantiate;
mod interrupt;
mod lanes;
mod limits;
mod link;
mod memory;
mod module;
mod num;
mod offsets;
mod ops;
mod register;
mod run;
mod signal;
mod stats;
mod store;
mod table;
mod tag;
mod translate;
mod trap;
mod types;
mod value;

pub use config::{Config, Engine, Features, Optimizations};
pub use error::{
    DecodeError, DecodeReason, Error, ExportError, ImportProblem, InstantiateError, IoError, LimitError, LinkError,
    TypeError,
};
pub use exception::{Exception, ExnRef};
pub use executor::{Executor, TypedCall};
pub use func::{Func, Outcome, Pause, PauseReason, TypedFunc};
pub use global::Global;
pub use host::{Caller, Halt, IntoFunc, IntoFuncWith, IntoHostResult, Suspend};
pub use instance::{Extern, Instance};
pub use interrupt::{Interrupt, InterruptHandle, WakerGuard};
pub use link::Linker;
pub use memory::{Address, GrowError, LinearMemory, Memory, MemoryError, SharedMemory};
pub use module::{ExportType, ImportType, Module};
pub use signal::Signal;
#[cfg(feature = "stats")]
pub use stats::{Executed, ExecutionStats};
pub use stats::{ModuleStats, Translations};
pub use store::{AsStore, AsStoreMut, RunObserver, Store, StoreLimits};
pub use table::Table;
pub use tag::Tag;
pub use translate::{Listing, ListingLine};
pub use trap::{Frame, Trap, TrapReport};
pub use types::{
    ExternType, FuncType, GlobalType, HeapType, MemoryType, RefType, TableType, TagType, TypeId, TypeKind, ValType,
};
pub use value::{AnyRef, ExternRef, Val, WasmParams, WasmResults, WasmTy};

/// How handlers are dispatched in this build: `tail calls` or `portable loop`.
pub fn dispatch_kind() -> &'static str {
    run::dispatch::KIND
}
