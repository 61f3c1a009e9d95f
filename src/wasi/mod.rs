//! WASI Preview 1 (`wasi_snapshot_preview1`), over a guest's memory and a [`Linker`].
//!
//! A call goes `funcs.rs` (the table: types, arguments, results) → a handler named like the function, in the file of
//! its family → the descriptor's rights (`descriptor.rs`) → whoever keeps the file (`fs/`): the host
//! (`sandbox.rs` for paths, `host/` for what is open) or this process's memory.
//! What guests get is in [`WasiEnv`]; numbers and layouts are in `abi.rs`; guest memory is touched through `memory.rs`.
//!
//! What always holds: nothing is granted that was not asked for; a guest-chosen length is checked before anything is
//! allocated or moved; no handler waits where a request to stop would not end it (`ctx::wait`); `docs/wasi.md` and the
//! table agree.
//!
//! Specification: the `witx` files of the WebAssembly/WASI repository, phase `snapshot`, version preview1.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

mod abi;
mod args;
mod call;
mod clock;
mod ctx;
mod descriptor;
mod env;
mod environ;
mod fd;
mod fd_table;
mod fs;
mod funcs;
mod host;
mod memory;
mod missed;
mod outlet;
mod path;
mod poll;
mod preview;
mod proc;
mod profile;
mod random;
mod sandbox;
mod sched;
mod sock;
mod stdio;
mod terminal;
#[cfg(test)]
mod testing;
mod threads;
mod trace;

use std::sync::{Arc, Mutex, PoisonError};

pub use clock::{Clock, FixedClock, HostClock};
pub use env::{WasiEnv, WasiEnvBuilder};
pub use fs::MemFs;
pub use funcs::{FUNCTIONS, Function, MODULE, State, UNSTABLE_MODULE};
pub use proc::ProcExit;
pub use profile::{Access, Family, Profile, UnknownProfile};
pub use stdio::{OutputChunk, OutputStream, Stdin};
pub use threads::{WasiThread, WasiThreads};
pub use trace::TraceFilter;

use crate::engine::{Error, Linker};

impl<T: Send + 'static> Linker<T> {
    /// Defines all functions of WASI Preview 1, working on `env`, and those of its predecessor `wasi_unstable`, where names
    /// that are taken are replaced.
    ///
    /// # Errors
    /// [`Error::Type`] when one of the names is taken, [`Error::Host`] when `env` holds what cannot be passed to a
    /// guest: an argument or a variable with a NUL inside.
    pub fn wasi(&mut self, env: &WasiEnv) -> Result<&mut Self, Error> {
        env.check()?;
        funcs::define(self, env)?;
        Ok(self.observe_runs(env.cpu_time()))
    }
}

/// A linker with all functions of WASI Preview 1, working on whatever environment the mutex holds when they are called.
///
/// The mutex is held for a moment per call only, so that the embedder can look at the output while a guest waits.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use wasmrun::{WasiEnv, create_wasi_linker};
///
/// let wasi_env = Arc::new(Mutex::new(WasiEnv::new().with_args(vec!["program".into(), "arg1".into()])));
/// let linker = create_wasi_linker(wasi_env.clone());
/// # drop(linker);
/// ```
pub fn create_wasi_linker(env: Arc<Mutex<WasiEnv>>) -> Linker {
    let mut linker = Linker::default();
    let cpu_time = env.lock().unwrap_or_else(PoisonError::into_inner).cpu_time();
    linker.observe_runs(cpu_time);
    match funcs::define(&mut linker, &env) {
        Ok(()) => linker,
        Err(err) => unreachable!("names are only taken in a linker that has some: {err}"),
    }
}

impl funcs::World for WasiEnv {
    fn with<R>(&self, work: impl FnOnce(&mut ctx::WasiCtx) -> R) -> R {
        WasiEnv::with(self, work)
    }
}

impl funcs::World for Arc<Mutex<WasiEnv>> {
    fn with<R>(&self, work: impl FnOnce(&mut ctx::WasiCtx) -> R) -> R {
        // Not held while the call waits: `get_stdout` would have to wait with it.
        let env = self.lock().unwrap_or_else(PoisonError::into_inner).clone();
        env.with(work)
    }
}
