//! `Executor`: one store with one instance in it.

use super::error::Error;
use super::func::TypedFunc;
use super::instance::Instance;
use super::interrupt::InterruptHandle;
use super::link::Linker;
use super::memory::LinearMemory;
use super::module::Module;
use super::store::Store;
use super::value::{Val, WasmParams, WasmResults};

/// One instance in a store of its own: the shortest way from a module to a call.
pub struct Executor<T = ()> {
    store: Store<T>,
    instance: Instance,
}

impl<T: Send + 'static> Executor<T> {
    /// Instantiates `module` with the imports `linker` has and runs its start function.
    ///
    /// # Errors
    /// As [`Linker::instantiate_in`].
    pub fn new_with_linker(module: Module, linker: Linker<T>) -> Result<Executor<T>, Error>
    where
        T: Default,
    {
        linker.instantiate(&module)
    }

    /// Calls a function by its index in the module, imports counted first.
    ///
    /// # Errors
    /// As [`Func::call`](crate::Func::call); [`Error::Export`] when there is no such function.
    pub fn execute_with_args(&mut self, func_idx: impl TryInto<u32>, args: Vec<Val>) -> Result<Vec<Val>, Error> {
        let _ = (func_idx, args);
        todo!()
    }

    /// Runs a program: `_initialize` first if it is there, then `_start`, else `main`. Exit code 0 is a success.
    ///
    /// # Errors
    /// [`Error::Exit`] with any other code, [`Error::Export`] when there is nothing to run, and as
    /// [`Func::call`](crate::Func::call).
    pub fn run(&mut self) -> Result<(), Error> {
        todo!()
    }

    /// An exported function, to be called with `P` for `R`.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none, [`Error::Type`] if its type is another.
    pub fn func<P: WasmParams, R: WasmResults>(&mut self, name: &str) -> Result<TypedCall<'_, T, P, R>, Error> {
        let func = self.instance.typed_func(&mut self.store, name)?;
        Ok(TypedCall { store: &mut self.store, func })
    }

    /// Calls an exported function.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none, and as [`Func::call`](crate::Func::call).
    pub fn invoke(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
        self.instance.func(&mut self.store, name)?.call(&mut self.store, args)
    }

    /// The store.
    pub fn store(&self) -> &Store<T> {
        &self.store
    }

    /// The store, to change.
    pub fn store_mut(&mut self) -> &mut Store<T> {
        &mut self.store
    }

    /// The instance.
    pub fn instance(&self) -> Instance {
        self.instance
    }

    /// Memory 0 of the instance; `None` if it has none.
    pub fn memory(&mut self) -> Option<&mut LinearMemory> {
        todo!()
    }

    /// With it another thread can ask a run to stop.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.store.interrupt_handle()
    }
}

impl Executor {
    /// The exit code, if `error` says that the guest asked to exit, however deep it is wrapped.
    pub fn is_proc_exit(error: &(dyn std::error::Error + 'static)) -> Option<i32> {
        let _ = error;
        todo!()
    }
}

/// An exported function with the store it runs in.
pub struct TypedCall<'e, T, P, R> {
    store: &'e mut Store<T>,
    func: TypedFunc<P, R>,
}

impl<T: Send + 'static, P: WasmParams, R: WasmResults> TypedCall<'_, T, P, R> {
    /// Calls it and waits until it ends.
    ///
    /// # Errors
    /// As [`Func::call`](crate::Func::call).
    pub fn call(&mut self, args: P) -> Result<R, Error> {
        self.func.call(self.store, args)
    }
}
