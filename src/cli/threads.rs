//! `--threads`: what the threads of a program are made of.

use wasmrun::{Error, ExternType, Linker, Module, SharedMemory, Store, WasiThread, WasiThreads};

/// The function a thread begins with: its id, and what its maker passed on.
const START: &str = "wasi_thread_start";

/// Defines `thread-spawn` and the memory the threads share. A thread is an instance in a store of its own, linked as the
/// main one is.
///
/// # Errors
/// [`Error::Limit`] or [`Error::Instantiate`] when the memory cannot be had.
pub fn link(linker: &mut Linker, module: &Module, max: u32) -> Result<WasiThreads, Error> {
    for import in module.imports() {
        if let ExternType::Memory(ty) = import.ty
            && ty.shared
        {
            let memory = SharedMemory::new(module.engine(), ty)?;
            linker.define_shared(import.module, import.name, &memory)?;
        }
    }
    let threads = WasiThreads::new(max);
    linker.wasi_threads(&threads)?;
    let (linker, module) = (linker.clone(), module.clone());
    threads.on_spawn(move |id, argument| {
        let mut store = Store::new(module.engine(), ());
        let interrupt = store.interrupt_handle();
        let instance = linker.instantiate_in(&mut store, &module)?;
        let start = instance.typed_func::<(i32, i32), ()>(&mut store, START)?;
        Ok(WasiThread {
            interrupt,
            run: Box::new(move || start.call(&mut store, (id, argument))),
        })
    });
    Ok(threads)
}
