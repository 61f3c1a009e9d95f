//! stitch: threaded code by tail calls, as fast as its compiler makes them. Kernels only: it miscompiles real programs.

use makepad_stitch::{Engine, Instance, Linker, Module, Store, Val};

use super::locked_version;
use crate::Result;
use crate::wasi::Wasi;
use crate::workload::Class;

pub struct Stitch;

struct Loaded {
    store: Store,
    module: Module,
}

struct Running {
    store: Store,
    instance: Instance,
}

impl super::Engine for Stitch {
    fn name(&self) -> &'static str {
        "stitch"
    }

    fn version(&self) -> String {
        locked_version("makepad-stitch")
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let engine = Engine::new();
        let module = Module::new(&engine, &wasm[..])?;
        Ok(Box::new(Loaded {
            store: Store::new(engine),
            module,
        }))
    }

    /// It panics while it compiles some `call_indirect`, and has no SIMD.
    fn fails_on(&self, name: &str, class: Class) -> bool {
        matches!(class, Class::Real | Class::Simd) || name == "virtual"
    }
}

impl super::Module for Loaded {
    fn link(mut self: Box<Self>, _: Option<&Wasi>) -> Result<Box<dyn super::Instance>> {
        let instance = Linker::new().instantiate(&mut self.store, &self.module)?;
        Ok(Box::new(Running {
            store: self.store,
            instance,
        }))
    }
}

impl Running {
    fn call(&mut self, export: &str, arguments: &[Val], results: &mut [Val]) -> Result<()> {
        let func = self
            .instance
            .exported_func(export)
            .ok_or_else(|| format!("no exported function `{export}`"))?;
        Ok(func.call(&mut self.store, arguments, results)?)
    }
}

impl super::Instance for Running {
    fn run(&mut self, argument: i32) -> Result<i64> {
        let mut results = [Val::I64(0)];
        self.call("run", &[Val::I32(argument)], &mut results)?;
        Ok(results[0].to_i64().ok_or("`run` returned no i64")?)
    }

    fn start(&mut self) -> Result<()> {
        self.call("_start", &[], &mut [])
    }
}
