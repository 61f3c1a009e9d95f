//! A WebAssembly engine that never generates machine code, with WASI Preview 1 built in.
//!
//! The life of a module: bytes → [`Module`] → (with a [`Linker`]) [`Instance`] in a [`Store`] → a call →
//! results, an exit code, a trap, or a paused run.
//!
//! # A function of a guest, and one of the host
//!
//! Host functions are closures. The first parameter is the memory of the guest that calls; the others and the result
//! are numbers.
//!
//! ```
//! use wasmrun::{Engine, Error, LinearMemory, Linker, Module};
//!
//! fn main() -> Result<(), Error> {
//!     let engine = Engine::default();
//!     let module = Module::new(&engine, r#"
//!         (module
//!             (import "env" "log" (func $log (param i32 i32)))
//!             (memory 1)
//!             (data (i32.const 8) "adding")
//!             (func (export "add") (param i32 i32) (result i32)
//!                 (call $log (i32.const 8) (i32.const 6))
//!                 (i32.add (local.get 0) (local.get 1))))"#)?;
//!     let mut linker = Linker::new(&engine);
//!     linker.func("env", "log", |mem: &mut LinearMemory, ptr: u32, len: u32| -> Result<(), Error> {
//!         println!("guest says {}", mem.read_str(ptr, len)?);
//!         Ok(())
//!     })?;
//!     let mut app = linker.instantiate(&module)?;
//!     assert_eq!(app.func::<(i32, i32), i32>("add")?.call((2, 3))?, 5);
//!     Ok(())
//! }
//! ```
//!
//! # A program
//!
//! A program gets its arguments, environment, files and standard streams through [`WasiEnv`], and nothing that is not
//! given to it there.
//!
//! ```standalone_crate
//! use wasmrun::{Config, Engine, Error, LinearMemory, Linker, Module, WasiEnv};
//!
//! fn main() -> Result<(), Error> {
//! #     std::fs::create_dir_all(std::env::temp_dir().join("wasmrun-doctest/testdata"))?;
//! #     std::env::set_current_dir(std::env::temp_dir().join("wasmrun-doctest"))?;
//! #     std::fs::write("app.wasm", wat::parse_str(r#"(module
//! #         (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
//! #         (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
//! #         (import "env" "log" (func $log (param i32 i32)))
//! #         (memory (export "memory") 1)
//! #         (data (i32.const 0) "\10\00\00\00\06\00\00\00") (data (i32.const 16) "hello\n")
//! #         (func (export "_start") (call $log (i32.const 16) (i32.const 5))
//! #             (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (call $exit (i32.const 3)))
//! #         (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#).unwrap())?;
//!     let engine = Engine::new(Config::new().fuel(50_000_000).max_memory(64 << 20));
//!     let module = Module::from_file(&engine, "app.wasm")?;
//!     let wasi = WasiEnv::builder()
//!         .args(["app", "--greet"])
//!         .env("LANG", "C")
//!         .dir_read_only("testdata", "/data")?
//!         .capture_stdout()
//!         .build();
//!     let mut linker = Linker::new(&engine);
//!     linker.wasi(&wasi)?;
//!     linker.func("env", "log", |mem: &mut LinearMemory, ptr: u32, len: u32| -> Result<(), Error> {
//!         eprintln!("guest says {}", mem.read_str(ptr, len)?);
//!         Ok(())
//!     })?;
//!     let mut app = linker.instantiate(&module)?;
//!     match app.run() {
//!         Ok(()) => {}
//!         Err(Error::Exit(code)) => eprintln!("exit {code}"),
//!         Err(err) => return Err(err), // Display prints the named backtrace
//!     }
//!     print!("{}", wasi.stdout_str()?);
//!     println!("{}", app.func::<(i32, i32), i32>("add")?.call((2, 3))?);
//! #   assert_eq!(wasi.stdout_str()?, "hello\n");
//!     Ok(())
//! }
//! ```
//!
//! # The short form
//!
//! An [`Executor`] is one store with one instance in it. The environment can be kept and looked into afterwards, also
//! when the program ended in a trap.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use wasmrun::{Engine, Executor, LinearMemory, Module, WasiEnv, create_wasi_linker};
//!
//! # let bytes = r#"(module
//! #     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
//! #     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
//! #     (memory (export "memory") 1)
//! #     (data (i32.const 0) "\10\00\00\00\03\00\00\00") (data (i32.const 16) "hi\n")
//! #     (func (export "_start")
//! #         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (call $exit (i32.const 7))))"#;
//! # fn status(bytes: &str) -> Result<i32, wasmrun::Error> {
//! let module = Module::new(&Engine::default(), bytes)?;
//! let wasi_env = Arc::new(Mutex::new(
//!     WasiEnv::new()
//!         .with_args(vec!["program".into(), "arg1".into()])
//!         .with_env("KEY".into(), "value".into()),
//! ));
//! let linker = create_wasi_linker(wasi_env.clone());
//! let mut executor = Executor::new_with_linker(module, linker)?;
//! # let func_idx = 2; // `_start`: imports are counted first
//! # let args = vec![];
//! let status = match executor.execute_with_args(func_idx, args) {
//!     Ok(_) => 0,
//!     Err(e) => Executor::is_proc_exit(&e).unwrap_or(-1),
//! };
//! assert_eq!(wasi_env.lock().unwrap().get_stdout(), b"hi\n");
//! # Ok(status)
//! # }
//! # assert_eq!(status(bytes).unwrap(), 7);
//! ```
//!
//! # State, other exports, calls back into the guest
//!
//! A host function that needs more than memory gets a [`Caller`]: the embedder's data, the guest's exports, and the
//! means to call them.
//!
//! ```
//! use wasmrun::{Caller, Engine, Error, Extern, Linker, Module, Store};
//!
//! # fn main() -> Result<(), Error> {
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"
//!     (module
//!         (import "env" "each" (func $each (param i32)))
//!         (func (export "visit") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
//!         (func (export "run") (call $each (i32.const 4))))"#)?;
//! let mut linker = Linker::<Vec<i32>>::with_data(&engine);
//! linker.func_with("env", "each", |caller: &mut Caller<'_, Vec<i32>>, count: i32| -> Result<(), Error> {
//!     let visit = caller.get_export("visit").and_then(Extern::into_func).ok_or_else(|| Error::host("no `visit`"))?;
//!     let visit = visit.typed::<i32, i32>(caller)?;
//!     for at in 0..count {
//!         let square = visit.call(caller, at)?;
//!         caller.data_mut().push(square);
//!     }
//!     Ok(())
//! })?;
//! let mut store = Store::new(&engine, Vec::new());
//! let instance = linker.instantiate_in(&mut store, &module)?;
//! instance.typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
//! assert_eq!(*store.data(), [0, 1, 4, 9]);
//! # Ok(())
//! # }
//! ```
//!
//! # Stopping, and going on later
//!
//! Any run can be stopped from another thread ([`Store::interrupt_handle`]), by a lack of fuel ([`Config::fuel`]), or by
//! a host function that suspends it. A call made with [`Func::call_resumable`] goes on from there.
//!
//! ```
//! use wasmrun::{Engine, Halt, LinearMemory, Linker, Module, Outcome, PauseReason, Store, Suspend, Val};
//!
//! # fn main() -> Result<(), wasmrun::Error> {
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"
//!     (module
//!         (import "env" "fetch" (func $fetch (param i32) (result i32)))
//!         (func (export "sum") (result i32) (i32.add (call $fetch (i32.const 1)) (call $fetch (i32.const 2)))))"#)?;
//! let mut linker = Linker::new(&engine);
//! linker.func("env", "fetch", |_: &mut LinearMemory, key: u32| -> Result<u32, Halt> {
//!     Err(Suspend::new(key).into())
//! })?;
//! let mut store = Store::new(&engine, ());
//! let sum = linker.instantiate_in(&mut store, &module)?.func(&mut store, "sum")?;
//! let mut outcome = sum.call_resumable(&mut store, &[])?;
//! let results = loop {
//!     match outcome {
//!         Outcome::Returned(results) => break results,
//!         Outcome::Paused(pause) => {
//!             let PauseReason::Suspended(suspend) = pause.reason() else { unreachable!("nothing else stops it") };
//!             let key = *suspend.payload::<u32>().expect("a key");
//!             outcome = pause.resume_with(&mut store, &[Val::from(key * 100)])?;
//!         }
//!     }
//! };
//! assert_eq!(results[0].i32(), Some(300));
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! What guests may use is bounded by [`Config`] and [`StoreLimits`]: memory, table elements, the depth of calls.
//! A guest that asks for more gets what the specification answers with (-1 from `memory.grow`, a trap for too deep
//! calls); a module that asks for more at its start is refused with [`Error::Limit`].

pub mod engine;
#[cfg(test)]
mod layers;
pub mod wasi;

pub use engine::*;
pub use wasi::{MemFs, Stdin, WasiEnv, WasiEnvBuilder, WasiThread, WasiThreads, create_wasi_linker};

/// The examples of the README, compiled and run by `cargo test --doc`.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
