//! wasmi 2: validates everything at once, translates each function on its first call (its default mode); or validates
//! each function on its first call, too.

use std::collections::BTreeSet;

use wasmi::{Caller, CompilationMode, Config, Engine, Error, Extern, ExternType, Instance, Linker, Module, Store, Val};

use super::locked_version;
use crate::Result;
use crate::wasi::{self, Wasi};
use crate::workload::Class;

pub struct Wasmi {
    pub lazy: bool,
}

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
        if self.lazy { "wasmi-lazy" } else { "wasmi" }
    }

    fn version(&self) -> String {
        locked_version("wasmi")
    }

    /// SIMD is a feature of its, which costs speed elsewhere.
    fn fails_on(&self, _: &str, class: Class) -> bool {
        class == Class::Simd && cfg!(not(feature = "simd"))
    }

    fn load(&self, wasm: &mut Vec<u8>) -> Result<Box<dyn super::Module>> {
        let mut config = Config::default();
        if self.lazy {
            config.compilation_mode(CompilationMode::Lazy);
        }
        let engine = Engine::new(&config);
        let module = Module::new(&engine, &wasm[..])?;
        Ok(Box::new(Loaded { engine, module }))
    }
}

impl super::Module for Loaded {
    fn link(self: Box<Self>, wasi: Option<&Wasi>) -> Result<Box<dyn super::Instance>> {
        let mut linker = Linker::<()>::new(&self.engine);
        // A module may import the same thing twice, as Go's do.
        let mut seen = BTreeSet::new();
        for import in self.module.imports() {
            if let ExternType::Func(ty) = import.ty()
                && seen.insert((import.module(), import.name()))
            {
                let host = wasi.cloned().zip(wasi::function(import.module(), import.name()));
                let call = move |mut caller: Caller<'_, ()>, args: &[Val], results: &mut [Val]| match &host {
                    Some((wasi, function)) => call(wasi, *function, &mut caller, args, results),
                    None => Err(Error::new("an import was called")),
                };
                linker.func_new(import.module(), import.name(), ty.clone(), call)?;
            }
        }
        let mut store = Store::new(&self.engine, ());
        let instance = linker.instantiate_and_start(&mut store, &self.module)?;
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
    let memory = caller
        .get_export("memory")
        .and_then(Extern::into_memory)
        .ok_or(Error::new("no memory"))?;
    let errno = wasi
        .call(function, &args, &mut memory.data_mut(caller))
        .map_err(|_| Error::new("exited"))?;
    if let [result] = results {
        *result = Val::I32(errno as i32);
    }
    Ok(())
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
