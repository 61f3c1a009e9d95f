//! `Executor`: one store with one instance in it.

use std::sync::Arc;

use super::error::{Error, signature_mismatch};
use super::func::{Func, TypedFunc};
use super::instance::{Instance, InstanceId, no_export};
use super::interrupt::InterruptHandle;
use super::link::Linker;
use super::memory::LinearMemory;
use super::module::{Export, Kind, Module};
use super::store::{InnerMut as _, Store};
use super::types::{FuncType, ValType};
use super::value::{Val, WasmParams, WasmResults};

/// One instance in a store of its own: the shortest way from a module to a call.
///
/// A reactor (a module that exports `_initialize`) is initialised before the first call.
#[derive(Debug)]
pub struct Executor<T = ()> {
    store: Store<T>,
    instance: Instance,
    initialized: bool,
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

    /// An instance with the store it is in.
    ///
    /// `instance` must be one of `store`; otherwise every call fails with [`Error::Type`].
    pub fn new(store: Store<T>, instance: Instance) -> Executor<T> {
        Executor {
            store,
            instance,
            initialized: false,
        }
    }

    /// Calls a function by its index in the module, imports counted first.
    ///
    /// # Errors
    /// As [`Func::call`]; [`Error::Export`] when there is no such function.
    pub fn execute_with_args(&mut self, func_idx: impl TryInto<u32>, args: Vec<Val>) -> Result<Vec<Val>, Error> {
        let module = self.instance.module(&self.store)?.clone();
        let count = module.inner.funcs.len();
        let Some(index) = func_idx.try_into().ok().filter(|&index| (index as usize) < count) else {
            return Err(Error::type_error(format!(
                "there is no function of that index: the module has {count}"
            )));
        };
        let initialize = module
            .inner
            .export(INITIALIZE)
            .is_some_and(|export| export.is_func(index));
        self.initialize(initialize)?;
        let store = self.store.inner_mut();
        let func = Func::new(store.id, store.func_ref(InstanceId(self.instance.index), index));
        func.call_in(store, &args)
    }

    /// Runs a program: `_initialize` first if it is there, then `_start`, else `main`. Exit code 0 is a success, and
    /// so is a reactor without a `main`.
    ///
    /// # Errors
    /// [`Error::Exit`] with any other code (also when `main` returns it), [`Error::Export`] when there is nothing to
    /// run, and as [`Func::call`].
    pub fn run(&mut self) -> Result<(), Error> {
        let result = self.run_to_exit();
        match result {
            Err(error) if Executor::is_proc_exit(&error) == Some(0) => Ok(()),
            other => other,
        }
    }

    fn run_to_exit(&mut self) -> Result<(), Error> {
        self.initialize(false)?;
        let module = self.instance.module(&self.store)?.clone();
        let export = |name: &str| match *module.inner.export(name)? {
            Export {
                kind: Kind::Func,
                index,
                ..
            } => Some(module.inner.func_type(index)),
            _ => None,
        };
        let command = FuncType::new([], []);
        let mains = [
            ("_start", command.clone()),
            ("main", command.clone()),
            ("main", FuncType::new([], [ValType::I32])),
            // C's form; WASI hands arguments over in another way, so argc is 0 and argv null.
            ("main", FuncType::new([ValType::I32, ValType::I32], [ValType::I32])),
            ("__main_void", FuncType::new([], [ValType::I32])),
            ("_main", command),
        ];
        for (name, ty) in mains {
            if export(name) != Some(&ty) {
                continue;
            }
            let args: Vec<Val> = ty.params().iter().map(|ty| Val::default_for(*ty)).collect();
            return match self.invoke(name, &args)?.as_slice() {
                [Val::I32(code)] if *code != 0 => Err(Error::Exit(*code as u32)),
                _ => Ok(()),
            };
        }
        if export(INITIALIZE).is_some() || module.inner.start.is_some() {
            return Ok(());
        }
        match export("_start") {
            Some(ty) => Err(signature_mismatch("the export `_start`", ty, &FuncType::new([], []))),
            None => Err(no_export(&module, "_start", "function")),
        }
    }

