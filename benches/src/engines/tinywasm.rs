//! tinywasm: an interpreter in safe Rust, everything translated while parsing, on several threads for big modules.

use tinywasm::types::ImportType;
use tinywasm::{Error, HostFunction, Imports, Module, ModuleInstance, Store};

use super::locked_version;
use crate::Result;

pub struct Tinywasm;

struct Loaded(Module);

struct Running {
    store: Store,
    instance: ModuleInstance,
}

impl super::Engine for Tinywasm {
    fn name(&self) -> &'static str {
        "tinywasm"
    }

    fn version(&self) -> String {
        locked_version("tinywasm")
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        Ok(Box::new(Loaded(tinywasm::parse_bytes(&wasm[..])?)))
    }
}

impl super::Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn super::Instance>> {
        let mut store = Store::default();
        let mut imports = Imports::new();
        for import in self.0.imports() {
            if let ImportType::Func(ty) = import.ty {
                let stub = |_: tinywasm::FuncContext<'_>, _: &[tinywasm::types::WasmValue]| {
                    Err(Error::Other("an import was called".into()))
                };
                imports.define(
                    import.module,
                    import.name,
                    HostFunction::from_untyped(&mut store, ty, stub),
                );
            }
        }
        let instance = ModuleInstance::instantiate(&mut store, &self.0, Some(imports))?;
        Ok(Box::new(Running { store, instance }))
    }
}

impl super::Instance for Running {
    fn run(&mut self, argument: i32) -> Result<i64> {
        Ok(self
            .instance
            .func::<i32, i64>(&self.store, "run")?
            .call(&mut self.store, argument)?)
    }

    fn start(&mut self) -> Result<()> {
        Ok(self
            .instance
            .func::<(), ()>(&self.store, "_start")?
            .call(&mut self.store, ())?)
    }
}
