//! WASI Preview 1. (Placeholder; the WASI part replaces it.)

use std::sync::{Arc, Mutex};

use crate::engine::Linker;

/// What a WASI program gets from the host.
#[derive(Clone, Debug, Default)]
pub struct WasiEnv;

impl WasiEnv {
    /// Nothing granted.
    pub fn new() -> WasiEnv {
        WasiEnv
    }
}

/// A linker with the functions of WASI Preview 1.
pub fn create_wasi_linker(env: Arc<Mutex<WasiEnv>>) -> Linker {
    let _ = env;
    Linker::default()
}