    /// Calls a reactor's `_initialize` unless that was done or is what is being called.
    fn initialize(&mut self, called_now: bool) -> Result<(), Error> {
        if std::mem::replace(&mut self.initialized, true) || called_now {
            return Ok(());
        }
        // Most have none, and the error that says so would cost as much as a short call.
        if self.instance.get(&mut self.store, INITIALIZE).is_none() {
            return Ok(());
        }
        match self.instance.typed_func::<(), ()>(&mut self.store, INITIALIZE) {
            Ok(initialize) => initialize.call(&mut self.store, ()),
            // Something else has this name.
            Err(_) => Ok(()),
        }
    }

    /// An exported function, to be called with `P` for `R`.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none, [`Error::Type`] if its type is another; and whatever ends `_initialize`.
    pub fn func<P: WasmParams, R: WasmResults>(&mut self, name: &str) -> Result<TypedCall<'_, T, P, R>, Error> {
        let func = self.instance.typed_func(&mut self.store, name)?;
        self.initialize(name == INITIALIZE)?;
        Ok(TypedCall {
            store: &mut self.store,
            func,
        })
    }

    /// Calls an exported function.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none, and as [`Func::call`].
    pub fn invoke(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
        let func = self.instance.func(&mut self.store, name)?;
        self.initialize(name == INITIALIZE)?;
        func.call(&mut self.store, args)
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
        let store = self.store.inner_mut();
        store.check_handle(self.instance.store, "instance").ok()?;
        store.sync_limits();
        store.memory_of(InstanceId(self.instance.index))
    }

    /// With it another thread can ask a run to stop.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.store.interrupt_handle()
    }
}

/// What a reactor exports to be called once, before everything else.
const INITIALIZE: &str = "_initialize";

impl Executor {
    /// The exit code, if `error` says that the guest asked to exit, however deep it is wrapped.
    ///
    /// The code is the guest's 32 bits. 0 is a success that ended early.
    pub fn is_proc_exit(error: &(dyn std::error::Error + 'static)) -> Option<i32> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(Error::Exit(code)) = as_error(error) {
                return Some(*code as i32);
            }
            // What an `io::Error` was made from is not its source; that one's source is.
            next = match error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref()) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }
}

/// The engine's error, also where it was boxed before it was wrapped.
fn as_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Error> {
    error
        .downcast_ref::<Error>()
        .or_else(|| error.downcast_ref::<Box<Error>>().map(|error| &**error))
        .or_else(|| error.downcast_ref::<Arc<Error>>().map(|error| &**error))
}

/// An exported function with the store it runs in.
#[derive(Debug)]
pub struct TypedCall<'e, T, P, R> {
    store: &'e mut Store<T>,
    func: TypedFunc<P, R>,
}

impl<T: Send + 'static, P: WasmParams, R: WasmResults> TypedCall<'_, T, P, R> {
    /// Calls it and waits until it ends.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub fn call(&mut self, args: P) -> Result<R, Error> {
        self.func.call(self.store, args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_found_however_it_is_wrapped() {
        #[derive(Debug, thiserror::Error)]
        #[error("while running the plugin")]
        struct Wrapper(#[source] Box<dyn std::error::Error + Send + Sync>);

        let exit = || Error::Exit(7);
        assert_eq!(Executor::is_proc_exit(&exit()), Some(7));
        assert_eq!(Executor::is_proc_exit(&Error::Host(exit().into())), Some(7));
        assert_eq!(
            Executor::is_proc_exit(&Wrapper(Box::new(Error::Host(exit().into())))),
            Some(7)
        );
        assert_eq!(
            Executor::is_proc_exit(&std::io::Error::other(Wrapper(exit().into()))),
            Some(7)
        );
        assert_eq!(Executor::is_proc_exit(&std::io::Error::other(exit())), Some(7));
        assert_eq!(Executor::is_proc_exit(&Wrapper(Box::new(Box::new(exit())))), Some(7));
        let boxed: Box<dyn std::error::Error> = Box::new(Wrapper(exit().into()));
        assert_eq!(Executor::is_proc_exit(&*boxed), Some(7));
        assert_eq!(Executor::is_proc_exit(&Error::Exit(u32::MAX)), Some(-1));
        assert_eq!(Executor::is_proc_exit(&Error::OutOfFuel), None);
        assert_eq!(
            Executor::is_proc_exit(&std::io::Error::from(std::io::ErrorKind::NotFound)),
            None
        );
    }
}
