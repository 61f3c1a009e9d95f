//! The engines, one file each, behind the smallest interface the benchmarks need.

mod silverfir;
mod stitch;
mod tinywasm;
mod wasmi;
mod wasmrun;
#[cfg(feature = "wasmtime")]
mod wasmtime;

use std::path::Path;

use crate::Result;
use crate::clock::Spent;
use crate::wasi::Wasi;
use crate::workload::Class;

/// An engine as its embedder meets it, in its default configuration.
pub trait Engine {
    fn name(&self) -> &'static str;
    /// The version this binary was built with.
    fn version(&self) -> String;
    /// Decodes and validates, and translates as much as the engine does by default. The bytes are as an embedder has
    /// them after reading a file: an engine that can keep them takes them, others read them where they are.
    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn Module>>;
    /// Runs a program under the engine's own WASI, with this process's streams and `dir` as `/`; what `_start` took.
    fn program(&self, _wasm: &[u8], _args: &[&str], _dir: &Path) -> Result<Spent> {
        Err(format!("{} has no WASI of its own here", self.name()).into())
    }
    /// Whether the workload called `name` is known to fail under it: left out, and the table shows it.
    fn fails_on(&self, _name: &str, _class: Class) -> bool {
        false
    }
}

pub trait Module {
    /// Links and instantiates. Imported functions of WASI are those of `wasi`; without it, and all others, are stubs
    /// that end the run.
    fn link(self: Box<Self>, wasi: Option<&Wasi>) -> Result<Box<dyn Instance>>;

    /// Links with nothing but stubs: enough to the point where the first instruction could run, and for kernels.
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        self.link(None)
    }
}

pub trait Instance {
    /// Calls the export `run`, as all kernels have it.
    fn run(&mut self, argument: i32) -> Result<i64>;
    /// Calls the export `_start`.
    fn start(&mut self) -> Result<()>;
    /// What has been translated so far, if the engine tells.
    fn translated(&self) -> Option<Translated> {
        None
    }
}

pub struct Translated {
    /// Of the engine's internal code.
    pub code_bytes: u64,
    /// Of the function bodies it was made from.
    pub body_bytes: u64,
}

/// All engines, ours first.
pub fn all() -> Vec<Box<dyn Engine>> {
    vec![
        Box::new(wasmrun::Wasmrun { lazy: false }),
        Box::new(wasmi::Wasmi { lazy: false }),
        Box::new(silverfir::Silverfir),
        Box::new(tinywasm::Tinywasm),
        Box::new(stitch::Stitch),
        #[cfg(feature = "wasmtime")]
        Box::new(wasmtime::Wasmtime::Pulley),
        #[cfg(feature = "wasmtime")]
        Box::new(wasmtime::Wasmtime::Winch),
        #[cfg(feature = "wasmtime")]
        Box::new(wasmtime::Wasmtime::Cranelift),
    ]
}

/// Modes of engines that are measured when asked for by name.
pub fn lazy() -> Vec<Box<dyn Engine>> {
    vec![
        Box::new(wasmrun::Wasmrun { lazy: true }),
        Box::new(wasmi::Wasmi { lazy: true }),
    ]
}

/// The version of `package` in the lock file this binary was built from.
fn locked_version(package: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let version = lock
        .split_once(&format!("name = \"{package}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version);
    version.unwrap_or("unknown").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::KERNELS;

    #[test]
    fn every_engine_computes_the_native_checksums() {
        for engine in all() {
            for kernel in KERNELS
                .iter()
                .filter(|kernel| !engine.fails_on(kernel.name, kernel.class))
            {
                let mut instance = engine.load(&mut kernel.wasm.to_vec()).unwrap().instantiate().unwrap();
                let sum = instance.run(kernel.quick.argument).unwrap();
                assert_eq!(sum, kernel.quick.checksum, "{} under {}", kernel.name, engine.name());
            }
        }
    }

    #[test]
    fn versions_are_known() {
        for engine in all() {
            assert_ne!(engine.version(), "unknown", "{}", engine.name());
        }
    }
}
