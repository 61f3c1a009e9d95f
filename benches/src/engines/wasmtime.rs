//! wasmtime three times, for scale: Pulley, its interpreter of optimized bytecode, and its compilers Winch (one pass)
//! and Cranelift (optimizing). Behind the feature `wasmtime`, because it builds for a quarter of an hour.
//!
//! Everything is compiled when a module is loaded, on one thread and without its cache of compiled code.

use std::path::Path;

use wasmtime::{Caller, Config, Engine, Error, ExternType, Instance, Linker, Module, Store, Strategy, Val};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::locked_version;
use crate::Result;
use crate::clock::{Spent, measure};
use crate::wasi::{self, Wasi};

pub enum Wasmtime {
    Pulley,
    Winch,
    Cranelift,
}

struct Loaded {
    engine: Engine,
    module: Module,
}

struct Running {
    store: Store<()>,
    instance: Instance,
}

impl super::Engine for Wasmtime {
    fn name(&self) -> &'static str {
        match self {
            Wasmtime::Pulley => "pulley",
            Wasmtime::Winch => "winch",
            Wasmtime::Cranelift => "cranelift",
        }
    }

    fn version(&self) -> String {
        locked_version("wasmtime")
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let (engine, module) = self.compile(wasm)?;
        Ok(Box::new(Loaded { engine, module }))
    }

    fn program(&self, wasm: &[u8], args: &[&str], dir: &Path) -> Result<Spent> {
        let (engine, module) = self.compile(wasm)?;
        let mut linker = Linker::<WasiP1Ctx>::new(&engine);
        p1::add_to_linker_sync(&mut linker, |ctx| ctx)?;
        // As its command line tool does it: files are read and written on the calling thread.
        let ctx = WasiCtxBuilder::new()
            .args(args)
            .inherit_stdio()
            .allow_blocking_current_thread(true)
            .preopened_dir(dir, "/", FsPerms::ReadWrite)?
            .build_p1();
        let mut store = Store::new(&engine, ctx);
        let instance = linker.instantiate(&mut store, &module)?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        let (outcome, spent) = measure(|| start.call(&mut store, ()));
        outcome?;
        Ok(spent)
    }
}

impl Wasmtime {
    fn compile(&self, wasm: &[u8]) -> Result<(Engine, Module)> {
        let mut config = Config::new();
        match self {
            Wasmtime::Pulley => config.target("pulley64")?,
            Wasmtime::Winch => config.strategy(Strategy::Winch),
            Wasmtime::Cranelift => config.strategy(Strategy::Cranelift),
        };
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, wasm)?;
        Ok((engine, module))
    }
}

impl super::Module for Loaded {
    fn link(self: Box<Self>, wasi: Option<&Wasi>) -> Result<Box<dyn super::Instance>> {
        let mut linker = Linker::<()>::new(&self.engine);
        for import in self.module.imports() {
            if let ExternType::Func(ty) = import.ty() {
                let host = wasi.cloned().zip(wasi::function(import.module(), import.name()));
                let call = move |mut caller: Caller<'_, ()>, args: &[Val], results: &mut [Val]| match &host {
                    Some((wasi, function)) => call(wasi, *function, &mut caller, args, results),
                    None => Err(Error::msg("an import was called")),
                };
                linker.func_new(import.module(), import.name(), ty, call)?;
            }
        }
        let mut store = Store::new(&self.engine, ());
        let instance = linker.instantiate(&mut store, &self.module)?;
        Ok(Box::new(Running { store, instance }))
    }
}

fn call(
    wasi: &Wasi,
    function: wasi::Function,
    caller: &mut Caller<'_, ()>,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    let args: Vec<u64> = args
        .iter()
        .map(|arg| match *arg {
            Val::I32(value) => u64::from(value as u32),
            Val::I64(value) => value as u64,
            _ => unreachable!("WASI has integers only"),
        })
        .collect();
    let memory = caller.get_export("memory").and_then(|export| export.into_memory());
    let memory = memory.ok_or_else(|| Error::msg("no memory"))?;
    let errno = wasi
        .call(function, &args, &mut memory.data_mut(caller))
        .map_err(|_| Error::msg("exited"))?;
    if let [result] = results {
        *result = Val::I32(errno as i32);
    }
    Ok(())
}

impl super::Instance for Running {
    fn run(&mut self, argument: i32) -> Result<i64> {
        let run = self.instance.get_typed_func::<i32, i64>(&mut self.store, "run")?;
        Ok(run.call(&mut self.store, argument)?)
    }

    fn start(&mut self) -> Result<()> {
        let start = self.instance.get_typed_func::<(), ()>(&mut self.store, "_start")?;
        Ok(start.call(&mut self.store, ())?)
    }
}
