//! `Instance`: a module with state, and the things it exports.

use super::error::{Error, ExportError};
use super::func::{Func, TypedFunc};
use super::global::Global;
use super::memory::{LinearMemory, Memory, StoreMemory};
use super::module::{Export, Kind, Module};
use super::run::layout::{Owned, VmFunc, VmInstance, VmTable};
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _, StoreInner};
use super::table::Table;
use super::tag::Tag;
use super::types::ExternType;
use super::value::{WasmParams, WasmResults};

/// Index of an instance in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceId(pub(crate) u32);

impl InstanceId {
    /// No instance: the embedder calls a host function itself.
    pub(crate) const NONE: InstanceId = InstanceId(u32::MAX);
}

/// An instance as its store has it: what it has of each index space, and what handlers see of it.
///
/// The vectors that `vm` points into are not pushed to after `instantiate.rs` has filled them.
pub(crate) struct InstanceData {
    pub module: Module,
    pub vm: Owned<VmInstance>,
    /// By function index, imports first; null until somebody asks for the function.
    pub funcs: Vec<*mut VmFunc>,
    /// Indices in the store, imports first, here and in the next three.
    pub tables: Vec<u32>,
    pub memories: Vec<u32>,
    pub globals: Vec<u32>,
    pub tags: Vec<u32>,
    #[expect(dead_code, reason = "`vm` points to it")]
    pub vm_tables: Vec<*mut VmTable>,
    pub vm_memories: Vec<*mut u8>,
    #[expect(dead_code, reason = "`vm` points to it")]
    pub vm_globals: Vec<*mut u64>,
    pub dropped_elems: Vec<bool>,
    pub dropped_datas: Vec<bool>,
    /// By element segment: its values, where computing them makes objects, which must be the same ones each time.
    pub elem_values: Vec<Box<[u64]>>,
    /// The memory of no pages of an instance without one.
    #[expect(dead_code, reason = "`vm` points into it")]
    pub empty_memory: Option<Box<LinearMemory>>,
    /// Globals defined here that do not stand below a memory.
    #[expect(dead_code, reason = "`vm_globals` points into it")]
    pub cells: Vec<u64>,
}

impl InstanceData {
    /// The bytes of a data segment: none once it is dropped.
    pub(crate) fn data_bytes(&self, segment: u32) -> &[u8] {
        if self.dropped_datas[segment as usize] {
            return &[];
        }
        let module = &*self.module.inner;
        module.slice(&module.datas[segment as usize].bytes)
    }

    /// Looks up the addresses of byte 0 again, where memories move when they grow.
    pub(crate) fn refresh_bases(&mut self, memories: &[StoreMemory]) {
        for (base, &index) in self.vm_memories.iter_mut().zip(&self.memories) {
            *base = memories[index as usize].base();
        }
        if let Some(&base) = self.vm_memories.first() {
            self.vm.get_mut().mb = base;
        }
    }
}

impl StoreInner {
    /// What an instance exports.
    fn export(&mut self, instance: InstanceId, kind: Kind, index: u32) -> Extern {
        let store = self.id;
        if kind == Kind::Table {
            // From now on others may look at it.
            self.fill_now(instance, index);
        }
        let data = &self.instances[instance.0 as usize];
        match kind {
            Kind::Func => Extern::Func(Func::new(store, self.func_ref(instance, index))),
            Kind::Table => Extern::Table(Table {
                store,
                index: data.tables[index as usize],
            }),
            Kind::Memory => Extern::Memory(Memory {
                store,
                index: data.memories[index as usize],
            }),
            Kind::Global => Extern::Global(Global {
                store,
                index: data.globals[index as usize],
            }),
            Kind::Tag => Extern::Tag(Tag {
                store,
                index: data.tags[index as usize],
            }),
        }
    }

    /// The export of that name.
    pub(crate) fn export_by_name(&mut self, instance: InstanceId, name: &str) -> Option<Extern> {
        let &Export { kind, index, .. } = self.instances.get(instance.0 as usize)?.module.inner.export(name)?;
        Some(self.export(instance, kind, index))
    }
}

/// Something an instance exports or a linker defines: a handle of one of five kinds.
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
    /// A tag of exceptions.
    Tag(Tag),
}

