//! wasmi 2: validates everything at once, translates each function on its first call (its default mode).

use wasmi::{Engine, Error, ExternType, Instance, Linker, Module, Store};

use super::locked_version;
use crate::Result;

pub struct Wasmi;

struct Loaded {
    engine: Engine,
    module: Module,
}

struct Running {
    store: Store<()>,
    instance: Instance,
}

impl super::Engine for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi"
    }

    fn version(&self) -> String {
        locked_version("wasmi")
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let engine = Engine::default();
        let module = Module::new(&engine, &wasm[..])?;
        Ok(Box::new(Loaded { engine, module }))
    }
}

impl super::Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn super::Instance>> {
        let mut linker = Linker::<()>::new(&self.engine);
        for import in self.module.imports() {
            if let ExternType::Func(ty) = import.ty() {
                let stub = |_: wasmi::Caller<'_, ()>, _: &[wasmi::Val], _: &mut [wasmi::Val]| {
                    Err(Error::new("an import was called"))
                };
                linker.func_new(import.module(), import.name(), ty.clone(), stub)?;
            }
        }
        let mut store = Store::new(&self.engine, ());
        let instance = linker.instantiate_and_start(&mut store, &self.module)?;
        Ok(Box::new(Running { store, instance }))
    }
}

impl super::Instance for Running {
    fn run(&mut self, argument: i32) -> Result<i64> {
        Ok(self
            .instance
            .get_typed_func::<i32, i64>(&self.store, "run")?
            .call(&mut self.store, argument)?)
    }

    fn start(&mut self) -> Result<()> {
        Ok(self
            .instance
            .get_typed_func::<(), ()>(&self.store, "_start")?
            .call(&mut self.store, ())?)
    }
}
