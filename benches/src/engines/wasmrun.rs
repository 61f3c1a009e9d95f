//! wasmrun itself: validates everything at once, translates each function on its first call (its default mode).

use wasmrun::{Config, Engine, Executor, Linker, Module};

use crate::Result;

pub struct Wasmrun;

struct Loaded {
    engine: Engine,
    module: Module,
}

struct Running(Executor<()>);

impl super::Engine for Wasmrun {
    fn name(&self) -> &'static str {
        "wasmrun"
    }

    fn version(&self) -> String {
        super::locked_version("wasmrun")
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let engine = Engine::new(Config::new());
        let module = Module::from_vec(&engine, std::mem::take(wasm))?;
        Ok(Box::new(Loaded { engine, module }))
    }
}

impl super::Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn super::Instance>> {
        let mut linker = Linker::<()>::new(&self.engine);
        linker.stub_unknown_imports(&self.module)?;
        Ok(Box::new(Running(linker.instantiate(&self.module)?)))
    }
}

impl super::Instance for Running {
    fn run(&mut self, argument: i32) -> Result<i64> {
        Ok(self.0.func::<(i32,), i64>("run")?.call((argument,))?)
    }

    fn start(&mut self) -> Result<()> {
        Ok(self.0.func::<(), ()>("_start")?.call(())?)
    }
}
