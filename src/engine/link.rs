//! `Linker`: (module, name) → what an import of that name gets.

use std::marker::PhantomData;

use super::config::Engine;
use super::error::Error;
use super::executor::Executor;
use super::host::{Caller, Halt, IntoFunc, IntoFuncWith};
use super::instance::{Extern, Instance};
use super::module::Module;
use super::store::{AsStoreMut, Store};
use super::types::FuncType;
use super::value::Val;

/// What imports are resolved to, by their two names.
pub struct Linker<T = ()> {
    engine: Option<Engine>,
    data: PhantomData<fn() -> T>,
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Linker { engine: self.engine.clone(), data: PhantomData }
    }
}

/// Without an engine: the one of the module that is instantiated counts.
impl<T> Default for Linker<T> {
    fn default() -> Self {
        Linker { engine: None, data: PhantomData }
    }
}

impl<T: Send + 'static> Linker<T> {
    /// An empty linker for modules of `engine`.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker { engine: Some(engine.clone()), ..Linker::default() }
    }

    /// Defines a function by a closure that sees memory 0 of the caller.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn func<Params>(&mut self, module: &str, name: &str, closure: impl IntoFunc<Params>) -> Result<&mut Self, Error> {
        let _ = (module, name, closure.into_func());
        todo!()
    }

    /// Defines a function by a closure that sees the whole store through [`Caller`].
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn func_with<Params>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoFuncWith<T, Params>,
    ) -> Result<&mut Self, Error> {
        let _ = (module, name, closure.into_func_with());
        todo!()
    }

    /// Defines a function of a type known only at run time. The closure gets the arguments and writes the results,
    /// which are zero or null at first.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn func_raw<F>(&mut self, module: &str, name: &str, ty: FuncType, closure: F) -> Result<&mut Self, Error>
    where
        F: Fn(&mut Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Halt> + Send + Sync + 'static,
    {
        let _ = (module, name, ty, closure);
        todo!()
    }

    /// Defines a name as something of a store; only modules instantiated in that store can then use it.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken or the thing is of another store.
    pub fn define(
        &mut self,
        store: &impl super::store::AsStore,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self, Error> {
        let _ = (store, module, name, item.into());
        todo!()
    }

    /// Defines all exports of an instance under `module`. Names taken before are replaced.
    ///
    /// # Errors
    /// [`Error::Type`] for an instance of another store.
    pub fn instance(
        &mut self,
        store: &mut impl AsStoreMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        let _ = (store, module, instance);
        todo!()
    }

    /// Gives everything under `module` also under `as_module`.
    ///
    /// # Errors
    /// [`Error::Type`] when there is nothing under `module`.
    pub fn alias(&mut self, module: &str, as_module: &str) -> Result<&mut Self, Error> {
        let _ = (module, as_module);
        todo!()
    }

    /// What a name is defined as, in that store.
    pub fn get(&self, store: &mut impl AsStoreMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        let _ = (store, module, name);
        todo!()
    }

    /// Defines every function the module imports and the linker lacks as one that traps when called; the message names
    /// the import.
    ///
    /// # Errors
    /// None at present.
    pub fn stub_unknown_imports(&mut self, module: &Module) -> Result<&mut Self, Error> {
        let _ = module;
        todo!()
    }

    /// Whether later definitions may replace earlier ones. Off at first.
    pub fn allow_shadowing(&mut self, on: bool) -> &mut Self {
        let _ = on;
        todo!()
    }

    /// Instantiates a module in a store of its own and runs its start function.
    ///
    /// # Errors
    /// As [`Linker::instantiate_in`].
    pub fn instantiate(&self, module: &Module) -> Result<Executor<T>, Error>
    where
        T: Default,
    {
        let _ = module;
        todo!()
    }

    /// Instantiates a module in a store and runs its start function.
    ///
    /// # Errors
    /// [`Error::Link`] with all imports that are missing or of another type, [`Error::Limit`], [`Error::Instantiate`],
    /// and whatever ends the start function.
    pub fn instantiate_in(&self, store: &mut Store<T>, module: &Module) -> Result<Instance, Error> {
        let _ = (store, module);
        todo!()
    }
}
