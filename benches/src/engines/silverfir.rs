//! Silverfir-nano's interpreter: hand-written assembly handlers, everything translated at instantiation.

use sf_nano_core::{Caller, Config, Engine, Import, Instance, Module, Tier, Value, WasmError};
use wasmparser::{Parser, Payload, TypeRef};

use super::locked_version;
use crate::Result;

pub struct Silverfir;

struct Loaded {
    module: Module,
    stubs: Vec<Import>,
}

struct Running(Instance);

impl super::Engine for Silverfir {
    fn name(&self) -> &'static str {
        "silverfir"
    }

    fn version(&self) -> String {
        locked_version("sf-nano-core")
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let module = Module::new("benchmark", &wasm[..])?;
        Ok(Box::new(Loaded {
            module,
            stubs: stubs(&wasm[..])?,
        }))
    }
}

/// A stub for every function import. Its modules do not list their imports, so they are read from the bytes again:
/// one short section, microseconds even in the biggest module.
fn stubs(wasm: &[u8]) -> Result<Vec<Import>> {
    let stub = |_: &mut Caller<'_>, _: &[Value], _: &mut [Value]| Err(WasmError::trap("an import was called"));
    let mut stubs = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(_) = import.ty {
                        stubs.push(Import::func(import.module, import.name, stub));
                    }
                }
            }
            // Imports come before all code, and the code is long.
            Payload::FunctionSection(_) => break,
            _ => {}
        }
    }
    Ok(stubs)
}

impl super::Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn super::Instance>> {
        let engine = Engine::new(Config::new().tier(Tier::Interp)).map_err(|error| error.to_string())?;
        Ok(Box::new(Running(Instance::from_module(
            &engine,
            self.module,
            &self.stubs,
        )?)))
    }
}

impl Running {
    fn call(&mut self, export: &str, arguments: &[Value], results: &mut [Value]) -> Result<()> {
        let func = self
            .0
            .get_func(export)
            .ok_or_else(|| format!("no exported function `{export}`"))?;
        Ok(self.0.call(&func, arguments, results)?)
    }
}

impl super::Instance for Running {
    fn run(&mut self, argument: i32) -> Result<i64> {
        let mut results = [Value::I64(0)];
        self.call("run", &[Value::I32(argument)], &mut results)?;
        match results {
            [Value::I64(sum)] => Ok(sum),
            [other] => Err(format!("`run` returned {other:?}").into()),
        }
    }

    fn start(&mut self) -> Result<()> {
        self.call("_start", &[], &mut [])
    }
}
