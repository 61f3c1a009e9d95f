//! wasmrun itself: validates everything at once, translates each function on its first call (its default mode); or
//! validates each function on its first call, too.

use std::collections::BTreeSet;
use std::path::Path;

use wasmrun::{Caller, Config, Engine, Error, Executor, ExternType, Halt, Linker, Module, Val, WasiEnv};

use super::Translated;
use crate::Result;
use crate::clock::{Spent, measure};
use crate::wasi::{self, Wasi};

pub struct Wasmrun {
    pub lazy: bool,
}

struct Loaded {
    engine: Engine,
    module: Module,
}

struct Running {
    executor: Executor<()>,
    module: Module,
}

impl super::Engine for Wasmrun {
    fn name(&self) -> &'static str {
        if self.lazy { "wasmrun-lazy" } else { "wasmrun" }
    }

    fn version(&self) -> String {
        super::locked_version("wasmrun")
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let engine = Engine::new(Config::new().lazy_validation(self.lazy));
        let module = Module::from_vec(&engine, std::mem::take(wasm))?;
        Ok(Box::new(Loaded { engine, module }))
    }

    fn program(&self, wasm: &[u8], args: &[&str], dir: &Path) -> Result<Spent> {
        let engine = Engine::new(Config::new().lazy_validation(self.lazy));
        let module = Module::new(&engine, wasm)?;
        let env = WasiEnv::builder().args(args).dir(dir, "/")?.inherit_stdio().build();
        let mut linker = Linker::new(&engine);
        linker.wasi(&env)?;
        let mut executor = linker.instantiate(&module)?;
        let (outcome, spent) = measure(|| executor.run());
        outcome?;
        Ok(spent)
    }
}

impl super::Module for Loaded {
    fn link(self: Box<Self>, wasi: Option<&Wasi>) -> Result<Box<dyn super::Instance>> {
        let mut linker = Linker::<()>::new(&self.engine);
        // A module may import the same thing twice, as Go's do.
        let mut seen = BTreeSet::new();
        for import in self.module.imports() {
            if let (ExternType::Func(ty), Some(wasi)) = (import.ty, wasi)
                && seen.insert((import.module, import.name))
                && let Some(function) = wasi::function(import.module, import.name)
            {
                let wasi = wasi.clone();
                let call = move |caller: &mut Caller<'_>, args: &[Val], results: &mut [Val]| -> Result<(), Halt> {
                    call(&wasi, function, caller, args, results)
                };
                linker.func_raw(import.module, import.name, ty, call)?;
            }
        }
        linker.stub_unknown_imports(&self.module)?;
        Ok(Box::new(Running {
            executor: linker.instantiate(&self.module)?,
            module: self.module,
        }))
    }
}

fn call(
    wasi: &Wasi,
    function: wasi::Function,
    caller: &mut Caller<'_>,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Halt> {
    let args: Vec<u64> = args
        .iter()
        .map(|arg| match *arg {
            Val::I32(value) => u64::from(value as u32),
            Val::I64(value) => value as u64,
            _ => unreachable!("WASI has integers only"),
        })
        .collect();
    let memory = caller.memory().ok_or(Error::Host("no memory".into()))?;
    let errno = wasi
        .call(function, &args, &mut memory.data_mut())
        .map_err(|_| Error::Host("exited".into()))?;
    if let [result] = results {
        *result = Val::I32(errno as i32);
    }
    Ok(())
}

impl super::Instance for Running {
    fn run(&mut self, argument: i32) -> Result<i64> {
        Ok(self.executor.func::<(i32,), i64>("run")?.call((argument,))?)
    }

    fn start(&mut self) -> Result<()> {
        Ok(self.executor.func::<(), ()>("_start")?.call(())?)
    }

    fn translated(&self) -> Option<Translated> {
        let translated = self.module.stats().translated;
        Some(Translated {
            code_bytes: translated.code_bytes as u64,
            body_bytes: translated.body_bytes as u64,
        })
    }
}