impl Extern {
    /// Its type; tables and memories with their present size as the minimum.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(&self, store: &impl AsStore) -> Result<ExternType, Error> {
        Ok(match *self {
            Extern::Func(func) => ExternType::Func(func.ty(store)?),
            Extern::Table(table) => ExternType::Table(table.ty(store)?),
            Extern::Memory(memory) => ExternType::Memory(memory.ty(store)?),
            Extern::Global(global) => ExternType::Global(global.ty(store)?),
            Extern::Tag(tag) => ExternType::Tag(tag.ty(store)?),
        })
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

    /// The tag, if it is one.
    pub fn into_tag(self) -> Option<Tag> {
        match self {
            Extern::Tag(tag) => Some(tag),
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
extern_from!(Func, Table, Memory, Global, Tag);

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
        let index = super::instantiate::instance(store.inner_mut(), module, imports)?;
        Ok(Instance {
            store: store.inner().id,
            index: index.0,
        })
    }

    /// The module it was made from.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn module(self, store: &impl AsStore) -> Result<&Module, Error> {
        let store = store.inner();
        store.check_handle(self.store, "instance")?;
        Ok(&store.instances[self.index as usize].module)
    }

    /// The export of that name; `None` if there is none, or for a handle of another store.
    pub fn get(self, store: &mut impl AsStoreMut, name: &str) -> Option<Extern> {
        let store = store.inner_mut();
        store.check_handle(self.store, "instance").ok()?;
        store.export_by_name(InstanceId(self.index), name)
    }

    /// All exports with their names, in the module's order.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn exports(self, store: &mut impl AsStoreMut) -> Result<Vec<(String, Extern)>, Error> {
        let store = store.inner_mut();
        store.check_handle(self.store, "instance")?;
        let module = store.instances[self.index as usize].module.clone();
        let exports = module.inner.exports.iter();
        Ok(exports
            .map(|export| {
                let item = store.export(InstanceId(self.index), export.kind, export.index);
                (module.inner.text(&export.name).to_string(), item)
            })
            .collect())
    }

    /// The exported function of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn func(self, store: &mut impl AsStoreMut, name: &str) -> Result<Func, Error> {
        self.export(store.inner_mut(), name, "function", Extern::into_func)
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
        self.export(store.inner_mut(), name, "memory", Extern::into_memory)
    }

    /// The exported global of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn global(self, store: &mut impl AsStoreMut, name: &str) -> Result<Global, Error> {
        self.export(store.inner_mut(), name, "global", Extern::into_global)
    }

    /// The exported table of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn table(self, store: &mut impl AsStoreMut, name: &str) -> Result<Table, Error> {
        self.export(store.inner_mut(), name, "table", Extern::into_table)
    }

    /// The exported tag of that name.
    ///
    /// # Errors
    /// [`Error::Export`] if there is none.
    pub fn tag(self, store: &mut impl AsStoreMut, name: &str) -> Result<Tag, Error> {
        self.export(store.inner_mut(), name, "tag", Extern::into_tag)
    }

    fn export<H>(
        self,
        store: &mut StoreInner,
        name: &str,
        wanted: &'static str,
        of_kind: fn(Extern) -> Option<H>,
    ) -> Result<H, Error> {
        store.check_handle(self.store, "instance")?;
        let found = store.export_by_name(InstanceId(self.index), name).and_then(of_kind);
        found.ok_or_else(|| no_export(&store.instances[self.index as usize].module, name, wanted))
    }
}

/// There is no such export, or it is something else.
#[cold]
pub(crate) fn no_export(module: &Module, name: &str, wanted: &'static str) -> Error {
    let is_wanted = |ty: &ExternType| {
        wanted
            == match ty {
                ExternType::Func(_) => "function",
                ExternType::Table(_) => "table",
                ExternType::Memory(_) => "memory",
                ExternType::Global(_) => "global",
                ExternType::Tag(_) => "tag",
            }
    };
    let found = module
        .exports()
        .find(|export| export.name == name)
        .map(|export| export.ty);
    let available = module
        .exports()
        .filter(|export| is_wanted(&export.ty))
        .map(|export| export.name.to_string());
    Error::Export(Box::new(ExportError {
        name: name.to_string(),
        wanted,
        found,
        available: available.collect(),
    }))
}
