//! tinywasm: an interpreter in safe Rust, everything translated while parsing, on several threads for big modules.

use tinywasm::types::{ImportType, WasmValue};
use tinywasm::{Error, FuncContext, HostFunction, Imports, Memory, Module, ModuleInstance, Store};

use super::locked_version;
use crate::Result;
use crate::wasi::{self, OutOfBounds, Wasi};
use crate::workload::Class;

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

    /// CPython ends at its start with an errno from inside the module that no other engine here sees.
    fn fails_on(&self, name: &str, _: Class) -> bool {
        name == "cpython"
    }
}

impl super::Module for Loaded {
    fn link(self: Box<Self>, wasi: Option<&Wasi>) -> Result<Box<dyn super::Instance>> {
        let mut store = Store::default();
        let mut imports = Imports::new();
        for import in self.0.imports() {
            if let ImportType::Func(ty) = import.ty {
                let host = wasi.cloned().zip(wasi::function(import.module, import.name));
                let has_result = !ty.results().is_empty();
                let call = move |mut context: FuncContext<'_>, args: &[WasmValue]| match &host {
                    Some((wasi, function)) => call(wasi, *function, &mut context, args, has_result),
                    None => Err(Error::Other("an import was called".into())),
                };
                imports.define(
                    import.module,
                    import.name,
                    HostFunction::from_untyped(&mut store, ty, call),
                );
            }
        }
        let instance = ModuleInstance::instantiate(&mut store, &self.0, Some(imports))?;
        Ok(Box::new(Running { store, instance }))
    }
}

fn call(
    wasi: &Wasi,
    function: wasi::Function,
    context: &mut FuncContext<'_>,
    args: &[WasmValue],
    has_result: bool,
) -> tinywasm::Result<Vec<WasmValue>> {
    let args: Vec<u64> = args
        .iter()
        .map(|arg| match *arg {
            WasmValue::I32(value) => u64::from(value as u32),
            WasmValue::I64(value) => value as u64,
            _ => unreachable!("WASI has integers only"),
        })
        .collect();
    let memory = context.memory("memory")?;
    let mut memory = Reached {
        memory,
        store: context.store_mut(),
    };
    let errno = wasi
        .call(function, &args, &mut memory)
        .map_err(|_| Error::Other("exited".into()))?;
    Ok(has_result.then_some(WasmValue::I32(errno as i32)).into_iter().collect())
}

/// Its memories are not slices; they copy.
struct Reached<'a> {
    memory: Memory,
    store: &'a mut Store,
}

impl wasi::Memory for Reached<'_> {
    fn read(&self, at: u32, bytes: &mut [u8]) -> Result<(), OutOfBounds> {
        self.memory
            .read_exact(self.store, at as usize, bytes)
            .map_err(|_| OutOfBounds)
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        self.memory
            .copy_from_slice(self.store, at as usize, bytes)
            .map_err(|_| OutOfBounds)
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
