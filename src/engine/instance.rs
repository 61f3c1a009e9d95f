//! `Instance`: a module with state, and the things it exports.

use super::error::Error;
use super::func::{Func, TypedFunc};
use super::global::Global;
use super::memory::Memory;
use super::store::{AsStore, AsStoreMut};
use super::table::Table;
use super::module::Module;
use super::types::ExternType;
use super::value::{WasmParams, WasmResults};

/// Index of an instance in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceId(pub(crate) u32);

impl InstanceId {
    /// No instance: the embedder calls a host function itself.
    pub(crate) const NONE: InstanceId = InstanceId(u32::MAX);
}

/// Something an instance exports or a linker defines: a handle of one of four kinds.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
}

impl Extern {
    /// Its type; tables and memories with their present size as the minimum.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(&self, store: &impl AsStore) -> Result<ExternType, Error> {
        let _ = store;
        todo!()
    }

    /// The function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        match self {
            Extern::Func(func) => Some(func),
            _ => None,
        }
    }

    /// The table, if it is one.
    pub fn into_table(self) -> Option<Table> {
        match self {
            Extern::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        match self {
            Extern::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// The global, if it is one.
    pub fn into_global(self) -> Option<Global> {
        match self {
            Extern::Global(global) => Some(global),
            _ => None,
        }
    }
}

macro_rules! extern_from {
    ($($kind:ident),*) => { $(
        impl From<$kind> for Extern {
            fn from(handle: $kind) -> Extern {
                Extern::$kind(handle)
            }
        }
    )* };
}
extern_from!(Func, Table, Memory, Global);

/// An instance of a module: a handle, to be used with its store.
///
/// Spec: exec/runtime.html#module-instances
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instance {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Instance {
    /// Instantiates a module with exactly the imports it lists, in its order, and runs its start function.
    ///
    /// # Errors
    /// As [`Linker::instantiate_in`](crate::Linker::instantiate_in).
    pub fn new(store: &mut impl AsStoreMut, module: &Module, imports: &[Extern]) -> Result<Instance, Error> {
        let _ = (store, module, imports);
        todo!()
    }

    /// The module it was made from.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn module<'s>(self, store: &'s impl AsStore) -> Result<&'s Module, Error> {
        let _ = store;
        todo!()
    }

    /// The export of that name; `None` if there is none, or for a handle of another store.
    pub fn get(self, store: &mut impl AsStoreMut, name: &str) -> Option<Extern> {
        let _ = (store, name);
        todo!()
    }

    /// All exports with their names, in the module's order.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn exports(self, store: &mut impl AsStoreMut) -> Result<Vec<(String, Extern)>, Error> {
        let _ = store;
        todo!()
    }

    /// The exported function of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn func(self, store: &mut impl AsStoreMut, name: &str) -> Result<Func, Error> {
        let _ = (store, name);
        todo!()
    }

    /// The exported function of that name, to be called with `P` for `R`.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none, [`Error::Type`] if its type is another.
    pub fn typed_func<P: WasmParams, R: WasmResults>(
        self,
        store: &mut impl AsStoreMut,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        self.func(store, name)?.typed(store)
    }

    /// The exported memory of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn memory(self, store: &mut impl AsStoreMut, name: &str) -> Result<Memory, Error> {
        let _ = (store, name);
        todo!()
    }

    /// The exported global of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn global(self, store: &mut impl AsStoreMut, name: &str) -> Result<Global, Error> {
        let _ = (store, name);
        todo!()
    }

    /// The exported table of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn table(self, store: &mut impl AsStoreMut, name: &str) -> Result<Table, Error> {
        let _ = (store, name);
        todo!()
    }
}
