//! The engines, one file each, behind the smallest interface the benchmarks need.

mod silverfir;
mod stitch;
mod tinywasm;
mod wasmi;
mod wasmrun;

use crate::Result;
use crate::wasi::Wasi;

/// An engine as its embedder meets it, in its default configuration.
pub trait Engine {
    fn name(&self) -> &'static str;
    /// The version this binary was built with.
    fn version(&self) -> String;
    /// Decodes and validates, and translates as much as the engine does by default. The bytes are as an embedder has
    /// them after reading a file: an engine that can keep them takes them, others read them where they are.
    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn Module>>;
    /// Whether the program called `name` is compared under it: known failures are left out, and the table shows it.
    fn runs_program(&self, _name: &str) -> bool {
        true
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
}

/// All engines, ours first.
pub fn all() -> Vec<Box<dyn Engine>> {
    vec![
        Box::new(wasmrun::Wasmrun),
        Box::new(wasmi::Wasmi),
        Box::new(silverfir::Silverfir),
        Box::new(tinywasm::Tinywasm),
        Box::new(stitch::Stitch),
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
            for kernel in KERNELS {
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
