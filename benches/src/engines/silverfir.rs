//! Silverfir-nano's interpreter: hand-written assembly handlers, everything translated at instantiation.

use sf_nano_core::{Caller, Config, Engine, Import, Instance, Module, Tier, Value, WasmError};
use wasmparser::{Parser, Payload, TypeRef};

use super::locked_version;
use crate::Result;
use crate::wasi::{self, Wasi};
use crate::workload::Class;

pub struct Silverfir;

struct Loaded {
    module: Module,
    /// By module and name.
    imports: Vec<(String, String)>,
}

struct Running(Instance);

impl super::Engine for Silverfir {
    fn name(&self) -> &'static str {
        "silverfir"
    }

    fn version(&self) -> String {
        locked_version("sf-nano-core")
    }

    /// It has no SIMD.
    fn fails_on(&self, _: &str, class: Class) -> bool {
        class == Class::Simd
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let module = Module::new("benchmark", &wasm[..])?;
        Ok(Box::new(Loaded {
            module,
            imports: function_imports(&wasm[..])?,
        }))
    }
}

/// The names of all function imports. Its modules do not list their imports, so they are read from the bytes again:
/// one short section, microseconds even in the biggest module.
fn function_imports(wasm: &[u8]) -> Result<Vec<(String, String)>> {
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(_) = import.ty {
                        imports.push((import.module.to_string(), import.name.to_string()));
                    }
                }
            }
            // Imports come before all code, and the code is long.
            Payload::FunctionSection(_) => break,
            _ => {}
        }
    }
    Ok(imports)
}

impl super::Module for Loaded {
    fn link(self: Box<Self>, wasi: Option<&Wasi>) -> Result<Box<dyn super::Instance>> {
        let engine = Engine::new(Config::new().tier(Tier::Interp)).map_err(|error| error.to_string())?;
        let imports: Vec<Import> = self
            .imports
            .iter()
            .map(|(module, name)| {
                let host = wasi.cloned().zip(wasi::function(module, name));
                let call = move |caller: &mut Caller<'_>, args: &[Value], results: &mut [Value]| match &host {
                    Some((wasi, function)) => call(wasi, *function, caller, args, results),
                    None => Err(WasmError::trap("an import was called")),
                };
                Import::func(module, name, call)
            })
            .collect();
        Ok(Box::new(Running(Instance::from_module(
            &engine,
            self.module,
            &imports,
        )?)))
    }
}

fn call(
    wasi: &Wasi,
    function: wasi::Function,
    caller: &mut Caller<'_>,
    args: &[Value],
    results: &mut [Value],
) -> Result<(), WasmError> {
    let args: Vec<u64> = args
        .iter()
        .map(|arg| match *arg {
            Value::I32(value) => u64::from(value as u32),
            Value::I64(value) => value as u64,
            _ => unreachable!("WASI has integers only"),
        })
        .collect();
    let mut memory = caller.memory_mut().ok_or(WasmError::trap("no memory"))?;
    let errno = wasi
        .call(function, &args, &mut memory)
        .map_err(|_| WasmError::trap("exited"))?;
    if let [result] = results {
        *result = Value::I32(errno as i32);
    }
    Ok(())
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
